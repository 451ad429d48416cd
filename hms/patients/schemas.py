"""JSON of patients: request bodies, responses, and the fields that each role sees."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from hms.core.api.blueprint import ApiSchema
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.web.fields import Day, Pk, Text

from .identity import names
from .models import Patient
from .records import banner
from .records.actions import MAX_LENGTH


class PatientFields(ApiSchema):
    """What a client sends of a patient; `unique_id` is issued by the server and ignored here."""

    first_name = Text(100, blank=False, required=True)
    last_name = Text(100, required=True)
    date_of_birth = Day(required=True)
    gender = Text(10, blank=False, required=True)
    contact_info = Text(255, allow_none=True)
    address = Text(255, allow_none=True)
    area = Pk(allow_none=True)
    known_allergies = Text(5000, multiline=True, allow_none=True)
    other_names = Text(MAX_LENGTH["other_names"], allow_none=True)
    national_id = Text(MAX_LENGTH["national_id"], allow_none=True)
    other_numbers = Text(MAX_LENGTH["other_numbers"], allow_none=True)
    payer = Text(MAX_LENGTH["payer"], allow_none=True)
    payer_number = Text(MAX_LENGTH["payer_number"], allow_none=True)


class PatientIn(PatientFields):
    """A new patient. `confirm_duplicate` is the id of the registered patient whom an answer 409 named, and who is somebody
    else."""

    confirm_duplicate = Pk(allow_none=True)


class PatientChange(PatientFields):
    """A correction. The birth date may be null when it is unknown."""

    date_of_birth = Day(required=True, allow_none=True)


class LookalikeQuery(PatientFields):
    """Query parameters of a search for similar records; all are optional. Allergies are not compared."""

    class Meta(PatientFields.Meta):
        exclude = ("known_allergies", "area", "payer", "payer_number")

    first_name = Text(100)
    last_name = Text(100)
    date_of_birth = Day()
    gender = Text(10)


class PatientOut(ApiSchema):
    id = fields.Integer()
    has_recent_appointment = fields.Boolean()
    unique_id = fields.String()
    first_name = fields.String()
    last_name = fields.String()
    date_of_birth = fields.Date(allow_none=True)
    date_of_birth_is_estimated = fields.Boolean()
    gender = fields.String()
    contact_info = fields.String()
    address = fields.String()
    area = fields.Integer(allow_none=True)
    known_allergies = fields.String()
    other_names = fields.String()
    national_id = fields.String()
    other_numbers = fields.String()
    payer = fields.String()
    payer_number = fields.String()
    deceased = fields.Boolean()
    deceased_on = fields.Date(allow_none=True)
    created_at = fields.DateTime()
    updated_at = fields.DateTime()
    is_withdrawn = fields.Boolean()
    withdrawn_reason = fields.String()


class LookalikeOut(ApiSchema):
    patient = fields.Nested(PatientOut)
    percent = fields.Integer()
    is_strong = fields.Boolean()
    reasons = fields.List(fields.String())


class PossibleDuplicateOut(ApiSchema):
    """The person may be registered already. Send the same again with `confirm_duplicate`, the id of the first candidate, when
    it is somebody else."""

    detail = fields.String()
    code = fields.String()
    candidates = fields.List(fields.Nested(LookalikeOut))


def visible_fields(who: Person) -> tuple[str, ...]:
    """The fields `who` sees: all demographics for those who edit them; names and contact for those who only bill;
    names, birth date and sex for the rest; all see whether the patient has died. Substances for those who may read them. A
    patient sees all of their own."""
    if who.may(Permission.EDIT_PATIENT) or who.is_patient:
        visible = (
            "has_recent_appointment",
            "date_of_birth",
            "date_of_birth_is_estimated",
            "gender",
            "contact_info",
            "address",
            "area",
            "other_names",
            "national_id",
            "other_numbers",
            "payer",
            "payer_number",
            "created_at",
            "updated_at",
        )
    elif who.may(Permission.READ_CONTACT):
        visible = ("contact_info",)
    else:
        visible = ("date_of_birth", "date_of_birth_is_estimated", "gender")
    return (*visible, "known_allergies") if banner.reads_allergies(who) else visible


def patient_json(row: Any, visible: tuple[str, ...]) -> dict[str, Any]:
    """A row of `api_queries.rows` with the fields in `visible`, in the order of the API document.

    `known_allergies` is left out for a restricted record that is closed to the reader. A withdrawn record is marked.
    """
    derived = {name: getattr(row, name) for name in ("has_recent_appointment", "known_allergies")}
    return _patient_json(row, visible if row.is_open else _without_allergies(visible), derived)


def new_patient_json(patient: Patient, visible: tuple[str, ...]) -> dict[str, Any]:
    """`patient_json` of a patient who was just registered without an answer about allergies."""
    derived = {"has_recent_appointment": False, "known_allergies": ""}
    return _patient_json(patient, visible, derived)


def _without_allergies(visible: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in visible if name != "known_allergies")


def _patient_json(row: Any, visible: tuple[str, ...], derived: dict[str, Any]) -> dict[str, Any]:
    whole = {
        "id": row.id,
        "has_recent_appointment": derived["has_recent_appointment"],
        "unique_id": row.hospital_number,
        "first_name": row.given_names,
        "last_name": row.family_name,
        "date_of_birth": row.birth_date.isoformat() if row.birth_date else None,
        "date_of_birth_is_estimated": bool(row.birth_is_estimated),
        "gender": names.gender_code(row.sex),
        "contact_info": row.phone,
        "address": row.address,
        "area": row.area_id,
        "known_allergies": derived["known_allergies"],
        "other_names": row.other_names,
        "national_id": row.national_id,
        "other_numbers": row.other_numbers,
        "payer": row.payer,
        "payer_number": row.payer_number,
        "deceased": row.deceased_on is not None or row.deceased_text != "",
        "deceased_on": row.deceased_on.isoformat() if row.deceased_on else None,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
    always = ("id", "unique_id", "first_name", "last_name", "deceased", "deceased_on")
    shown = {name: value for name, value in whole.items() if name in always or name in visible}
    mark = {"is_withdrawn": True, "withdrawn_reason": row.withdrawn_reason} if row.status == "withdrawn" else {}
    return shown | mark
