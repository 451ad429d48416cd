"""JSON: encounters. `parts_api` has their vitals, diagnoses and addenda."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from hms.clinical import exports, signing, withdrawal
from hms.clinical.api_params import get_reference, may_read_every_encounter
from hms.clinical.blueprints import api
from hms.clinical.models import Encounter
from hms.clinical.prescriptions.given_reasons import read_given
from hms.clinical.prescriptions.refused_alerts import noting_refusals
from hms.clinical.schemas import EncounterIn, EncounterOut, SignIn, encounter_json
from hms.core.api.kept_lists import KeptList
from hms.core.api.preconditions import if_match, resource_response
from hms.core.errors import HiddenRecord, NotFound, RuleBroken
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Choice, Id, Ordering, parameters
from hms.patients.access.reader import reader_kind, reader_values

from . import actions, queries, read_audit

TIMES = ("encounter_date", "signed_at", "updated_at")
"""Shown only to those who may read the content."""
ENCOUNTERS = parameters(
    **PAGING,
    **DAYS,
    patient=Id(),
    doctor=Id(),
    appointment=Id(),
    status=Choice(("in_progress", "signed"), may_use=may_read_every_encounter),
    ordering=Ordering(("id", "created_at", *TIMES), hidden=dict.fromkeys(TIMES, may_read_every_encounter)),
)
ENCOUNTER_LIST = KeptList(
    queries.select_encounters,
    Encounter.id,
    filters={
        "patient": Encounter.patient_id,
        "doctor": Encounter.doctor_id,
        "appointment": Encounter.appointment_id,
        "status": Encounter.status,
    },
    days={"started_at": Encounter.started_at, "created_at": Encounter.created_at},
    orders={
        "encounter_date": Encounter.started_at,
        "created_at": Encounter.created_at,
        "signed_at": Encounter.signed_at,
        "updated_at": Encounter.updated_at,
    },
)
"""People who may not read `started_at` filter by the days of `created_at`."""


@api.get("/encounters/")
@requires(Permission.LIST_ENCOUNTERS, Permission.READ_OWN_RECORD)
@api.arguments(ENCOUNTERS, location="query")
@api.response(200, EncounterOut(many=True))
def encounters(arguments: dict[str, Any]) -> Response:
    """Encounters, newest first. Notes, diagnoses and the filter `status` need clinical access."""
    who = current_person()
    kind = {"kind": reader_kind(who), "may_read": queries.may_read_clinical(who)}
    on = "started_at" if may_read_every_encounter(who) else "created_at"
    rows = ENCOUNTER_LIST.rows(arguments, reader_values(who), on=on, **kind)
    return read_audit.list_response("encounter", rows, encounter_json)


offer_export(api, encounters, exports.ENCOUNTERS, at="/encounters/export/")


def _encounter_response(encounter_id: int, status: int = 200) -> Response:
    row = queries.get_encounter_row(encounter_id, current_person())
    return resource_response(encounter_json(row), row.version, status)


@api.get("/encounters/<int:encounter_id>/")
@requires(Permission.LIST_ENCOUNTERS, Permission.READ_OWN_RECORD)
@api.response(200, EncounterOut)
def encounter(encounter_id: int) -> Response:
    """One encounter."""
    row = queries.get_encounter_row(encounter_id, current_person())
    return resource_response(encounter_json(read_audit.record_read("encounter", row)), row.version)


def _texts(payload: dict[str, Any]) -> dict[str, Any]:
    """The texts of an encounter; history and examination become parts of the note."""
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
    """Start one's own encounter. It stays a draft until `POST /api/encounters/{id}/sign/`."""
    missing = {
        name: ["This field is required."] for name in ("patient", "notes") if get_reference(payload, name) is None
    }
    if missing:
        return _error_response(missing)
    who = current_person()
    if get_reference(payload, "doctor") not in (None, who.id):
        raise RuleBroken(N_("You can open only your own encounters."), "doctor")
    try:
        started = actions.start_encounter_with_texts(
            patient_id=get_reference(payload, "patient"),
            appointment_id=get_reference(payload, "appointment"),
            **_texts(payload),
            by=who,
        )
    except NotFound:
        message = N_('Invalid pk "%(id)s" - object does not exist.')
        raise RuleBroken(message, "patient", id=get_reference(payload, "patient")) from None
    body = encounter_json(started, is_readable=queries.may_read_clinical(who))
    return resource_response(body, started.version, 201)


def _error_response(messages: dict[str, list[str]]) -> Response:
    response = jsonify(messages)
    response.status_code = 400
    return response


def _get_own_encounter(encounter_id: int) -> Any:
    """The person's own encounter; raises 404 for a colleague's, because nobody else may write it."""
    row = queries.get_encounter_row(encounter_id, current_person())
    if row.doctor_id != current_person().id:
        raise HiddenRecord("No Encounter matches the given query.", row.patient_id)
    return row


def _read_json(row: Any) -> dict[str, Any]:
    return encounter_json(read_audit.record_read("encounter", row))


@api.put("/encounters/<int:encounter_id>/")
@requires(Permission.WRITE_ENCOUNTER)
@api.arguments(EncounterIn)
@api.response(200, EncounterOut)
def write(payload: dict[str, Any], encounter_id: int) -> Response:
    """Change one's own open encounter; 409 when it is signed."""
    row = _get_own_encounter(encounter_id)
    if get_reference(payload, "patient") not in (None, row.patient_id):
        raise RuleBroken(N_("The patient of an encounter cannot be changed."), "patient")
    appointment = (
        {"appointment_id": get_reference(payload, "appointment")} if get_reference(payload, "appointment") else {}
    )
    changes = _texts(payload) | appointment
    with if_match(lambda: _get_own_encounter(encounter_id), _read_json) as version:
        encounter = actions.save_encounter(encounter_id, version=version, **changes, by=current_person())
    return resource_response(encounter_json(encounter, is_readable=row.is_readable), encounter.version)


@api.delete("/encounters/<int:encounter_id>/")
@requires(Permission.WITHDRAW_CLINICAL)
@api.response(204)
def withdraw(encounter_id: int) -> None:
    """Mark an encounter as entered in error; it stays in the database."""
    withdrawal.withdraw_encounter(encounter_id, by=current_person())


@api.post("/encounters/<int:encounter_id>/restore/")
@requires(Permission.WITHDRAW_CLINICAL)
@api.response(204)
def restore(encounter_id: int) -> None:
    """Undo "entered in error": the encounter, its prescriptions, tests and charges are as before."""
    withdrawal.restore_encounter(encounter_id, by=current_person())


@api.post("/encounters/<int:encounter_id>/sign/")
@requires(Permission.WRITE_ENCOUNTER)
@api.arguments(SignIn, required=False)
@api.response(200, EncounterOut)
def sign(payload: dict[str, Any], encounter_id: int) -> Response:
    """Sign one's own encounter: prescriptions go to the pharmacy and the consultation is charged. `no_diagnosis_reason`
    is required when there is no diagnosis. A refusal names the findings that still need a reason in `questions`; send
    `reasons`, each with `key`, `code` and `text`, or `override_code` and `override_reason` for all of them but stops. A body is
    not needed otherwise."""
    _get_own_encounter(encounter_id)
    with noting_refusals(encounter_id):
        signing.sign(encounter_id, by=current_person(), **payload | {"reasons": read_given(payload)})
    return _encounter_response(encounter_id)
