"""Daily job: make the paces of doctors and service points from the calls of the last weeks."""

from __future__ import annotations

from sqlalchemy import delete, func, select

from hms.appointments.models import ServicePace
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db import advisory_locks
from hms.core.db.advisory_locks import AdvisoryLock
from hms.core.db.session import db
from hms.core.person import SYSTEM

from . import queries, rules
from .queries import Callers


def make_service_paces() -> bool:
    """Make the paces of today, once a day; returns whether they were made."""
    today = clock.today()
    with action_context("appointments.make_service_paces", SYSTEM):
        if not advisory_locks.try_acquire(AdvisoryLock.SERVICE_PACES):
            return False
        if db.session.scalar(select(func.max(ServicePace.made_on))) == today:
            return False
        paces = {callers: rules.make_paces(queries.list_calls(callers, today)) for callers in Callers}
        first_calls = {callers: queries.list_first_calls(callers, today) for callers in Callers}
        db.session.execute(delete(ServicePace))
        for callers, of_callers in paces.items():
            for caller_id, kinds in of_callers.items():
                begins = rules.make_first_calls(first_calls[callers][caller_id])
                db.session.add_all(_row(callers, caller_id, kind, pace, begins) for kind, pace in kinds.items())
                db.session.flush()
    return True


def _row(
    callers: Callers, caller_id: int, kind: str, pace: rules.Pace, first_calls: dict[int, list[int]]
) -> ServicePace:
    return ServicePace(
        **{callers.value: caller_id},
        kind=kind,
        made_on=clock.today(),
        turns=list(pace.turns.seconds),
        gaps=list(pace.gaps.seconds) if pace.gaps else [],
        day_variance=pace.turns.day_variance,
        overtaken=list(pace.overtaken),
        first_calls=first_calls if kind == rules.ALL_KINDS else {},
    )
