"""JSON: patients with the fields that the role sees, and possible duplicates."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Response, current_app, jsonify, request

from hms.core import clock
from hms.core.api import read_log
from hms.core.api.preconditions import if_match, resource_response
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.text import phone_numbers
from hms.core.web.guard import current_person, requires
from hms.core.web.localisation import translate_error
from hms.core.web.parameters import PAGING, MayUse, Ordering, Search, bounds, days, parameters
from hms.patients import exports
from hms.patients.access import api as access_api  # noqa: F401 - its routes are on the same blueprint
from hms.patients.access.reader import always_needs_reason
from hms.patients.allergies.rules import parse_substances
from hms.patients.blueprints import api
from hms.patients.identity import birth_dates
from hms.patients.identity import names as identity_names
from hms.patients.registration import actions as registration_actions
from hms.patients.schemas import (
    LookalikeOut,
    LookalikeQuery,
    PatientChange,
    PatientIn,
    PatientOut,
    PossibleDuplicateOut,
    new_patient_json,
    patient_json,
    visible_fields,
)
from hms.patients.search import duplicates, match_scoring, queries

from . import actions as record_actions
from . import api_queries


def _sees(field: str) -> MayUse:
    return lambda who: field in visible_fields(who)


NOT_FOR_ALL = ("created_at", "updated_at", "date_of_birth")
PATIENTS = parameters(
    **PAGING,
    **days(may_use=_sees("created_at")),
    search=Search(),
    ordering=Ordering(api_queries.COLUMNS, hidden={name: _sees(name) for name in NOT_FOR_ALL}),
)


def _patient_response(row: Any, status: int = 200) -> Response:
    return resource_response(patient_json(row, visible_fields(current_person())), row.version, status)


def _column_values(payload: dict[str, Any]) -> dict[str, Any]:
    """The body as columns; fields that were not sent are left out."""
    column_of = {"first_name": "given_names", "last_name": "family_name", "gender": "sex", "contact_info": "phone"}
    names_sent = ("first_name", "last_name", "gender", "contact_info", "address")
    names_sent += ("other_names", "national_id", "other_numbers", "payer", "payer_number")
    values = {column_of.get(name, name): payload[name] or "" for name in names_sent if name in payload}
    values |= {"area_id": payload["area"]} if "area" in payload else {}
    return values | {"birth_date": payload["date_of_birth"]}


@api.get("/patients/")
@requires(Permission.FIND_PATIENT, Permission.READ_OWN_RECORD)
@api.arguments(PATIENTS, location="query")
@api.response(200, PatientOut(many=True))
def patients(arguments: dict[str, Any]) -> Response:
    """Patients in the order of registration. `search=` finds whom the find box finds, within the fields that the role sees,
    the most likely first when there are at most 40 and no `ordering`;
    `date`, `date_from` and `date_to` are days of registration. A number of another hospital beside other words is not searched
    for; the header `X-Search-Ignored: other_number` says so."""
    who, registered = current_person(), bounds(arguments)
    visible = visible_fields(who)
    queries.check_number(arguments.get("search", ""), "search", who=who, needs_all=False)
    query = queries.parse_for_reader(
        arguments.get("search", ""),
        births="date_of_birth" in visible,
        sexes="gender" in visible,
        phones="contact_info" in visible,
        identifiers="national_id" in visible,
    )
    response = read_log.list_response(
        api_queries.list_patients(query=query, days=registered, order=arguments.get("ordering"), who=who),
        lambda row: patient_json(row, visible),
        partial(_seen, names=visible),
        entity="patient",
    )
    if query.other_number:
        response.headers["X-Search-Ignored"] = "other_number"
    return response


offer_export(api, patients, exports.PATIENTS, at="/patients/export/", permission=Permission.EXPORT_PATIENTS)
offer_export(
    api,
    patients,
    exports.ORIGINAL,
    at="/patients/export_csv/",
    permission=Permission.EXPORT_PATIENTS,
    with_page=False,
)


def _seen(row: Any, names: tuple[str, ...]) -> tuple[str, read_log.PatientRead]:
    """The audit name and the patient of a listed row; a row with allergies counts as a read of the record."""
    action = "patients.read" if "known_allergies" in names and row.is_open else "patients.read_list"
    return action, read_log.PatientRead(row.id, row.id)


@api.post("/patients/")
@requires(Permission.REGISTER_PATIENT)
@api.arguments(PatientIn)
@api.response(201, PatientOut)
@api.alt_response(409, schema=PossibleDuplicateOut)
def register(payload: dict[str, Any]) -> Response:
    """Register a patient; the server issues `unique_id`. Somebody who seems to be registered already is answered with 409, code
    `possible_duplicate`, and the candidates; send `confirm_duplicate` with the id of the first one to go on."""
    named = parse_substances(payload.get("known_allergies") or "")
    who = current_person()
    look = {"must_confirm_duplicate": True, "is_quick": True, "overridden_match_id": payload.get("confirm_duplicate")}
    try:
        patient = registration_actions.register_patient(**_column_values(payload), **look, allergies=named, by=who)
    except registration_actions.PossibleDuplicate as found:
        return _possible_duplicate(found, payload)
    if named is None and not always_needs_reason(who):
        return resource_response(new_patient_json(patient, visible_fields(who)), patient.version, 201)
    return _patient_response(api_queries.get_patient(patient.id, who), 201)


@api.get("/patients/<int:patient_id>/")
@requires(Permission.FIND_PATIENT, Permission.READ_OWN_RECORD)
@api.response(200, PatientOut)
def patient(patient_id: int) -> Response:
    """One patient. The read is recorded in the audit trail."""
    return _patient_response(record_actions.read_patient(patient_id, by=current_person()))


@api.put("/patients/<int:patient_id>/")
@requires(Permission.EDIT_PATIENT)
@api.arguments(PatientChange)
@api.response(200, PatientOut)
def correct(payload: dict[str, Any], patient_id: int) -> Response:
    """Correct a patient. Only roles that may record allergies may change `known_allergies`."""
    who = current_person()
    changes = {"allergies": payload.get("known_allergies")} | _column_values(payload)

    def to_json(_row: Any) -> dict[str, Any]:
        return patient_json(record_actions.read_patient(patient_id, by=who), visible_fields(who))

    with if_match(lambda: api_queries.get_patient(patient_id, who), to_json) as version:
        record_actions.update_patient(patient_id, version=version, **changes, by=who)
    return _patient_response(api_queries.get_patient(patient_id, who))


@api.delete("/patients/<int:patient_id>/")
@requires(Permission.WITHDRAW_PATIENT)
@api.response(204)
def withdraw(patient_id: int) -> Response:
    """Withdraw a patient's record. The record and its audit trail are kept."""
    record_actions.withdraw_patient(patient_id, reason=request.args.get("reason", ""), by=current_person())
    return Response(status=204)


@api.get("/patients/lookalikes/")
@requires(Permission.REGISTER_PATIENT)
@api.arguments(LookalikeQuery, location="query")
@api.response(200, LookalikeOut(many=True))
def lookalikes(payload: dict[str, Any]) -> Response:
    """Possible duplicates: send first_name, last_name, date_of_birth, gender and contact_info as in a registration."""
    if payload.get("date_of_birth"):
        birth_dates.check_birth_date(payload["date_of_birth"], clock.today())
    candidates = duplicates.duplicate_candidates(_person(payload), who=current_person())
    return jsonify(_lookalikes(candidates))


def _possible_duplicate(found: registration_actions.PossibleDuplicate, payload: dict[str, Any]) -> Response:
    """The 409 with the record that stopped the registration first, and others like it."""
    similar = duplicates.duplicate_candidates(_person(payload), who=current_person(), is_quick=True)
    others = [candidate for candidate in similar if candidate.hit.id != found.match.hit.id]
    candidates = [found.match, *others][: duplicates.MAX_SHOWN]
    body = {"detail": translate_error(found), "code": found.code, "candidates": _lookalikes(candidates)}
    response = jsonify(body)
    response.status_code = found.status
    return response


def _lookalikes(candidates: list[duplicates.DuplicateCandidate]) -> list[dict[str, Any]]:
    """The candidates with the fields that the reader sees. The reads are recorded."""
    rows = {
        row.id: row
        for row in api_queries.get_patients([candidate.hit.id for candidate in candidates], current_person())
    }
    visible = visible_fields(current_person())
    read_log.record_reads("patients.read", (_seen(row, visible)[1] for row in rows.values()), entity="patient")
    return [
        {
            "patient": patient_json(rows[candidate.hit.id], visible),
            "percent": candidate.percent,
            "is_strong": candidate.is_strong,
            "reasons": [str(reason) for reason in candidate.reasons],
        }
        for candidate in candidates
    ]


def _person(payload: dict[str, Any]) -> match_scoring.ComparedPerson:
    phone = phone_numbers.parse_phone(payload.get("contact_info") or "", current_app.config["COUNTRY"])
    return match_scoring.ComparedPerson(
        payload.get("first_name", ""),
        payload.get("last_name", ""),
        payload.get("date_of_birth"),
        sex=identity_names.parse_sex(payload["gender"]) if "gender" in payload else "unknown",
        phone=phone.e164 or phone.as_typed or None,
        address=payload.get("address") or "",
        other_names=payload.get("other_names") or "",
        national_id=payload.get("national_id") or "",
    )
