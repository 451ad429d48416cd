"""The worker tries proposed changes of the safety rules."""

from __future__ import annotations

from hms.core import clock
from hms.core.background.outbox import job
from hms.core.db.session import db
from hms.formulary.rule_book import queries
from hms.pharmacy.models import RuleTrial

from .actions import JOB
from .trials import run_trial


@job(JOB)
def try_rules(trial_id: int) -> None:
    """Count what a proposal would have done, unless that is done already."""
    trial = db.session.get(RuleTrial, trial_id)
    if trial is None or trial.done_at is not None:
        return
    trial.result = run_trial(queries.list_lines(trial.change_id)).to_json()
    trial.done_at = clock.now()
    db.session.flush()
