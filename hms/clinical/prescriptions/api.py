"""JSON: prescriptions; allergy and interaction checks without a prescription."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from hms.clinical import exports, withdrawal
from hms.clinical.api_params import (
    check_named_patient,
    errors_at_encounter_field,
    get_reference,
    may_read_every_prescription,
    require_encounter_id,
)
from hms.clinical.blueprints import api
from hms.clinical.encounters import read_audit
from hms.clinical.models import Prescription
from hms.clinical.schemas import (
    AllergyQuestion,
    InteractionQuestion,
    PrescriptionIn,
    PrescriptionOut,
    prescription_json,
)
from hms.core.api import read_log
from hms.core.api.kept_lists import KeptList
from hms.core.api.preconditions import if_match, resource_response
from hms.core.errors import HiddenRecord, NotFound, RuleBroken
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Choice, Id, Ordering, parameters
from hms.patients import lookup as patients
from hms.patients.access import policy
from hms.patients.access.reader import reader_kind, reader_values

from . import actions, queries, standalone_checks
from .given_reasons import read_given
from .refused_alerts import noting_refusals

TIMES = ("signed_at", "updated_at")
"""Shown only to those who may read the content."""
PRESCRIPTIONS = parameters(
    **PAGING,
    **DAYS,
    patient=Id(may_use=may_read_every_prescription),
    encounter=Id(),
    medication=Id(may_use=may_read_every_prescription),
    status=Choice(("draft", "active", "on_hold", "part_dispensed", "completed", "stopped")),
    ordering=Ordering(("id", "created_at", *TIMES), hidden=dict.fromkeys(TIMES, may_read_every_prescription)),
)
PRESCRIPTION_LIST = KeptList(
    queries.select_prescriptions,
    Prescription.id,
    filters={
        "patient": Prescription.patient_id,
        "encounter": Prescription.encounter_id,
        "medication": Prescription.medication_id,
        "status": Prescription.status,
    },
    days={"created_at": Prescription.created_at},
    orders={name: getattr(Prescription, name) for name in ("created_at", *TIMES)},
)


@api.get("/prescriptions/")
@requires(Permission.LIST_PRESCRIPTIONS, Permission.READ_OWN_RECORD)
@api.arguments(PRESCRIPTIONS, location="query")
@api.response(200, PrescriptionOut(many=True))
def prescriptions(arguments: dict[str, Any]) -> Response:
    """Prescriptions, newest first. Medicine and patient, and filters by them, need access to prescriptions."""
    who = current_person()
    rows = PRESCRIPTION_LIST.rows(
        arguments,
        reader_values(who),
        on="created_at",
        kind=reader_kind(who),
        may_read=queries.may_read_prescriptions(who),
        only_readable="medication" in arguments,  # else the filter would reveal the medicine of a closed record
    )
    return read_audit.list_response("prescription", rows, prescription_json)


offer_export(api, prescriptions, exports.PRESCRIPTIONS, at="/prescriptions/export/")


@api.get("/prescriptions/<int:prescription_id>/")
@requires(Permission.LIST_PRESCRIPTIONS, Permission.READ_OWN_RECORD)
@api.response(200, PrescriptionOut)
def prescription(prescription_id: int) -> Response:
    """One prescription."""
    row = queries.get_prescription_row(prescription_id, current_person())
    return resource_response(prescription_json(read_audit.record_read("prescription", row)), row.version)


REFERENCE_FIELDS = ("encounter", "encounter_id", "patient", "patient_id", "medication")
"""Fields of a body with the ids of other records."""


def _order_fields(payload: dict[str, Any]) -> dict[str, Any]:
    texts = {name: value for name, value in payload.items() if name not in REFERENCE_FIELDS}
    texts["reasons"] = read_given(payload)
    if payload.get("medication") is not None:
        texts["medication_id"] = payload["medication"]
    elif not payload.get("medication_name", "").strip():
        raise RuleBroken("This field is required.", "medication_name")
    return texts


@api.post("/prescriptions/")
@requires(Permission.PRESCRIBE)
@api.arguments(PrescriptionIn)
@api.response(201, PrescriptionOut)
def prescribe(payload: dict[str, Any]) -> Response:
    """Prescribe a medicine in one's own encounter: a draft until the encounter is signed, active at once afterwards.

    A serious alert (recorded allergy, dangerous interaction, too high dose) is 400 on `override_reason`, with the
    findings in `questions`, until `reasons` for them, or `override_code` and `override_reason` for all, are sent.
    """
    encounter_id, order_fields, who = require_encounter_id(payload), _order_fields(payload), current_person()
    check_named_patient(payload, encounter_id)
    with errors_at_encounter_field(encounter_id), noting_refusals(encounter_id):
        line = actions.prescribe(encounter_id, **order_fields, by=who)
    return resource_response(
        prescription_json(line, is_readable=queries.may_read_prescriptions(who)), line.version, 201
    )


def _get_own_prescription(prescription_id: int) -> Any:
    row = queries.get_prescription_row(prescription_id, current_person())
    if row.prescriber_id != current_person().id:
        raise HiddenRecord("No Prescription matches the given query.", row.patient_id)
    return row


def _read_json(row: Any) -> dict[str, Any]:
    return prescription_json(read_audit.record_read("prescription", row))


MEDICINE, DOSE = ("medication", "medication_name"), ("dosage", "frequency", "duration")


def _with_stored_values(payload: dict[str, Any], row: Any) -> dict[str, Any]:
    """The body of a change with the stored values of what was not sent."""
    kept: dict[str, Any] = {"instructions": row.instructions, "indication": row.indication}
    if not payload.keys() & set(MEDICINE):
        kept |= {"medication": row.medication_id, "medication_name": row.medication_name}
        if not payload.keys() & set(DOSE):
            kept |= {name: getattr(row, name) for name in (*DOSE, "quantity")}
            if row.reasons and "override_code" not in payload:
                kept["reasons"] = [{"key": key} | reason for key, reason in row.reasons.items()]
            else:
                kept |= {name: getattr(row, name) for name in ("override_code", "override_reason")}
    return kept | payload


@api.put("/prescriptions/<int:prescription_id>/")
@requires(Permission.PRESCRIBE)
@api.arguments(PrescriptionIn)
@api.response(200, PrescriptionOut)
def change(payload: dict[str, Any], prescription_id: int) -> Response:
    """Change a prescription of one's own open encounter; 409 when it is signed. Fields left out stay as they are; the dose
    is left out as a whole, and does not stay when another medicine is sent."""
    row = _get_own_prescription(prescription_id)
    if get_reference(payload, "encounter") not in (None, row.encounter_id):
        raise RuleBroken(N_("The encounter of a prescription cannot be changed."), "encounter")
    # Imported prescriptions have no encounter to compare with.
    if get_reference(payload, "patient") not in (None, row.patient_id):
        raise RuleBroken(N_("The patient of a prescription cannot be changed."), "patient")
    order_fields = _order_fields(_with_stored_values(payload, row))
    with (
        noting_refusals(row.encounter_id),
        if_match(lambda: _get_own_prescription(prescription_id), _read_json) as version,
    ):
        actions.change_prescription(prescription_id, version=version, **order_fields, by=current_person())
    row = queries.get_prescription_row(prescription_id, current_person())
    return resource_response(prescription_json(row), row.version)


@api.delete("/prescriptions/<int:prescription_id>/")
@requires(Permission.WITHDRAW_CLINICAL)
@api.response(204)
def withdraw(prescription_id: int) -> None:
    """Mark a prescription as entered in error; it stays in the database."""
    withdrawal.withdraw_prescription(prescription_id, by=current_person())


@api.post("/prescriptions/check_drug_allergy/")
@requires(Permission.READ_PRESCRIPTION)
@api.arguments(AllergyQuestion)
@api.response(200)
def check_drug_allergy(payload: dict[str, Any]) -> Response:
    """Check a medicine against the patient's recorded allergies, by the hospital's own rules."""
    patient_id = payload.get("patient_id") or payload.get("patient")
    if patient_id is None:
        raise RuleBroken("This field is required.", "patient_id")
    try:
        patient = patients.patient(patient_id)
    except NotFound:
        response = jsonify(alert=False, message=N_("Patient not found."))
        response.status_code = 404
        return response
    policy.check(patient, current_person())
    read_log.record_read("patients.read_allergies", patient.id, entity="patient", entity_id=patient.id)
    return jsonify(standalone_checks.check_allergy(patient, payload["medication_name"]))


@api.post("/prescriptions/check_drug_interaction/")
@requires(Permission.READ_PRESCRIPTION)
@api.arguments(InteractionQuestion)
@api.response(200)
def check_drug_interaction(payload: dict[str, Any]) -> Response:
    """Check medicines for interactions with each other, by the hospital's own rules."""
    return jsonify(standalone_checks.check_interactions(payload["medications"][: standalone_checks.MAX_MEDICINES]))
