"""The result of a trial as it is shown: examples only of patients whose records are open to every pharmacist."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select

from hms.clinical.models import Prescription
from hms.core.background.outbox import job_status
from hms.core.db.session import db
from hms.formulary.rule_book import queries
from hms.formulary.safety.alerts import TIERS
from hms.patients.models import Patient
from hms.pharmacy.models import RuleTrial

from .actions import JOB
from .alert_counts import CHECK_LABELS

WAITING, DONE, FAILED, NONE = "waiting", "done", "failed", "none"


class Example(NamedTuple):
    """A prescription that would have had an alert more or less: its medicine and day, nothing of the patient."""

    medicine: str
    signed_at: datetime
    change: str
    tier: str
    title: str
    key: str


class TrialResult(NamedTuple):
    """A trial: `state` is none, waiting, done or failed; the others are empty until it is done."""

    state: str
    asked_at: datetime | None = None
    done_at: datetime | None = None
    compared: int = 0
    is_cut: bool = False
    tiers: dict[str, dict[str, int]] = {}
    examples: list[Example] = []


def get_trial(change_id: int) -> TrialResult:
    """The trial of a proposal."""
    trial = db.session.scalars(select(RuleTrial).filter_by(change_id=change_id)).one_or_none()
    if trial is None:
        return TrialResult(NONE)
    if trial.result is None:
        is_failed = job_status(JOB, trial.id) == FAILED
        return TrialResult(FAILED if is_failed else WAITING, trial.asked_at)
    result = trial.result
    return TrialResult(
        *(DONE, trial.asked_at, trial.done_at, result["compared"], result["is_cut"]),
        {tier: result["tiers"][tier] for tier in TIERS},
        list(_load_examples(result["examples"])),
    )


def _load_examples(examples: list[dict[str, Any]]) -> Iterable[Example]:
    ids = [each["prescription"] for each in examples]
    query = select(Prescription.id, Prescription.medication_name, Prescription.signed_at)
    query = query.join(Patient, Patient.id == Prescription.patient_id)
    open_ones = query.where(
        Prescription.id.in_(ids), Patient.is_restricted.is_(False), Prescription.signed_at.is_not(None)
    )
    rows = {row.id: row for row in db.session.execute(open_ones)}
    for each in examples:
        row = rows.get(each["prescription"])
        if row is not None:
            rule = queries.find_rule(each["key"]) if each["key"] else None
            title = rule.title if rule else str(CHECK_LABELS.get(each["check"], each["check"]))
            yield Example(row.medication_name, row.signed_at, each["change"], each["tier"], title, each["key"])
