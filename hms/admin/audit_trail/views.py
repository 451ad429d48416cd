"""Pages: the audit browser, its export, and who opened one patient's record."""

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
from hms.admin.forms import AuditFilterForm, DaysForm, filled_in
from hms.core import clock
from hms.core.actions import action_context
from hms.core.audit import recording
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.text.formatting import format_date as written_day
from hms.core.web.guard import current_person, requires
from hms.core.web.localisation import translate_error
from hms.patients import lookup as patients

from . import labels, queries, record_access
from .masking import masked

ROWS = 50
CHUNK = 2000
MAX_EXPORTED = 100_000
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@pages.get("/audit")
@requires(Permission.READ_AUDIT)
def audit_trail() -> ResponseReturnValue:
    """Who did what and when, newest first; the filters are in the address."""
    form = AuditFilterForm(request.args)
    wanted = _wanted(form)
    rows = queries.entries(wanted, ROWS + 1) if wanted else []
    shown = rows[:ROWS]
    if wanted:
        queries.note_read(wanted, shown)
    page = {
        "rows": shown,
        "names": queries.names(shown),
        "older": _address(form, before=shown[-1].id) if len(rows) > ROWS else None,
        "newest": _address(form) if request.args.get("before") else None,
        "spans": _spans(form),
        "export": _address(form, "admin.export_audit") if shown else None,
        "one_patient": _only(wanted.patient_ids) if wanted else None,
    }
    return render_template("admin/audit.html", form=form, trail=labels, masked=masked, **page), 200 if wanted else 400


def _wanted(form: AuditFilterForm) -> queries.AuditFilter | None:
    """What the form asks for; None when it cannot be read, with the reason on the form."""
    if not form.validate():
        return None
    try:
        return form.wanted(current_person(), before=request.args.get("before", type=int))
    except RuleBroken as refused:
        field = form[refused.field or "who"]
        field.errors = [*field.errors, translate_error(refused)]
        return None


def _only(ids: tuple[int, ...] | None) -> int | None:
    return ids[0] if ids is not None and len(ids) == 1 else None


def _address(form: AuditFilterForm, endpoint: str = "admin.audit_trail", **more: Any) -> str:
    return url_for(endpoint, **(filled_in(form) | more))


def _spans(form: AuditFilterForm) -> list[dict[str, Any]]:
    """Today, the last seven and the last thirty days, each a link with the other filters kept."""
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
    """What the filters show as a file for a spreadsheet; that it was taken is in the trail."""
    form = AuditFilterForm(request.args)
    wanted = _wanted(form)
    if wanted is None:
        return redirect(_address(form))
    with action_context("admin.export_audit", current_person()):
        filters = filled_in(form)
        recording.record("admin.export_audit", current_person(), outcome="success", details={"filters": filters})
    answer = Response(stream_with_context(_lines(wanted)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="audit-{clock.today():%Y%m%d}.csv"'
    return answer


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


def _lines(wanted: queries.AuditFilter) -> Iterator[str]:
    yield _line(HEADINGS)
    left = MAX_EXPORTED
    while left > 0 and (rows := queries.entries(wanted, min(CHUNK, left))):
        names = queries.names(rows)
        yield "".join(_line(_cells(row, names)) for row in rows)
        left -= len(rows)
        wanted = replace(wanted, before=rows[-1].id)


def _cells(row: Any, names: queries.Names) -> tuple[Any, ...]:
    whom = names.patients.get(row.patient_id)
    values = "; ".join(f"{name}: {value}" for name, value in masked(row.entity, row.new or row.old).items())
    return (
        clock.local(row.recorded_at).isoformat(sep=" ", timespec="seconds"),
        names.people.get(row.actor_id, ""),
        row.actor_name or "",
        row.actor_role or "",
        labels.said(row),
        row.action,
        row.outcome,
        row.purpose or "",
        labels.record_label(row),
        whom.hospital_number if whom else "",
        values,
        row.ip or "",
    )


def _line(cells: tuple[Any, ...]) -> str:
    """One line of the file; what a spreadsheet would take for a formula is marked as text (OWASP: CSV injection)."""
    said = io.StringIO()
    csv.writer(said).writerow(f"'{cell}" if str(cell).startswith(FORMULA) else cell for cell in cells)
    return said.getvalue()


@pages.get("/patients/<int:patient_id>/who-opened")
@requires(Permission.READ_AUDIT, Permission.REVIEW_ACCESS)
def who_opened(patient_id: int) -> ResponseReturnValue:
    """Who looked into one patient's record or changed it, when, in which role and why; made to be printed and handed out."""
    form, whom = DaysForm(request.args), patients.patient(patient_id)
    is_readable = form.validate()
    first = form.day_from.data or clock.today() - record_access.YEAR
    last = form.day_to.data or clock.today()
    rows = record_access.accesses(patient_id, first, last) if is_readable else []
    with action_context("admin.who_opened", current_person()):
        about = {"entity": "patient", "entity_id": patient_id, "patient_id": patient_id}
        recording.record("admin.who_opened", current_person(), **about)
    shown = {"rows": rows, "first": first, "last": last, "patient": whom, "most": record_access.MAX_COUNT}
    return render_template("admin/who_opened.html", form=form, **shown), 200 if is_readable else 400
