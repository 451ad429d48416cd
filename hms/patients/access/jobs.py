"""Daily job: remind reviewers of emergency accesses that are unreviewed after 72 hours."""

from __future__ import annotations

from sqlalchemy import func, select

from hms.core import clock
from hms.core.actions import action_context
from hms.core.db import advisory_locks
from hms.core.db.advisory_locks import AdvisoryLock
from hms.core.db.session import db
from hms.core.permissions import Permission
from hms.core.person import SYSTEM
from hms.core.text.translation import N_, Sentence
from hms.messages.actions import tell
from hms.messages.models import Notification
from hms.patients.models import BreakGlass
from hms.staff import directory as staff

from . import actions

PLACE = f"{actions.REVIEWS}#overdue"


def remind_reviewers() -> None:
    """Alert each reviewer to the number of colleagues' overdue accesses, at most once a day.

    Like every alert it names no patient. It is also sent by e-mail to those who chose that.
    """
    with action_context("patients.remind_reviewers", SYSTEM):
        if not advisory_locks.try_acquire(AdvisoryLock.REMIND_REVIEWERS):
            return
        late, reminded = _overdue_by_opener(), _reminded_today()
        for reviewer in staff.user_ids_with_permission(Permission.REVIEW_ACCESS) if late else ():
            count = sum(waiting for opener, waiting in late.items() if opener != reviewer)
            if count and reviewer not in reminded:
                _remind(reviewer, count)


def _overdue_by_opener() -> dict[int, int]:
    """Number of overdue accesses by the id of the user who opened the record."""
    due = clock.now() - actions.REVIEWED_WITHIN
    query = select(BreakGlass.user_id, func.count()).where(BreakGlass.reviewed_at.is_(None), BreakGlass.opened_at < due)
    return {opener: count for opener, count in db.session.execute(query.group_by(BreakGlass.user_id))}


def _reminded_today() -> set[int]:
    today = clock.day_bounds(clock.today())[0]
    query = select(Notification.user_id).where(Notification.url == PLACE, Notification.created_at >= today)
    return set(db.session.scalars(query))


def _remind(reviewer: int, count: int) -> None:
    message = N_("%(count)s are waiting for more than 72 hours. Decide for each whether it was justified.")
    tell(
        reviewer,
        title=N_("Emergency access to review"),
        message=str(Sentence(message, count=count)),
        url=PLACE,
        kind="warning",
        by=SYSTEM,
    )
