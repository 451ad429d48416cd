"""Pages of the audit trail: the list, its export, and who opened one patient's record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.admin.blueprints import pages
from hms.admin.exports import AUDIT_TRAIL
from hms.admin.forms import AuditFilterForm
from hms.core import clock
from hms.core.actions import action_context
from hms.core.audit import recording
from hms.core.errors import RuleBroken
from hms.core.exports.page_lists import PageList, export_response
from hms.core.exports.registry import offer_page_export
from hms.core.permissions import Permission
from hms.core.text.formatting import format_date as written_day
from hms.core.text.translation import N_
from hms.core.web.filters import DaysForm, filled_in
from hms.core.web.guard import current_person, requires
from hms.core.web.localisation import translate_error
from hms.core.web.parameters import Search, parameters
from hms.patients import lookup as patients

from . import labels, queries, record_access
from .masking import mask_values

ROWS = 20
AUDIT_FILTERS = ("who", "patient", "did", "outcome", "entity", "number", "words")


@pages.get("/audit")
@requires(Permission.READ_AUDIT)
def audit_trail() -> ResponseReturnValue:
    """Who did what and when, newest first; the filters are in the address."""
    form = AuditFilterForm(request.args)
    filters = _filters(form)
    rows = queries.entries(filters, ROWS + 1) if filters else []
    shown = rows[:ROWS]
    if filters:
        queries.record_trail_read(filters, [row.patient_id for row in shown])
    page = {
        "rows": shown,
        "names": queries.names(shown),
        "older": _address(form, before=shown[-1].id) if len(rows) > ROWS else None,
        "newest": _address(form) if request.args.get("before") else None,
        "spans": _spans(form),
        "filters": filled_in(form),
        "one_patient": _single(filters.patient_ids) if filters else None,
    }
    return render_template(
        "admin/audit.html", form=form, trail=labels, mask_values=mask_values, **page
    ), 200 if filters else 400


def _filters(form: AuditFilterForm) -> queries.AuditFilter | None:
    """The filters of the form; None when they are not valid, with the errors on the form."""
    if not form.validate():
        return None
    try:
        return form.filters(current_person(), before=request.args.get("before", type=int))
    except RuleBroken as error:
        field = form[error.field or "who"]
        field.errors = [*field.errors, translate_error(error)]
        return None


def _single(ids: tuple[int, ...] | None) -> int | None:
    return ids[0] if ids is not None and len(ids) == 1 else None


def _address(form: AuditFilterForm, **more: Any) -> str:
    return url_for("admin.audit_trail", **(filled_in(form) | more))


def _spans(form: AuditFilterForm) -> list[dict[str, Any]]:
    """Links to today, the last seven and the last thirty days, with the other filters unchanged."""
    today, spans = clock.today(), []
    for label, days in ((_("Today"), 1), (_("7 days"), 7), (_("30 days"), 30)):
        first = today - timedelta(days=days - 1)
        is_current = (form.day_from.data, form.day_to.data or today) == (first, today)
        url = _address(form, day_from=written_day(first), day_to=written_day(today))
        spans.append({"label": label, "url": url, "is_current": is_current})
    return spans


@requires(Permission.READ_AUDIT)
def export_audit() -> Response:
    """The filtered entries as a file. `RuleBroken` for filters that the page refuses."""
    form = AuditFilterForm(request.args)
    filters = _filters(form)
    if filters is None:
        raise RuleBroken(N_("Correct the filters of the audit trail first."))
    patient_ids: set[int | None] = set()

    def fetch(last: Any | None, limit: int) -> list[Any]:
        rows = queries.entries(filters if last is None else replace(filters, before=last.id), limit)
        patient_ids.update(row.patient_id for row in rows)
        return rows

    response = export_response(PageList(fetch), _entry_values)
    queries.record_trail_read(filters, patient_ids)
    return response


def _entry_values(row: Any) -> dict[str, Any]:
    """The fields of `exports.AUDIT_TRAIL`."""
    return {
        "timestamp": row.recorded_at,
        "user_id": row.actor_id,
        "user": row.actor_name or "",
        "role": row.actor_role or "",
        "action": row.action,
        "did": row.action,
        "outcome": row.outcome,
        "object_type": row.entity or "",
        "object_id": row.entity_id,
        "patient": row.patient_id,
        "details": mask_values(row.entity, row.new or row.old),
        "ip_address": None if row.ip is None else str(row.ip),
        "purpose": row.purpose or "",
    }


@pages.get("/audit.csv")
@requires(Permission.READ_AUDIT)
def earlier_export() -> ResponseReturnValue:
    """The address of the export before lists had one of their own."""
    return redirect(url_for("exports.audit_trail", **filled_in(AuditFilterForm(request.args))))


offer_page_export(
    export_audit,
    AUDIT_TRAIL,
    parameters(**{name: Search() for name in ("day_from", "day_to", *AUDIT_FILTERS)}),
)


@pages.get("/patients/<int:patient_id>/who-opened")
@requires(Permission.READ_AUDIT, Permission.REVIEW_ACCESS)
def who_opened(patient_id: int) -> ResponseReturnValue:
    """Who opened or changed one patient's record, when, in which role and why; to be printed for the patient."""
    form, patient = DaysForm(request.args), patients.patient(patient_id)
    is_valid = form.validate()
    first = form.day_from.data or clock.today() - record_access.YEAR
    last = form.day_to.data or clock.today()
    rows = record_access.accesses(patient_id, first, last) if is_valid else []
    with action_context("admin.who_opened", current_person()):
        subject = {"entity": "patient", "entity_id": patient_id, "patient_id": patient_id}
        recording.record("admin.who_opened", current_person(), **subject)
    shown = {"rows": rows, "first": first, "last": last, "patient": patient, "most": record_access.MAX_COUNT}
    return render_template("admin/who_opened.html", form=form, **shown), 200 if is_valid else 400
