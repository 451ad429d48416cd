"""Patients from the rows of a file."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import fold
from hms.core.text.translation import N_
from hms.patients.allergies.rules import parse_substances
from hms.patients.identity import birth_dates
from hms.patients.identity.names import parse_sex
from hms.patients.models import Patient
from hms.patients.records.actions import MAX_LENGTH, withdraw_patient
from hms.patients.registration.actions import PossibleDuplicate, register_patient

from .fields import Field, identity, line
from .kind import UNDONE, AlreadyThere, ImportKind

_COLUMNS = {"first_name": "given_names", "last_name": "family_name", "gender": "sex", "contact_info": "phone"}
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


def _usual(birth: birth_dates.Birth) -> birth_dates.Birth:
    if birth.is_unusual:
        raise RuleBroken(
            N_("The person would be over 110. Check the year. If it is correct, register the person at the front desk.")
        )
    return birth


def _save(values: dict[str, Any], by: Person, other_than: int | None) -> int:
    columns = {
        _COLUMNS.get(name, name): value for name, value in values.items() if name not in ("date_of_birth", "age")
    }
    birth = values.get("date_of_birth") or values.get("age")
    if birth is None:
        raise RuleBroken(N_("Enter a date of birth or an age."), "date_of_birth")
    allergies = columns.pop("known_allergies", None)
    try:
        patient = register_patient(
            **{"given_names": ""} | columns,
            birth_date=birth.day,
            birth_is_estimated=birth.is_estimated,
            allergies=allergies,
            must_confirm_duplicate=True,
            overridden_match_id=other_than,
            by=by,
        )
    except PossibleDuplicate as found:
        error = AlreadyThere.from_error(found)
        error.match_id = found.match.hit.id
        raise error from found
    return patient.id


def _identities(values: dict[str, Any]) -> list[str]:
    words = sorted(fold(f"{values.get('first_name', '')} {values.get('last_name', '')}").split())
    born = values.get("date_of_birth")
    return [
        identity("name", " ".join(words), born.day if born else values.get("contact_info")),
        identity("national_id", fold(values.get("national_id", ""))),
    ]


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
    page="chart.summary patient_id",
    uses_apart=frozenset(("duplicate_pair", "patient_to_compare")),
    note=_l(
        "Each patient gets a new hospital number; put the old number into “Other or old numbers”. People who seem to be "
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
            _l("Number at the payer"),
            ("number with the payer", "insurance number", "policy number", "numero d assurance"),
            line(MAX_LENGTH["payer_number"]),
        ),
        Field("known_allergies", _l("Allergies"), ("allergy", "allergie"), parse_substances),
    ),
)
