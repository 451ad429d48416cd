"""Forms of patients. Fields have the API's names, so that errors are on the same field in both."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired
from wtforms.widgets import HiddenInput

from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.settings.payers import payer_names
from hms.core.text import formatting
from hms.core.text.translation import N_
from hms.core.web.forms import ActionForm, RecordIdField, Required, RequiredMark, Text

from .addresses.queries import area_path, resolve_area
from .allergies.rules import parse_substances
from .contacts.forms import OWNERS, RELATIONS
from .contacts.rules import MAX_NAME_LENGTH, MAX_NUMBER_LENGTH
from .identity import birth_dates, names
from .models import Patient
from .records.actions import MAX_LENGTH
from .search import match_scoring
from .search.conditions import OLDEST_AGE
from .search.query_parser import parse_query
from .search.typed_facts import Age, find_age, is_title, sex_of

SEX = [
    SelectChoice("female", _l("Female")),
    SelectChoice("male", _l("Male")),
    SelectChoice("other", _l("Other")),
    SelectChoice("unknown", _l("Not known")),
]
UNITS = [
    SelectChoice("years", _l("years")),
    SelectChoice("months", _l("months")),
    SelectChoice("weeks", _l("weeks")),
    SelectChoice("days", _l("days")),
]
ALLERGY_ANSWERS = [
    SelectChoice("not_asked", _l("Not asked yet")),
    SelectChoice("none_known", _l("No known allergies (asked)")),
    SelectChoice("known", _l("Has allergies")),
]
SEVERITIES = [
    SelectChoice("unknown", _l("Not known")),
    SelectChoice("mild", _l("Mild")),
    SelectChoice("moderate", _l("Moderate")),
    SelectChoice("severe", _l("Severe")),
]
OPTIONAL_FIELDS = (
    *("title", "preferred_name", "other_names", "next_of_kin", "occupation", "language"),
    *("national_id", "other_numbers", "email", "payer", "payer_number"),
)
"""Optional fields that have the name of their column."""


class BirthForm(ActionForm):
    """A birth date in one text field, or an age instead."""

    date_of_birth = Text(_l("Date of birth"), longest=40)
    age = Text(_l("Or age"), longest=40)
    age_unit = SelectField(_l("Age in"), choices=UNITS, default="years", validate_choice=False)
    age_is_checked = BooleanField(_l("The date is correct: the person is over 110"))

    def birth(self, *, needed: bool = True) -> dict[str, Any]:
        """The birth date as arguments of the actions; empty when none was typed and none is `needed`."""
        born = self._born(needed)
        if born is None:
            return {}
        if born.is_unusual and not self.age_is_checked.data:
            self.asks_about_age = True
            raise RuleBroken(
                N_("The person would be over 110. Check the year, or tick that the date is correct."), "date_of_birth"
            )
        return {"birth_date": born.day, "birth_is_estimated": born.is_estimated}

    def _born(self, needed: bool) -> birth_dates.Birth | None:
        if self.date_of_birth.data:
            return birth_dates.parse_birth_date(self.date_of_birth.data, clock.today())
        if self.age.data:
            return birth_dates.estimate_birth_date(self.age.data, clock.today(), self.age_unit.data or "years")
        return birth_dates.parse_birth_date("", clock.today()) if needed else None

    asks_about_age = False


class PersonForm(BirthForm):
    """The demographics of a patient."""

    first_name = Text(_l("Given names"), longest=100)
    last_name = Text(_l("Family name"), longest=100)
    gender = RadioField(_l("Sex"), [DataRequired(_l("Choose Female, Male, Other or Not known."))], choices=SEX)
    contact_info = Text(_l("Phone"), longest=255)
    address = Text(_l("Address"), longest=MAX_LENGTH["address"])
    area = Text(_l("Area"), longest=1000)
    area_id = RecordIdField(widget=HiddenInput())
    title = Text(_l("Title"), longest=MAX_LENGTH["title"])
    preferred_name = Text(_l("Preferred name"), longest=MAX_LENGTH["preferred_name"])
    other_names = Text(_l("Other names, for example before marriage"), longest=MAX_LENGTH["other_names"])
    next_of_kin = Text(_l("Next of kin"), longest=MAX_LENGTH["next_of_kin"])
    occupation = Text(_l("Occupation"), longest=MAX_LENGTH["occupation"])
    language = Text(_l("Language"), longest=MAX_LENGTH["language"])
    national_id = Text(_l("National ID"), longest=MAX_LENGTH["national_id"])
    other_numbers = Text(_l("Other or old numbers, with commas between"), longest=MAX_LENGTH["other_numbers"])
    email = Text(_l("E-mail"), longest=MAX_LENGTH["email"])
    payer = SelectField(_l("Other payer"), default="")
    payer_number = Text(_l("Number with the payer"), longest=MAX_LENGTH["payer_number"])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        recorded = [self.payer.object_data] if self.payer.object_data else []
        names = dict.fromkeys([*payer_names(), *recorded])
        self.payer.choices = [SelectChoice("", _("Not recorded")), *(SelectChoice(name, name) for name in names)]

    def demographics(self) -> dict[str, Any]:
        """Name, sex and contact as arguments of the actions."""
        typed = {name: self[name].data for name in ("address", *OPTIONAL_FIELDS)}
        return typed | {
            "area_id": resolve_area(self.area_id.data, self.area.data or ""),
            "given_names": self.first_name.data,
            "family_name": self.last_name.data,
            "sex": self.gender.data,
            "phone": self.contact_info.data,
        }

    def has_more(self) -> bool:
        """Whether a field in the folded part has a value or an error."""
        return any(self[name].data or self[name].errors for name in OPTIONAL_FIELDS)


class RegistrationForm(PersonForm):
    """A new patient."""

    first_name = Text(_l("Given names"), [RequiredMark()], longest=100)
    date_of_birth = Text(_l("Date of birth"), [RequiredMark()], longest=40)
    other_phone_number = Text(_l("Another phone"), longest=MAX_NUMBER_LENGTH)
    other_phone_owner = SelectField(_l("Whose phone"), choices=OWNERS, default="own")
    kin_name = Text(_l("Next of kin: name"), longest=MAX_NAME_LENGTH)
    kin_relation = SelectField(_l("Next of kin: relation"), choices=[SelectChoice("", _l("Choose")), *RELATIONS])
    kin_phone = Text(_l("Next of kin: phone"), longest=MAX_NUMBER_LENGTH)
    allergies = RadioField(_l("Allergies"), choices=ALLERGY_ANSWERS, default="not_asked")
    known_allergies = Text(_l("What does the patient react to?"), longest=5000)
    overridden_match_id = RecordIdField()
    draft = HiddenField()

    def validate(self, extra_validators: Any = None) -> bool:
        """Report all missing fields at once."""
        is_fine = super().validate(extra_validators)
        for needed in (lambda: names.clean_names(self.first_name.data, self.last_name.data), self.birth):
            try:
                needed()
            except RuleBroken as refusal:
                is_fine = False
                if not self[refusal.field].errors:
                    self.refuse(refusal)
        return is_fine

    def values(self) -> dict[str, Any]:
        more = {"draft": self.draft.data or "", "allergies": self._allergies()} | self._contacts()
        return self.demographics() | self.birth() | self._overridden() | more

    def has_more(self) -> bool:
        """Whether a field in the folded part has a value or an error."""
        own = ("other_phone_number", "kin_name", "kin_relation", "kin_phone")
        return super().has_more() or any(self[name].data or self[name].errors for name in own)

    def _contacts(self) -> dict[str, dict[str, str]]:
        """A further phone and one of the next of kin; empty without any typed value."""
        number, owner = self.other_phone_number.data, self.other_phone_owner.data
        kin = {name: self[f"kin_{name}"].data or "" for name in ("name", "relation", "phone")}
        return {"other_phone": {"number": number, "owner": owner} if number else {}, "kin": kin}

    def _overridden(self) -> dict[str, Any]:
        return {"overridden_match_id": self.overridden_match_id.data, "must_confirm_duplicate": True}

    def _allergies(self) -> list[str] | None:
        if self.allergies.data == "known":
            named = parse_substances(self.known_allergies.data)
            if not named:
                raise RuleBroken(N_("Enter the allergies, or choose another answer."), "known_allergies")
            return named
        return [] if self.allergies.data == "none_known" else None

    def person(self) -> match_scoring.ComparedPerson:
        """The values typed so far, to find duplicates; unreadable values are left out."""
        try:
            birth = self._born(needed=False)
        except RuleBroken:
            birth = None
        sex = self.gender.data if self.gender.data in names.SEXES else "unknown"
        number = self.other_phone_number.data or ""
        return match_scoring.ComparedPerson(
            self.first_name.data or "",
            self.last_name.data or "",
            birth.day if birth else None,
            bool(birth and birth.is_estimated),
            sex,
            self.contact_info.data or None,
            self.address.data or "",
            f"{self.preferred_name.data or ''} {self.other_names.data or ''}".strip(),
            self.national_id.data or "",
            (number,) if number and self.other_phone_owner.data in ("own", "work") else (),
        )


class CorrectionForm(PersonForm):
    """Changes to a registered patient; an empty birth date leaves the recorded one."""

    entered_together = (("date_of_birth", "age", "age_unit", "age_is_checked"), ("area", "area_id"))
    version = RecordIdField()

    def values(self) -> dict[str, Any]:
        return self.demographics() | self.birth(needed=False) | {"version": self.version.data}


class UnknownForm(BirthForm):
    """An unidentified patient."""

    gender = RadioField(_l("Sex"), [DataRequired(_l("Choose Female, Male, Other or Not known."))], choices=SEX)

    def values(self) -> dict[str, Any]:
        return {"sex": self.gender.data} | self.birth(needed=False)


class AllergyForm(ActionForm):
    """One substance a patient reacts to."""

    substance = Text(_l("Substance"), [Required()], longest=200)
    reaction = Text(_l("Reaction"), longest=255)
    severity = RadioField(_l("Severity"), choices=SEVERITIES, default="unknown")


class ButtonForm(ActionForm):
    """A form that is only a button: it checks the CSRF token."""

    pressed = HiddenField()

    def values(self) -> dict[str, Any]:
        return {}


def recorded_values(patient: Patient) -> dict[str, Any]:
    """A patient's record as the fields of `CorrectionForm` show it."""
    has_day = patient.birth_date is not None and not patient.birth_is_estimated
    return {
        "first_name": patient.given_names,
        "last_name": patient.family_name,
        "gender": patient.sex,
        "date_of_birth": formatting.format_date(patient.birth_date) if has_day else "",
        "contact_info": patient.phone,
        "area": area_path(patient.area_id),
        "area_id": patient.area_id,
        "version": patient.version,
        **{name: getattr(patient, name) for name in ("address", *OPTIONAL_FIELDS)},
    }


_AGE_BEFORE_PHONE = re.compile(r"(?<!\S)([1-9][0-9]?|10[0-9])(?=\s+(?:0|\+)[0-9])")
"""A bare number before a phone, which begins with 0 or +."""


def fields_from_search(text: str) -> dict[str, str]:
    """Initial values of the form from the search text: "mr kofi kargbo 52 076 123 476", "KAMARA, Kadiatu 13/3/91"."""
    today = clock.today()
    query = parse_query(text, today)
    rest, age = find_age(text, today) if query.birth_date is None else (text, None)
    if query.birth_date is None and (before_phone := _AGE_BEFORE_PHONE.search(rest)):
        age, rest = Age(int(before_phone[1]), "years"), rest[: before_phone.start()] + rest[before_phone.end() :]
        query = parse_query(rest, today)
    plain = [word for word in rest.replace(",", " , ").split() if not any(sign.isdigit() for sign in word)]
    words = [word for word in plain if word == "," or any(sign.isalpha() for sign in word)]
    filled = _names([word for word in words if not _is_said_otherwise(word)], query.birth_date is not None)
    sexes = {sex for word in words if len(word) > 1 and (sex := sex_of(word))}
    if len(sexes) == 1:
        filled["gender"] = sexes.pop()
    if query.birth_date:
        filled["date_of_birth"] = formatting.format_date(query.birth_date)
    elif bare := next((run for run in query.digit_runs if len(run) < 4 and 0 < int(run) <= OLDEST_AGE), ""):
        filled |= {"age": bare, "age_unit": "years"}
    if age is not None:
        filled |= {"age": str(age.count), "age_unit": age.unit}
    phone = next((run for run in query.digit_runs if len(run) >= 6), "")
    return filled | ({"contact_info": phone} if phone else {})


def _is_said_otherwise(word: str) -> bool:
    """Whether the word names a sex, a title or a label of a card; a single letter is an initial."""
    return len(word) > 1 and (sex_of(word) is not None or is_title(word))


def _names(words: list[str], has_date: bool) -> dict[str, str]:
    """Family name first before a comma, else last."""
    plain = [word for word in words if not (has_date and word[:3].title() in formatting.SHORT_MONTHS)]
    if "," in plain:
        family, given = plain[: plain.index(",")], [word for word in plain[plain.index(",") + 1 :] if word != ","]
    else:
        given, family = (plain[:-1], plain[-1:]) if len(plain) > 1 else (plain, [])
    return {"first_name": _name(given), "last_name": _name(family)}


def _name(words: list[str]) -> str:
    return " ".join(word[:1].upper() + (word[1:].lower() if word.isupper() else word[1:]) for word in words)[:100]
