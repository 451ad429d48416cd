"""Asks for a trial of a proposed change on the prescriptions of the last month."""

from __future__ import annotations

from sqlalchemy import select

from hms.core import clock
from hms.core.actions import action
from hms.core.background.outbox import enqueue
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.formulary.models import RuleChange
from hms.formulary.rule_book.rules import check_undecided
from hms.pharmacy.models import RuleTrial

JOB = "pharmacy.try_rules"


@action(Permission.CHANGE_RULES, "pharmacy.try_rules")
def start_trial(change_id: int, *, by: Person) -> RuleTrial:
    """Have the worker try a waiting proposal; one that is being tried goes on. Raises `Conflict` when it is decided."""
    change = get_for_update(RuleChange, change_id)
    check_undecided(change.decision)
    trial = db.session.scalars(select(RuleTrial).filter_by(change_id=change_id)).one_or_none()
    if trial is None:
        trial = RuleTrial(change_id=change_id)
        db.session.add(trial)
    trial.asked_at, trial.done_at, trial.result = clock.now(), None, None
    db.session.flush()
    enqueue(JOB, trial.id, is_long=True)
    return trial
