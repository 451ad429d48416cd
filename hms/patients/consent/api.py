"""JSON: texts of consent, what patients decided, forms to sign."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response
from sqlalchemy import select

from hms.core.api import read_log
from hms.core.api.pagination import paginated_response
from hms.core.api.preconditions import if_match, resource_response
from hms.core.db.session import get_or_not_found
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import (
    DAYS,
    PAGING,
    Choice,
    Flag,
    Id,
    Ordering,
    TextLine,
    filter_by_columns,
    ordered,
    parameters,
)
from hms.patients import exports, lookup
from hms.patients.access import policy
from hms.patients.blueprints import api
from hms.patients.enums import ConsentStatus, DecidedBy
from hms.patients.models import Consent, ConsentForm, ConsentKind, ConsentText

from . import actions, queries
from .schemas import (
    ConsentErrorIn,
    ConsentFormIn,
    ConsentFormOut,
    ConsentIn,
    ConsentKindIn,
    ConsentKindOut,
    ConsentOut,
    ConsentTextIn,
    ConsentTextOut,
    ConsentWithdrawalIn,
    consent_json,
    kind_json,
    text_json,
)

TIMES = ("created_at", "updated_at")
KINDS = parameters(**PAGING, **DAYS, is_open=Flag(), ordering=Ordering(("id", "name", *TIMES)))
TEXTS = parameters(
    **PAGING, **DAYS, kind=Id(), language=TextLine(10), ordering=Ordering(("id", "number", "created_at"))
)
CONSENTS = parameters(
    **PAGING,
    **DAYS,
    status=Choice(ConsentStatus),
    decided_by=Choice(DecidedBy),
    text=Id(),
    ordering=Ordering(("id", "decided_on", *TIMES)),
)


def _columns(table: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(table, name) for name in names}


@api.get("/consent-kinds/")
@requires(Permission.EDIT_PATIENT)
@api.arguments(KINDS, location="query")
@api.response(200, ConsentKindOut(many=True))
def consent_kinds(arguments: dict[str, Any]) -> Response:
    """What patients are asked to consent to. Filter: is_open."""
    query = filter_by_columns(select(ConsentKind), arguments, on=ConsentKind.created_at, is_open=ConsentKind.is_open)
    return paginated_response(
        ordered(query, arguments, ConsentKind.id, **_columns(ConsentKind, "name", *TIMES)), kind_json
    )


offer_export(api, consent_kinds, exports.CONSENT_KINDS, at="/consent-kinds/export/")


@api.post("/consent-kinds/")
@requires(Permission.MANAGE_CONSENT_TEXTS)
@api.arguments(ConsentKindIn)
@api.response(201, ConsentKindOut)
def add_consent_kind(payload: dict[str, Any]) -> Response:
    """Add a kind of consent."""
    row = actions.save_kind(**payload, by=current_person())
    return resource_response(kind_json(row), row.version, 201)


@api.get("/consent-kinds/<int:kind_id>/")
@requires(Permission.EDIT_PATIENT)
@api.response(200, ConsentKindOut)
def consent_kind(kind_id: int) -> Response:
    """One kind of consent."""
    row = get_or_not_found(ConsentKind, kind_id)
    return resource_response(kind_json(row), row.version)


@api.put("/consent-kinds/<int:kind_id>/")
@requires(Permission.MANAGE_CONSENT_TEXTS)
@api.arguments(ConsentKindIn)
@api.response(200, ConsentKindOut)
def change_consent_kind(payload: dict[str, Any], kind_id: int) -> Response:
    """Rename, close or open a kind of consent."""
    with if_match(lambda: get_or_not_found(ConsentKind, kind_id), kind_json) as version:
        row = actions.save_kind(kind_id, **payload, version=version, by=current_person())
    return resource_response(kind_json(row), row.version)


@api.get("/consent-texts/")
@requires(Permission.EDIT_PATIENT)
@api.arguments(TEXTS, location="query")
@api.response(200, ConsentTextOut(many=True))
def consent_texts(arguments: dict[str, Any]) -> Response:
    """All versions of the texts. Filters: kind, language."""
    columns = {"kind": ConsentText.kind_id, "language": ConsentText.language}
    query = filter_by_columns(select(ConsentText), arguments, on=ConsentText.created_at, **columns)
    sortable = _columns(ConsentText, "number", "created_at")
    return paginated_response(ordered(query, arguments, ConsentText.id, **sortable), text_json)


offer_export(api, consent_texts, exports.CONSENT_TEXTS, at="/consent-texts/export/")


@api.post("/consent-texts/")
@requires(Permission.MANAGE_CONSENT_TEXTS)
@api.arguments(ConsentTextIn)
@api.response(201, ConsentTextOut)
def write_consent_text(payload: dict[str, Any]) -> Response:
    """Write the next version of a text. Earlier versions do not change."""
    row = actions.write_text(payload.pop("kind"), **payload, by=current_person())
    return resource_response(text_json(row), 1, 201)


@api.get("/consent-texts/<int:text_id>/")
@requires(Permission.EDIT_PATIENT)
@api.response(200, ConsentTextOut)
def consent_text(text_id: int) -> Response:
    """One version of a text."""
    return resource_response(text_json(queries.get_text(text_id)), 1)


def _check(patient_id: int) -> None:
    policy.check_team(lookup.patient(patient_id), current_person())


def _answer(row: Consent, status: int = 200) -> Response:
    read_log.record_read("patients.read_consents", row.patient_id, entity="consent", entity_id=row.id)
    return resource_response(consent_json(row), row.version, status)


@api.get("/patients/<int:patient_id>/consents/")
@requires(Permission.EDIT_PATIENT)
@api.arguments(CONSENTS, location="query")
@api.response(200, ConsentOut(many=True))
def consents(arguments: dict[str, Any], patient_id: int) -> Response:
    """What a patient decided; without any row the patient was never asked. Filters: status, decided_by,
    text, and date, date_from, date_to (days of the entry)."""
    _check(patient_id)
    query = select(Consent, Consent.id).where(Consent.patient_id == patient_id)
    columns = _columns(Consent, "status", "decided_by") | {"text": Consent.text_id}
    query = filter_by_columns(query, arguments, on=Consent.created_at, **columns)
    read_log.record_read("patients.read_consents", patient_id, entity="patient", entity_id=patient_id)
    return read_log.list_response(
        ordered(query, arguments, Consent.id, **_columns(Consent, "decided_on", *TIMES)),
        lambda row: consent_json(row.Consent),
        lambda row: ("patients.read_consents", read_log.PatientRead(patient_id, row.id)),
        entity="consent",
    )


@api.post("/patients/<int:patient_id>/consents/")
@requires(Permission.EDIT_PATIENT)
@api.arguments(ConsentIn)
@api.response(201, ConsentOut)
def record_consent(payload: dict[str, Any], patient_id: int) -> Response:
    """Record that a consent is given or refused."""
    text_id = payload.pop("text")
    return _answer(actions.record_consent(patient_id, text_id=text_id, **payload, by=current_person()), 201)


@api.get("/patients/<int:patient_id>/consents/<int:consent_id>/")
@requires(Permission.EDIT_PATIENT)
@api.response(200, ConsentOut)
def consent(patient_id: int, consent_id: int) -> Response:
    """One decision."""
    _check(patient_id)
    return _answer(queries.get_consent(patient_id, consent_id))


@api.post("/patients/<int:patient_id>/consents/<int:consent_id>/withdraw/")
@requires(Permission.EDIT_PATIENT)
@api.arguments(ConsentWithdrawalIn)
@api.response(200, ConsentOut)
def withdraw_consent(payload: dict[str, Any], patient_id: int, consent_id: int) -> Response:
    """Record that a given consent is withdrawn, from a day on."""
    return _answer(actions.withdraw_consent(patient_id, consent_id, **payload, by=current_person()))


@api.post("/patients/<int:patient_id>/consents/<int:consent_id>/error/")
@requires(Permission.EDIT_PATIENT)
@api.arguments(ConsentErrorIn)
@api.response(200, ConsentOut)
def consent_in_error(payload: dict[str, Any], patient_id: int, consent_id: int) -> Response:
    """Mark a decision as entered in error: it does not count any more."""
    return _answer(actions.mark_as_error(patient_id, consent_id, **payload, by=current_person()))


@api.post("/patients/<int:patient_id>/consent-forms/")
@requires(Permission.EDIT_PATIENT)
@api.arguments(ConsentFormIn)
@api.response(202, ConsentFormOut)
def ask_for_form(payload: dict[str, Any], patient_id: int) -> Response:
    """Ask for a form to sign, with this text and the patient's name. A worker makes the PDF."""
    form = actions.ask_for_form(patient_id, text_id=payload["text"], by=current_person())
    read_log.record_read("patients.read_consents", patient_id, entity="consent_form", entity_id=form.id)
    return resource_response(_form_json(form), 1, 202)


def _form_json(form: ConsentForm) -> dict[str, Any]:
    values = {"id": form.id, "patient": form.patient_id, "text": form.text_id}
    return values | {"is_ready": form.content is not None}


@api.get("/patients/<int:patient_id>/consent-forms/<int:form_id>/")
@requires(Permission.EDIT_PATIENT)
@api.response(200, ConsentFormOut)
def consent_form(patient_id: int, form_id: int) -> Response:
    """A form that was asked for, and whether its PDF is ready."""
    _check(patient_id)
    form = queries.get_form(patient_id, form_id)
    read_log.record_read("patients.read_consents", patient_id, entity="consent_form", entity_id=form_id)
    return resource_response(_form_json(form), 1)


@api.get("/patients/<int:patient_id>/consent-forms/<int:form_id>/pdf/")
@requires(Permission.EDIT_PATIENT)
@api.response(200)
@api.alt_response(202, schema=ConsentFormOut)
def consent_form_pdf(patient_id: int, form_id: int) -> Response:
    """The PDF of a form; 202 with the form while it is not made yet."""
    _check(patient_id)
    form = queries.get_form(patient_id, form_id)
    read_log.record_read("patients.read_consents", patient_id, entity="consent_form", entity_id=form_id)
    if form.content is None:
        return resource_response(_form_json(form), 1, 202)
    response = make_response(form.content)
    response.mimetype = "application/pdf"
    return response
