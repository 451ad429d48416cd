"""Pages: the critical values that wait to be acknowledged, and one of them with its history."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.text.numbers import parse_record_id
from hms.core.web.guard import current_person, requires
from hms.patients import lookup
from hms.patients.records import banner

from . import actions, queries, read_entries
from .enums import (
    CAUSE_LABELS,
    CHANNEL_LABELS,
    GROUP_LABELS,
    STATUS_LABELS,
    STATUS_TONES,
    Cause,
    EscalationStatus,
)
from .forms import ReadBackForm

pages = Blueprint("escalations", __name__)
ALL = "all"


@pages.app_template_global("escalation_state")
def escalation_state(status: str) -> tuple[str, Any]:
    """(tone, words) of the state of an escalation."""
    state = EscalationStatus(status)
    return STATUS_TONES[state], STATUS_LABELS[state]


@pages.get("/escalations")
@requires(Permission.READ_ESCALATIONS)
def escalations() -> str:
    """The critical values that wait, the oldest first; with `?show=` those that ended, or all, newest first."""
    return render_template("escalations/list.html", **_load_page())


@pages.get("/escalations/open")
@requires(Permission.READ_ESCALATIONS)
def open_escalations() -> str:
    """The values that wait the longest, for live updates above the queue."""
    return render_template("escalations/_open.html", critical=read_entries.read_open())


@pages.get("/escalations/strip")
@requires(Permission.READ_ESCALATIONS)
def strip() -> str:
    """How many values wait for this person, for live updates of every page."""
    return render_template("escalations/_strip.html", open_escalations=current_person().open_escalations or 0)


@pages.get("/escalations/rows")
@requires(Permission.READ_ESCALATIONS)
def rows() -> str:
    """The list without its page, for live updates."""
    return render_template("escalations/_rows.html", **_load_page())


def _load_page() -> dict[str, Any]:
    show = request.args.get("show", EscalationStatus.OPEN.value)
    status = (
        EscalationStatus(show) if show in list(EscalationStatus) else None if show == ALL else EscalationStatus.OPEN
    )
    page = queries.list_page(current_person(), status, after=parse_record_id(request.args.get("after", "")))
    read_entries.record_board(page.rows)
    return {"page": page, "show": status.value if status else ALL, "states": STATUS_LABELS}


@pages.get("/escalations/<int:escalation_id>")
@requires(Permission.READ_ESCALATIONS)
def escalation(escalation_id: int) -> ResponseReturnValue:
    """One critical value with its history."""
    return _page_of_one(escalation_id, ReadBackForm(formdata=None))


@pages.post("/escalations/<int:escalation_id>")
@requires(Permission.ACKNOWLEDGE_ESCALATION)
def acknowledge(escalation_id: int) -> ResponseReturnValue:
    """End an escalation by reading its value back."""
    form = ReadBackForm()
    if form.save(actions.acknowledge, escalation_id=escalation_id, by=current_person()):
        flash(_("Acknowledged: %(value)s.", value=f"{form.result.subject} {form.result.value}"), "success")
        return redirect(url_for(".escalation", escalation_id=escalation_id), 303)
    return _page_of_one(escalation_id, form)


def _page_of_one(escalation_id: int, form: ReadBackForm) -> ResponseReturnValue:
    row = queries.get_escalation(escalation_id, current_person())
    read_log.record_read("escalations.read", row.patient_id, entity="escalation", entity_id=row.id)
    return render_template(
        "escalations/one.html",
        form=form,
        row=row,
        banner=banner.patient_banner(lookup.patient(row.patient_id), current_person()),
        steps=queries.list_steps(row.id),
        groups=GROUP_LABELS,
        channels=CHANNEL_LABELS,
        cause=CAUSE_LABELS[queries.cause_of(row)],
        record_url=_record_url(row),
    ), form.status


def _record_url(row: Any) -> str | None:
    """The page with the value, for those who read charts or enter results."""
    if not current_person().may(Permission.OPEN_CHART):
        return None
    if row.encounter_id is not None:
        return f"/encounters/{row.encounter_id}"
    return f"/patients/{row.patient_id}" + ("/results?kind=lab" if queries.cause_of(row) is Cause.RESULT else "")
