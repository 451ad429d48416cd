"""JSON: encounters; their parts and the prescriptions have their own files."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request

from hms.clinical import signing
from hms.clinical.api_params import day_column, either, sees_content_of_all
from hms.clinical.blueprints import api
from hms.clinical.models import Encounter
from hms.clinical.schemas import EncounterIn, EncounterOut, encounter_json
from hms.core.api.preconditions import check_if_match, resource_response
from hms.core.errors import HiddenRecord, NotFound, RuleBroken
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Choice, Id, Ordering, filter_by_columns, ordered, parameters
from hms.patients import lookup as patients

from . import actions, queries, read_audit

ENCOUNTERS = parameters(
    **PAGING,
    **DAYS,
    patient=Id(),
    doctor=Id(),
    appointment=Id(),
    status=Choice(("in_progress", "signed"), may_use=sees_content_of_all),
    ordering=Ordering(("id", "created_at")),
)


@api.get("/encounters/")
@requires(Permission.LIST_ENCOUNTERS, Permission.READ_OWN_RECORD)
@api.arguments(ENCOUNTERS, location="query")
@api.response(200, EncounterOut(many=True))
def encounters(arguments: dict[str, Any]) -> Response:
    """Encounters, newest first; notes and diagnoses for those who care for patients, and filtering by `status` too."""
    who = current_person()
    columns = {
        "patient": Encounter.patient_id,
        "doctor": Encounter.doctor_id,
        "appointment": Encounter.appointment_id,
        "status": Encounter.status,
    }
    rows = filter_by_columns(queries.encounters(who), arguments, on=day_column(who), **columns)
    return read_audit.listed(
        "encounter", ordered(rows, arguments, Encounter.id, created_at=Encounter.created_at), encounter_json
    )


def _encounter(encounter_id: int, status: int = 200) -> Response:
    row = queries.encounter(encounter_id, current_person())
    return resource_response(encounter_json(row), row.version, status)


@api.get("/encounters/<int:encounter_id>/")
@requires(Permission.LIST_ENCOUNTERS, Permission.READ_OWN_RECORD)
@api.response(200, EncounterOut)
def encounter(encounter_id: int) -> Response:
    """One encounter."""
    row = queries.encounter(encounter_id, current_person())
    return resource_response(encounter_json(read_audit.note("encounter", row)), row.version)


def _texts(payload: dict[str, Any]) -> dict[str, Any]:
    """The encounter's texts; history and examination of the original's front end become parts of the note."""
    texts = {name: payload[name] for name in ("chief_complaint", "diagnosis", "no_diagnosis_reason") if name in payload}
    if "treatment_plan" in payload:
        texts["plan"] = payload["treatment_plan"]
    parts = [payload.get(name) for name in ("notes", "presenting_illness_history", "physical_examination")]
    if any(part is not None for part in parts):
        texts["notes"] = "\n\n".join(part for part in parts if part)
    return texts


@api.post("/encounters/")
@requires(Permission.WRITE_ENCOUNTER)
@api.arguments(EncounterIn)
@api.response(201, EncounterOut)
def begin(payload: dict[str, Any]) -> Response:
    """Open an encounter of one's own. It is never signed by this: see `POST /api/encounters/{id}/sign/`."""
    missing = {name: ["This field is required."] for name in ("patient", "notes") if either(payload, name) is None}
    if missing:
        return _wrong(missing)
    who = current_person()
    if either(payload, "doctor") not in (None, who.id):
        raise RuleBroken(N_("You can open only your own encounters."), "doctor")
    try:
        patients.patient(either(payload, "patient"))
    except NotFound:
        message = N_('Invalid pk "%(id)s" - object does not exist.')
        raise RuleBroken(message, "patient", id=either(payload, "patient")) from None
    started = actions.begin_written(
        patient_id=either(payload, "patient"), appointment_id=either(payload, "appointment"), **_texts(payload), by=who
    )
    return _encounter(started.id, 201)


def _wrong(messages: dict[str, list[str]]) -> Response:
    answer = jsonify(messages)
    answer.status_code = 400
    return answer


def _own(encounter_id: int) -> Any:
    """An encounter that the person wrote; for writing, others' do not exist."""
    row = queries.encounter(encounter_id, current_person())
    if row.doctor_id != current_person().id:
        raise HiddenRecord("No Encounter matches the given query.", row.patient_id)
    return row


@api.put("/encounters/<int:encounter_id>/")
@requires(Permission.WRITE_ENCOUNTER)
@api.arguments(EncounterIn)
@api.response(200, EncounterOut)
def write(payload: dict[str, Any], encounter_id: int) -> Response:
    """Change one's own encounter while it is not signed; afterwards 409."""
    row = _own(encounter_id)
    check_if_match(row.version, lambda: encounter_json(read_audit.note("encounter", row)))
    if either(payload, "patient") not in (None, row.patient_id):
        raise RuleBroken(N_("The patient of an encounter cannot be changed."), "patient")
    more = {"appointment_id": either(payload, "appointment")} if either(payload, "appointment") else {}
    written = actions.save_encounter(encounter_id, **_texts(payload), **more, by=current_person())
    return resource_response(encounter_json(written, is_readable=row.is_readable), written.version)


@api.delete("/encounters/<int:encounter_id>/")
@requires(Permission.WITHDRAW_CLINICAL)
@api.response(204)
def withdraw(encounter_id: int) -> None:
    """Mark an encounter as entered in error; nothing is erased."""
    signing.withdraw_encounter(encounter_id, by=current_person())


@api.post("/encounters/<int:encounter_id>/sign/")
@requires(Permission.WRITE_ENCOUNTER)
@api.response(200, EncounterOut)
def sign(encounter_id: int) -> Response:
    """Sign one's own encounter: final, prescriptions to the pharmacy, consultation to the bill. `no_diagnosis_reason`
    is asked for when there is no diagnosis."""
    body = request.get_json() if request.is_json else {}
    reason = body.get("no_diagnosis_reason", "") if isinstance(body, dict) else ""
    if not isinstance(reason, str):
        raise RuleBroken("Not a valid string.", "no_diagnosis_reason")
    _own(encounter_id)
    signing.sign(encounter_id, no_diagnosis_reason=reason[:500], by=current_person())
    return _encounter(encounter_id)
