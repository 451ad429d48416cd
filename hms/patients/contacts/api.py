"""JSON: further phones and the next of kin of a patient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response
from sqlalchemy import select

from hms.core.api import read_log
from hms.core.api.preconditions import if_match, resource_response
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Choice, Ordering, filter_by_columns, ordered, parameters
from hms.patients import lookup
from hms.patients.access import policy
from hms.patients.blueprints import api
from hms.patients.enums import PhoneOwner, Relation
from hms.patients.models import OtherPhone, Relative

from . import actions, queries
from .schemas import PhoneIn, PhoneOut, RelativeIn, RelativeOut, phone_json, relative_json

TIMES = ("created_at", "updated_at")
PHONES = parameters(**PAGING, **DAYS, owner=Choice(PhoneOwner), ordering=Ordering(("id", *TIMES)))
RELATIVES = parameters(**PAGING, **DAYS, relation=Choice(Relation), ordering=Ordering(("id", "name", *TIMES)))


def _check(patient_id: int) -> None:
    policy.check_team(lookup.patient(patient_id), current_person())


def _list(
    table: Any, patient_id: int, arguments: dict[str, Any], to_json: Callable[[Any], Any], *names: str
) -> Response:
    """The rows of a patient, filtered by the column that is the first of `names`, ordered by the others."""
    _check(patient_id)
    filtered, *sortable = names
    rows = select(table, table.id).where(table.patient_id == patient_id)
    query = filter_by_columns(rows, arguments, on=table.created_at, **{filtered: getattr(table, filtered)})
    read_log.record_read("patients.read_contacts", patient_id, entity="patient", entity_id=patient_id)
    return read_log.list_response(
        ordered(query, arguments, table.id, **{name: getattr(table, name) for name in sortable}),
        lambda row: to_json(row[0]),
        lambda row: ("patients.read_contacts", read_log.PatientRead(patient_id, row.id)),
        entity=table.__tablename__,
    )


def _answer(row: Any, to_json: Callable[[Any], dict[str, Any]], status: int = 200) -> Response:
    read_log.record_read("patients.read_contacts", row.patient_id, entity=row.__tablename__, entity_id=row.id)
    return resource_response(to_json(row), row.version, status)


@api.get("/patients/<int:patient_id>/phones/")
@requires(Permission.READ_CONTACT)
@api.arguments(PHONES, location="query")
@api.response(200, PhoneOut(many=True))
def phones(arguments: dict[str, Any], patient_id: int) -> Response:
    """The further phones of a patient; the first own phone is `contact_info` of the patient. Filters: owner, and date, date_from,
    date_to (days of the entry)."""
    return _list(OtherPhone, patient_id, arguments, phone_json, "owner", *TIMES)


@api.post("/patients/<int:patient_id>/phones/")
@requires(Permission.EDIT_PATIENT)
@api.arguments(PhoneIn)
@api.response(201, PhoneOut)
def add_phone(payload: dict[str, Any], patient_id: int) -> Response:
    """Add a further phone."""
    return _answer(actions.save_phone(patient_id, **payload, by=current_person()), phone_json, 201)


@api.get("/patients/<int:patient_id>/phones/<int:phone_id>/")
@requires(Permission.READ_CONTACT)
@api.response(200, PhoneOut)
def phone(patient_id: int, phone_id: int) -> Response:
    """One further phone."""
    _check(patient_id)
    return _answer(queries.get_phone(patient_id, phone_id), phone_json)


@api.put("/patients/<int:patient_id>/phones/<int:phone_id>/")
@requires(Permission.EDIT_PATIENT)
@api.arguments(PhoneIn)
@api.response(200, PhoneOut)
def change_phone(payload: dict[str, Any], patient_id: int, phone_id: int) -> Response:
    """Change a further phone."""
    _check(patient_id)
    with if_match(lambda: queries.get_phone(patient_id, phone_id), phone_json) as version:
        named = {"phone_id": phone_id, "version": version}
        return _answer(actions.save_phone(patient_id, **payload, **named, by=current_person()), phone_json)


@api.delete("/patients/<int:patient_id>/phones/<int:phone_id>/")
@requires(Permission.EDIT_PATIENT)
@api.response(204)
def remove_phone(patient_id: int, phone_id: int) -> tuple[str, int]:
    """Remove a further phone; the audit trail keeps it."""
    actions.remove_phone(patient_id, phone_id, by=current_person())
    return "", 204


@api.get("/patients/<int:patient_id>/relatives/")
@requires(Permission.READ_CONTACT)
@api.arguments(RELATIVES, location="query")
@api.response(200, RelativeOut(many=True))
def relatives(arguments: dict[str, Any], patient_id: int) -> Response:
    """The next of kin of a patient. Filters: relation, and date, date_from, date_to (days of the entry)."""
    return _list(Relative, patient_id, arguments, relative_json, "relation", "name", *TIMES)


@api.post("/patients/<int:patient_id>/relatives/")
@requires(Permission.EDIT_PATIENT)
@api.arguments(RelativeIn)
@api.response(201, RelativeOut)
def add_relative(payload: dict[str, Any], patient_id: int) -> Response:
    """Add one of the next of kin."""
    return _answer(actions.save_relative(patient_id, **_columns(payload), by=current_person()), relative_json, 201)


def _columns(payload: dict[str, Any]) -> dict[str, Any]:
    return {"record_id" if name == "record" else name: value for name, value in payload.items()}


@api.get("/patients/<int:patient_id>/relatives/<int:relative_id>/")
@requires(Permission.READ_CONTACT)
@api.response(200, RelativeOut)
def relative(patient_id: int, relative_id: int) -> Response:
    """One of the next of kin."""
    _check(patient_id)
    return _answer(queries.get_relative(patient_id, relative_id), relative_json)


@api.put("/patients/<int:patient_id>/relatives/<int:relative_id>/")
@requires(Permission.EDIT_PATIENT)
@api.arguments(RelativeIn)
@api.response(200, RelativeOut)
def change_relative(payload: dict[str, Any], patient_id: int, relative_id: int) -> Response:
    """Change one of the next of kin."""
    _check(patient_id)
    with if_match(lambda: queries.get_relative(patient_id, relative_id), relative_json) as version:
        named = {"relative_id": relative_id, "version": version}
        return _answer(
            actions.save_relative(patient_id, **_columns(payload), **named, by=current_person()), relative_json
        )


@api.delete("/patients/<int:patient_id>/relatives/<int:relative_id>/")
@requires(Permission.EDIT_PATIENT)
@api.response(204)
def remove_relative(patient_id: int, relative_id: int) -> tuple[str, int]:
    """Remove one of the next of kin; the audit trail keeps the row."""
    actions.remove_relative(patient_id, relative_id, by=current_person())
    return "", 204
