"""Pages of the audit trail: the list, its export, and who opened one patient's record."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import Response, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.admin.blueprints import pages
from hms.admin.forms import AuditFilterForm
from hms.core import clock
from hms.core.actions import action_context
from hms.core.audit import recording
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.text.formatting import format_date as written_day
from hms.core.web.filters import DaysForm, filled_in
from hms.core.web.guard import current_person, requires
from hms.core.web.localisation import translate_error
from hms.patients import lookup as patients

from . import labels, queries, record_access
from .masking import mask_values

ROWS = 20
CHUNK = 2000
MAX_EXPORTED = 100_000
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@pages.get("/audit")
@requires(Permission.READ_AUDIT)
def audit_trail() -> ResponseReturnValue:
    """Who did what and when, newest first; the filters are in the address."""
    form = AuditFilterForm(request.args)
    filters = _filters(form)
    rows = queries.entries(filters, ROWS + 1) if filters else []
    shown = rows[:ROWS]
    if filters:
        queries.record_trail_read(filters, shown)
    page = {
        "rows": shown,
        "names": queries.names(shown),
        "older": _address(form, before=shown[-1].id) if len(rows) > ROWS else None,
        "newest": _address(form) if request.args.get("before") else None,
        "spans": _spans(form),
        "export": _address(form, "admin.export_audit") if shown else None,
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


def _address(form: AuditFilterForm, endpoint: str = "admin.audit_trail", **more: Any) -> str:
    return url_for(endpoint, **(filled_in(form) | more))


def _spans(form: AuditFilterForm) -> list[dict[str, Any]]:
    """Links to today, the last seven and the last thirty days, with the other filters unchanged."""
    today, spans = clock.today(), []
    for label, days in ((_("Today"), 1), (_("7 days"), 7), (_("30 days"), 30)):
        first = today - timedelta(days=days - 1)
        is_current = (form.day_from.data, form.day_to.data or today) == (first, today)
        url = _address(form, day_from=written_day(first), day_to=written_day(today))
        spans.append({"label": label, "url": url, "is_current": is_current})
    return spans


@pages.get("/audit.csv")
@requires(Permission.READ_AUDIT)
def export_audit() -> ResponseReturnValue:
    """The filtered entries as a CSV file; the export itself is recorded in the audit trail."""
    form = AuditFilterForm(request.args)
    filters = _filters(form)
    if filters is None:
        return redirect(_address(form))
    with action_context("admin.export_audit", current_person()):
        details = {"filters": filled_in(form)}
        recording.record("admin.export_audit", current_person(), outcome="success", details=details)
    response = Response(stream_with_context(_lines(filters)), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="audit-{clock.today():%Y%m%d}.csv"'
    return response


HEADINGS = (
    "when",
    "person",
    "account",
    "role",
    "did",
    "action",
    "outcome",
    "purpose",
    "record",
    "patient",
    "values",
    "from",
)


def _lines(filters: queries.AuditFilter) -> Iterator[str]:
    yield _line(HEADINGS)
    left = MAX_EXPORTED
    while left > 0 and (rows := queries.entries(filters, min(CHUNK, left))):
        names = queries.names(rows)
        yield "".join(_line(_cells(row, names)) for row in rows)
        left -= len(rows)
        filters = replace(filters, before=rows[-1].id)


def _cells(row: Any, names: queries.Names) -> tuple[Any, ...]:
    patient = names.patients.get(row.patient_id)
    values = "; ".join(f"{name}: {value}" for name, value in mask_values(row.entity, row.new or row.old).items())
    return (
        clock.local(row.recorded_at).isoformat(sep=" ", timespec="seconds"),
        names.people.get(row.actor_id, ""),
        row.actor_name or "",
        row.actor_role or "",
        labels.action_label(row.action),
        row.action,
        row.outcome,
        row.purpose or "",
        labels.record_label(row),
        patient.hospital_number if patient else "",
        values,
        row.ip or "",
    )


def _line(cells: tuple[Any, ...]) -> str:
    """One line of the file; a cell that a spreadsheet would read as a formula gets an apostrophe (OWASP: CSV injection)."""
    line = io.StringIO()
    csv.writer(line).writerow(f"'{cell}" if str(cell).startswith(FORMULA) else cell for cell in cells)
    return line.getvalue()


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
