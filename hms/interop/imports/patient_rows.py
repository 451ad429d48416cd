"""Patients from the rows of a file."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l

from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text import phone_numbers
from hms.core.text.cleaning import fold
from hms.core.text.dates import parse_past_date
from hms.core.text.translation import N_
from hms.patients.allergies.rules import parse_substances
from hms.patients.death.actions import record_death
from hms.patients.identity import birth_dates
from hms.patients.identity.names import parse_sex
from hms.patients.models import Patient
from hms.patients.records.actions import MAX_LENGTH, withdraw_patient
from hms.patients.registration.actions import PossibleDuplicate, register_patient
from hms.patients.search import match_scoring

from .fields import Field, choice, identity, line, yes_or_no
from .kind import UNDONE, AlreadyThere, ImportKind

_COLUMNS = {"first_name": "given_names", "last_name": "family_name", "gender": "sex", "contact_info": "phone"}
_OTHERWISE = (
    *("date_of_birth", "date_of_birth_is_estimated", "age", "known_allergies"),
    *("deceased", "deceased_on"),
)
"""The fields that are no columns of the record."""
_DIED = dict.fromkeys(("yes", "y", "true", "1", "x", "oui", "o", "vrai", "deceased", "dead", "died", "decede"), True)
_DIED |= dict.fromkeys(("no", "n", "false", "0", "non", "faux", "alive", "living", "vivant", "vivante"), False)
_DIED |= {"decedee": True, "mort": True, "morte": True}
_FRENCH_SEXES = {"f": "female", "feminin": "female", "femme": "female", "fille": "female"} | {
    "m": "male",
    "h": "male",
    "masculin": "male",
    "homme": "male",
    "garcon": "male",
    "autre": "other",
    "inconnu": "unknown",
}


def _sex(text: str) -> str:
    return parse_sex(_FRENCH_SEXES.get(fold(text), text))


def _birth_date(text: str) -> birth_dates.Birth:
    return _usual(birth_dates.parse_birth_date(text, clock.today()))


def _age(text: str) -> birth_dates.Birth:
    return _usual(birth_dates.estimate_birth_date(text, clock.today()))


def _death_day(text: str) -> date:
    return parse_past_date(text, clock.today())


def _usual(birth: birth_dates.Birth) -> birth_dates.Birth:
    if birth.is_unusual:
        raise RuleBroken(
            N_("The person would be over 110. Check the year. If it is correct, register the person at the front desk.")
        )
    return birth


def birth_of(values: dict[str, Any]) -> birth_dates.Birth | None:
    """The birth that a row gives as a date or as an age; None without either."""
    return values.get("date_of_birth") or values.get("age")


def _save(values: dict[str, Any], by: Person, other_than: int | None) -> int:
    has_died = _has_died(values)
    patient = _register(values, by, other_than)
    if has_died:
        record_death(patient.id, died_on=values.get("deceased_on"), by=by)
    return patient.id


def _has_died(values: dict[str, Any]) -> bool:
    """Whether the file says so; raises `RuleBroken` when it says both."""
    has_day = "deceased_on" in values
    if has_day and values.get("deceased") is False:
        raise RuleBroken(
            N_("The row has a date of death and says that the patient has not died. Correct one."), "deceased"
        )
    return has_day or values.get("deceased", False)


def _register(values: dict[str, Any], by: Person, other_than: int | None) -> Patient:
    columns = {_COLUMNS.get(name, name): value for name, value in values.items() if name not in _OTHERWISE}
    birth = birth_of(values)
    if birth is None:
        raise RuleBroken(N_("Enter a date of birth or an age."), "date_of_birth")
    try:
        return register_patient(
            **{"given_names": ""} | columns,
            birth_date=birth.day,
            birth_is_estimated=birth.is_estimated or values.get("date_of_birth_is_estimated", False),
            allergies=values.get("known_allergies"),
            must_confirm_duplicate=True,
            overridden_match_id=other_than,
            by=by,
        )
    except PossibleDuplicate as found:
        error = AlreadyThere.from_error(found)
        error.match_id = found.match.hit.id
        raise error from found


def _identities(values: dict[str, Any]) -> list[str]:
    return [identity("national_id", _plain(values.get("national_id", "")))]


def _plain(text: str) -> str:
    return "".join(sign for sign in text.upper() if sign.isalnum())


def _near(values: dict[str, Any]) -> list[str]:
    """The names in any order, the phone, and the date of birth with those that are easily written for it."""
    person, born = _person(values), birth_of(values)
    days = [] if born is None or born.is_estimated else match_scoring.nearest_days(born.day)
    words = " ".join(sorted(match_scoring.tokens(f"{person.given} {person.family}")))
    phone = phone_numbers.strip_dial_prefix(person.phone or "")[-8:]
    return [identity("names", words), identity("phone", phone), *(identity("born", day) for day in days)]


def _is_twin(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """As registering compares a person with those who are registered."""
    return match_scoring.score_match(_person(one), _person(other)).score >= match_scoring.STRONG


def _person(values: dict[str, Any]) -> match_scoring.ComparedPerson:
    phone, born = values.get("contact_info", ""), birth_of(values)
    return match_scoring.ComparedPerson(
        values.get("first_name", ""),
        values.get("last_name", ""),
        born.day if born else None,
        bool(born and (born.is_estimated or values.get("date_of_birth_is_estimated"))),
        values.get("gender", "unknown"),
        phone_numbers.parse_phone(phone, current_app.config["COUNTRY"]).e164 or phone or None,
        values.get("address", ""),
        f"{values.get('preferred_name', '')} {values.get('other_names', '')}".strip(),
        values.get("national_id", ""),
    )


def _undo(record_id: int, by: Person) -> None:
    withdraw_patient(record_id, reason=UNDONE, by=by)


PATIENTS = ImportKind(
    name="patients",
    label=_l("Patients"),
    needs=(Permission.IMPORT_RECORDS, Permission.REGISTER_PATIENT, Permission.WITHDRAW_PATIENT),
    model=Patient,
    save=_save,
    undo=_undo,
    identities=_identities,
    needs_one_of=(("first_name", "last_name"), ("date_of_birth", "age")),
    near=_near,
    is_twin=_is_twin,
    twin_message=N_("This may be the person of row %(row)s of this file."),
    duplicate_label=_l("Possible duplicate"),
    may_be_other=True,
    page="chart.summary patient_id",
    uses_apart=frozenset(("duplicate_pair", "patient_to_compare")),
    note=_l(
        "Each patient needs a name, a sex, and a date of birth or an age, and gets a new hospital number; put the old number "
        "into “Other or old numbers”. People who seem to be "
        "registered already are not imported until you say that they are different people."
    ),
    fields=(
        Field(
            "first_name",
            _l("Given names"),
            ("given name", "first names", "forename", "prenom", "prenoms"),
            line(100),
            example="Kadiatu",
        ),
        Field(
            "last_name",
            _l("Family name"),
            ("surname", "family names", "nom", "nom de famille"),
            line(100),
            example="Kamara",
        ),
        Field("gender", _l("Sex"), ("sexe", "genre"), _sex, is_required=True, example="female"),
        Field(
            "date_of_birth",
            _l("Date of birth"),
            ("birth date", "dob", "born", "date de naissance", "ne le", "naissance"),
            _birth_date,
            example="27/3/1991",
            is_date=True,
        ),
        Field(
            "date_of_birth_is_estimated",
            _l("Date of birth is approximate"),
            ("estimated", "approximate", "estimated date of birth", "date de naissance approximative"),
            yes_or_no,
        ),
        Field("age", _l("Age"), ("age in years", "age en annees"), _age),
        Field(
            "contact_info",
            _l("Phone"),
            ("phone number", "telephone", "mobile", "tel", "portable", "numero de telephone"),
            line(255),
            example="076 123 456",
        ),
        Field("address", _l("Address"), ("adresse",), line(MAX_LENGTH["address"]), example="12 Hill Street"),
        Field("title", _l("Title"), ("titre", "civilite"), line(MAX_LENGTH["title"])),
        Field("preferred_name", _l("Preferred name"), ("nom usuel",), line(MAX_LENGTH["preferred_name"])),
        Field(
            "other_names",
            _l("Other names"),
            ("maiden name", "married name", "nom de jeune fille", "autres noms"),
            line(MAX_LENGTH["other_names"]),
        ),
        Field("next_of_kin", _l("Next of kin"), ("proche", "personne a prevenir"), line(MAX_LENGTH["next_of_kin"])),
        Field("occupation", _l("Occupation"), ("profession", "job"), line(MAX_LENGTH["occupation"])),
        Field("language", _l("Language"), ("langue",), line(MAX_LENGTH["language"])),
        Field(
            "national_id",
            _l("National ID"),
            ("id number", "nin", "identity number", "numero d identite", "carte d identite"),
            line(MAX_LENGTH["national_id"]),
        ),
        Field(
            "other_numbers",
            _l("Other or old numbers"),
            (
                "other numbers",
                "old number",
                "hospital number",
                "file number",
                "folder number",
                "numero de dossier",
                "ancien numero",
            ),
            line(MAX_LENGTH["other_numbers"]),
            example="OLD-0042",
        ),
        Field("email", _l("E-mail"), ("mail", "email address", "courriel", "e mail"), line(MAX_LENGTH["email"])),
        Field("payer", _l("Other payer"), ("insurance", "insurer", "payeur", "assurance"), line(MAX_LENGTH["payer"])),
        Field(
            "payer_number",
            _l("Number with the payer"),
            ("number at the payer", "insurance number", "policy number", "numero d assurance"),
            line(MAX_LENGTH["payer_number"]),
        ),
        Field("known_allergies", _l("Allergies"), ("allergy", "allergie"), parse_substances),
        Field(
            "deceased",
            _l("Deceased"),
            ("dead", "died", "has died", "vital status", "decede", "statut vital"),
            choice(_DIED, N_("Enter yes when the patient has died, else no.")),
        ),
        Field(
            "deceased_on",
            _l("Date of death"),
            ("died on", "death date", "deceased on", "date of decease", "date de deces", "decede le"),
            _death_day,
            is_date=True,
        ),
    ),
)
