"""Keeps which alerts refused an order or a signature, so that the figures of a rule also count who desisted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.dialects.postgresql import insert

from hms.clinical.models import RefusedAlert
from hms.core import clock
from hms.core.db.session import commit_upkeep, db
from hms.formulary.safety.reasons import ReasonMissing


@contextmanager
def noting_refusals(encounter_id: int) -> Iterator[None]:
    """Note the alerts for which a reason is missing when the block raises `ReasonMissing`, and raise it again. The block is
    around the whole action: nothing of it is left then."""
    try:
        yield
    except ReasonMissing as refusal:
        db.session.rollback()
        note_refusal(encounter_id, refusal)
        commit_upkeep()
        raise


def note_refusal(encounter_id: int, refusal: ReasonMissing) -> None:
    """Note the alerts of a refusal in the running transaction, for an action that goes on without the order."""
    now = clock.now()
    rows = [
        {
            "encounter_id": encounter_id,
            "finding": each.key,
            "rule": each.rule,
            "line": each.line,
            "tier": each.tier,
            "shown_at": now,
        }
        for each in refusal.questions
        if each.rule
    ]
    if rows:
        db.session.execute(insert(RefusedAlert).on_conflict_do_nothing(), rows)
