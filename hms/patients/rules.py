"""What must be true of a patient. Each subject has its own file; this one names what the rest of the desk calls."""

from __future__ import annotations

from hms.patients.alike import STRONG, WORTH_SHOWING, Likeness, Person, alike
from hms.patients.birth import Birth, age, born, check_born, from_age, years_old
from hms.patients.names import SEXES, Names, gender_code, listed, names, sex, spoken, unknown_person
from hms.patients.phone import Phone, fragment, masked, normal, shown
from hms.patients.search import SearchTerms, terms

__all__ = [
    "SEXES",
    "STRONG",
    "WORTH_SHOWING",
    "Birth",
    "Likeness",
    "Names",
    "Person",
    "Phone",
    "SearchTerms",
    "age",
    "alike",
    "born",
    "check_born",
    "fragment",
    "from_age",
    "gender_code",
    "listed",
    "masked",
    "names",
    "normal",
    "sex",
    "shown",
    "spoken",
    "terms",
    "unknown_person",
    "years_old",
]
