"""Keeps which alerts refused an order or a signature, so that the figures of a rule also count who desisted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.dialects.postgresql import insert

from hms.clinical.models import RefusedAlert
from hms.core import clock
from hms.core.db.session import commit_upkeep, db
from hms.formulary.safety.reasons import Question, ReasonMissing


@contextmanager
def noting_refusals(encounter_id: int) -> Iterator[None]:
    """Note the alerts for which a reason is missing when the block raises `ReasonMissing`, and raise it again. The block is
    around the whole action: nothing of it is left then."""
    try:
        yield
    except ReasonMissing as refusal:
        _note(encounter_id, refusal.questions)
        raise


def _note(encounter_id: int, questions: tuple[Question, ...]) -> None:
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
        for each in questions
        if each.rule
    ]
    if rows:
        db.session.rollback()
        db.session.execute(insert(RefusedAlert).on_conflict_do_nothing(), rows)
        commit_upkeep()
