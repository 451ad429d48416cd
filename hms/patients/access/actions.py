"""Restrict a record to the care team, open it in an emergency with a reason, review such access."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from sqlalchemy import Select, bindparam, func, select

from hms.core import clock
from hms.core.actions import action
from hms.core.audit import recording
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import Conflict, RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_, Sentence
from hms.messages.actions import tell_everyone_who_may
from hms.patients import lookup
from hms.patients.models import BreakGlass, Patient

from . import policy

OPEN_FOR = timedelta(minutes=60)
REVIEWED_WITHIN = timedelta(hours=72)
MIN_REASON_LENGTH = 10
MAX_REASON_LENGTH = 500
FINDINGS = ("justified", "unjustified")
REVIEWS = "/admin/access-reviews"


@action(Permission.RESTRICT_PATIENT, "patients.restrict")
def restrict(patient_id: int, *, reason: str, by: Person) -> Patient:
    """Restrict the record: only the care team may open it, others by break-glass. `RecordRestricted` outside the care team."""
    patient = lookup.patient_for_update(patient_id)
    policy.check_team(patient, by)
    patient.is_restricted, patient.restriction_reason = True, checked_reason(reason)
    patient.increment_version()
    return patient


@action(Permission.RESTRICT_PATIENT, "patients.lift_restriction")
def lift_restriction(patient_id: int, *, reason: str, by: Person) -> Patient:
    """Remove the restriction. `RecordRestricted` outside the care team."""
    patient = lookup.patient_for_update(patient_id)
    policy.check_team(patient, by)
    checked = checked_reason(reason)
    if patient.is_restricted:
        patient.is_restricted, patient.restriction_reason = False, checked
        patient.increment_version()
    return patient


def checked_reason(text: str) -> str:
    """The cleaned reason; `RuleBroken` on `reason` when it is too short or one repeated character."""
    reason = clean_field(text, "reason", longest=MAX_REASON_LENGTH)
    if len(reason) < MIN_REASON_LENGTH or len(set(reason.casefold())) < 4:
        raise RuleBroken(N_("Enter a reason of at least ten characters."), "reason")
    return reason


@action(Permission.BREAK_GLASS, "patients.break_glass")
def break_glass(patient_id: int, *, reason: str, by: Person) -> BreakGlass:
    """Open a restricted record to `by` for an hour, without approval, and notify the privacy reviewers at once.

    Call it through `with_reauthentication`. `Conflict` (code "already_open") when `by` may read the
    record without a reason. A repeated call within the hour returns the same entry.
    """
    patient = lookup.patient_for_update(patient_id)
    known = _still_open(patient_id, by)
    if known is not None:
        return known
    if policy.is_open(patient, by):
        raise Conflict(N_("This record is open to you without a reason."), code="already_open")
    checked, now = checked_reason(reason), clock.now()
    policy.mark_emergency_access()
    opened = BreakGlass(user_id=by.id, patient_id=patient_id, role=by.role or "", reason=checked, opened_at=now)
    opened.expires_at = now + OPEN_FOR
    db.session.add(opened)
    db.session.flush()
    about = {"entity": "break_glass", "entity_id": opened.id, "patient_id": patient_id}
    recording.record("break_glass.open", by, **about, purpose=policy.EMERGENCY, details={"reason": opened.reason})
    _tell_reviewers(by)
    return opened


def _still_open(patient_id: int, by: Person) -> BreakGlass | None:
    query = select(BreakGlass).where(
        BreakGlass.user_id == by.id, BreakGlass.patient_id == patient_id, BreakGlass.expires_at > clock.now()
    )
    return db.session.scalars(query.order_by(BreakGlass.id.desc()).limit(1)).one_or_none()


def _tell_reviewers(by: Person) -> None:
    """Notify all other reviewers. The message names no patient; the review page does."""
    message = N_("%(name)s (%(role)s) opened a restricted record with a reason. Review it within 72 hours.")
    tell_everyone_who_may(
        Permission.REVIEW_ACCESS,
        title=N_("Emergency access to a record"),
        message=str(Sentence(message, name=by.name, role=by.role_name or "–")),
        url=REVIEWS,
        except_for=by,
        by=by,
    )


@action(Permission.REVIEW_ACCESS, "patients.review")
def review(break_glass_id: int, *, finding: str, note: str = "", by: Person) -> BreakGlass:
    """Record whether an emergency access was justified.

    `RuleBroken` for one's own access or a missing note; `Conflict` when it is reviewed already."""
    opened = get_for_update(BreakGlass, break_glass_id)
    if finding not in FINDINGS:
        raise RuleBroken(N_("Choose whether the access was justified."), "finding")
    if opened.user_id == by.id:
        raise RuleBroken(N_("You cannot review your own access. Ask another reviewer."), "finding")
    if opened.reviewed_at is not None:
        raise Conflict(N_("Someone else has already reviewed this access."), code="already_reviewed")
    checked_note = clean_field(note, "note", longest=MAX_REASON_LENGTH)
    if finding == "unjustified" and len(checked_note) < MIN_REASON_LENGTH:
        raise RuleBroken(N_("Enter what was wrong, in at least ten characters."), "note")
    opened.finding, opened.review_note = finding, checked_note
    opened.reviewed_by_id, opened.reviewed_at = by.id, clock.now()
    db.session.flush()
    return opened


def count_open_reviews() -> tuple[int, int]:
    """Number of unreviewed emergency accesses, and how many of them are older than 72 hours."""
    waiting, late = db.session.execute(_to_review(), {"late_before": clock.now() - REVIEWED_WITHIN}).one()
    return waiting, late


@cache
def _to_review() -> Select:
    late_before = bindparam("late_before")
    late = func.count().filter(BreakGlass.opened_at < late_before)
    return select(func.count().label("waiting"), late.label("late")).where(BreakGlass.reviewed_at.is_(None))
