"""Pages to review emergency accesses; nobody may review their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload
from wtforms import RadioField
from wtforms.fields.choices import SelectChoice

from hms.admin.blueprints import pages
from hms.admin.exports import EMERGENCY_ACCESS
from hms.core import clock
from hms.core.api import read_log
from hms.core.audit.models import AuditEntry
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.exports.page_lists import PageList, export_response
from hms.core.exports.registry import offer_page_export
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.forms import ActionForm, Required, Text
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import parameters
from hms.patients.access import actions
from hms.patients.models import BreakGlass

from . import labels

ROWS = 25
MAX_READS = 200


class ReviewForm(ActionForm):
    """The finding of a review."""

    finding = RadioField(
        _l("Was this access justified?"),
        [Required()],
        choices=[
            SelectChoice("justified", _l("Yes, it was needed for care")),
            SelectChoice("unjustified", _l("No, it was not justified")),
        ],
    )
    note = Text(_l("Note"), longest=actions.MAX_REASON_LENGTH)


def _accesses() -> Select:
    return select(BreakGlass).options(joinedload(BreakGlass.user), joinedload(BreakGlass.patient))


@pages.get("/access-reviews")
@requires(Permission.REVIEW_ACCESS)
def access_reviews() -> str:
    """Emergency accesses: those to review, oldest first, and the last reviewed ones with their finding."""
    waiting = db.session.scalars(
        _accesses().where(BreakGlass.reviewed_at.is_(None)).order_by(BreakGlass.id).limit(ROWS)
    )
    done = _accesses().where(BreakGlass.reviewed_at.is_not(None)).options(joinedload(BreakGlass.reviewed_by))
    done = done.order_by(BreakGlass.reviewed_at.desc(), BreakGlass.id.desc())
    shown = {"waiting": waiting.all(), "done": db.session.scalars(done.limit(ROWS)).all()}
    read_log.record_list_read("patients.read_list", len(shown["waiting"]) + len(shown["done"]), entity="break_glass")
    overdue_before = clock.now() - actions.REVIEWED_WITHIN
    return render_template("admin/access_reviews.html", **shown, overdue_before=overdue_before)


@requires(Permission.REVIEW_ACCESS)
def export_accesses() -> Response:
    """All emergency accesses as a file, the newest first."""
    seen: list[read_log.PatientRead] = []

    def fetch(last: BreakGlass | None, limit: int) -> Sequence[BreakGlass]:
        query = _accesses() if last is None else _accesses().where(BreakGlass.id < last.id)
        return db.session.scalars(query.order_by(BreakGlass.id.desc()).limit(limit)).all()

    def project(access: BreakGlass) -> dict[str, Any]:
        seen.append(read_log.PatientRead(access.patient_id, access.id))
        same = ("opened_at", "role", "reason", "review_note", "reviewed_at")
        about = {"patient": access.patient_id, "reviewed_by": access.reviewed_by_id, "finding": access.finding or ""}
        return {name: getattr(access, name) for name in same} | about | {"user": access.user.display_name}

    response = export_response(PageList(fetch), project)
    read_log.record_reads("patients.read_list", seen, entity="break_glass")
    return response


offer_page_export(export_accesses, EMERGENCY_ACCESS, parameters())


@pages.route("/access-reviews/<int:access_id>", methods=["GET", "POST"])
@requires(Permission.REVIEW_ACCESS)
def access_review(access_id: int) -> ResponseReturnValue:
    """One access: user, patient, reason, everything that was opened and changed in that hour, and the finding."""
    access = db.session.scalars(_accesses().where(BreakGlass.id == access_id)).one_or_none()
    if access is None:
        raise NotFound(N_("This access does not exist."))
    form = ReviewForm(formdata=request.form if request.method == "POST" else None)
    if form.save(actions.review, by=current_person(), break_glass_id=access_id):
        flash(_("Finding saved."), "success")
        return redirect(url_for("admin.access_reviews"), 303)
    shown = {"access": access, "form": form, "entries": _entries_during(access), "trail": labels}
    read_log.record_read("patients.read", access.patient_id, entity="break_glass", entity_id=access_id)
    return render_template(
        "admin/access_review.html", is_own=access.user_id == current_person().id, **shown
    ), form.status


def _entries_during(access: BreakGlass) -> list[Any]:
    """The audit entries of the person about this record during the access, at most `MAX_READS`."""
    query = select(AuditEntry).where(
        AuditEntry.patient_id == access.patient_id,
        AuditEntry.actor_id == access.user_id,
        AuditEntry.recorded_at.between(access.opened_at, access.expires_at),
        AuditEntry.entity.is_distinct_from("break_glass"),
    )
    return list(db.session.scalars(query.order_by(AuditEntry.id).limit(MAX_READS)))
