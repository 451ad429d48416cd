"""What a proposed change would have done with the prescriptions of the last month: how many alerts more and less.

Each prescription is checked twice, with the rules in force and with the proposed ones, against the same facts: the medicines
that the patient took when it was signed, and what is known of the patient today. The difference is what the change does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Row, select

from hms.clinical.models import Prescription
from hms.clinical.prescriptions import patient_context
from hms.clinical.prescriptions.patient_context import COURSE_DAYS, SafetyContext
from hms.core import clock
from hms.core.db.session import db
from hms.formulary.models import Medication, RuleChangeLine
from hms.formulary.rule_book import queries
from hms.formulary.rule_book.current_rules import RuleBook
from hms.formulary.safety.alerts import TIERS, SafetyAlert
from hms.formulary.safety.checks import check_medicine, list_alerts, medicine_from_text
from hms.formulary.safety.knowledge import Knowledge
from hms.formulary.safety.medicine_facts import Medicine
from hms.formulary.safety.other_checks import CurrentMedicine
from hms.formulary.safety.rule_lists import build_knowledge
from hms.patients.models import Patient

DAYS = 30
MAX_PRESCRIPTIONS = 20_000
MAX_EXAMPLES = 10
EARLIER = timedelta(days=90)
"""How long before the month a medicine may have been prescribed that was still taken in it."""


@dataclass
class Trial:
    """The counts of a trial: alerts more and less by tier, and examples, each with the id of its prescription."""

    first: datetime
    compared: int = 0
    is_cut: bool = False
    more: Counter[str] = field(default_factory=Counter)
    less: Counter[str] = field(default_factory=Counter)
    examples: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "first": self.first.isoformat(),
            "compared": self.compared,
            "is_cut": self.is_cut,
            "tiers": {tier: {"more": self.more[tier], "less": self.less[tier]} for tier in TIERS},
            "examples": self.examples,
        }


def run_trial(lines: Sequence[RuleChangeLine]) -> Trial:
    """Try a proposal on the prescriptions that were signed in the last `DAYS` days."""
    book = queries.load_book()
    present = build_knowledge(book.version, book.rows())
    proposed = build_knowledge(f"{book.version}+?", queries.rows_with(book, lines))
    trial = Trial(clock.now() - timedelta(days=DAYS))
    affected = _affected_substances(book, lines)
    for orders in _patients(trial):
        _try_patient(orders, present, proposed, affected, trial)
    return trial


def _affected_substances(book: RuleBook, lines: Iterable[RuleChangeLine]) -> frozenset[str] | None:
    """The substances that the lines are about; None when names of substances themselves change, which may touch every one."""
    if any(line.list_name == "substances" for line in lines):
        return None
    return frozenset().union(*(queries.substances_of(book, line) for line in lines))


_COLUMNS = (
    *("id", "patient_id", "medication_id", "medication_name", "signed_at", "days"),
    *("dose_amount", "dose_unit", "route", "frequency_code", "as_needed", "max_per_day"),
)


def _patients(trial: Trial) -> Iterator[list[Row]]:
    """The prescriptions of each patient who got one in the period, with earlier ones, oldest first."""
    signed = Prescription.signed_at
    newest = select(Prescription.patient_id, Prescription.id).where(signed >= trial.first)
    in_period = db.session.execute(newest.order_by(signed.desc()).limit(MAX_PRESCRIPTIONS + 1)).all()
    trial.is_cut = len(in_period) > MAX_PRESCRIPTIONS
    ids = sorted({row.patient_id for row in in_period[:MAX_PRESCRIPTIONS]})
    for start in range(0, len(ids), 200):
        columns = (getattr(Prescription, name) for name in _COLUMNS)
        query = select(*columns, Patient.is_restricted).join(Patient, Patient.id == Prescription.patient_id)
        query = query.where(Prescription.patient_id.in_(ids[start : start + 200]), signed >= trial.first - EARLIER)
        rows = db.session.execute(query.order_by(Prescription.patient_id, signed, Prescription.id)).all()
        for _patient_id, orders in groupby(rows, key=lambda row: row.patient_id):
            yield list(orders)


def _try_patient(
    orders: list[Row], present: Knowledge, proposed: Knowledge, affected: frozenset[str] | None, trial: Trial
) -> None:
    products = _load_products(orders)
    context: SafetyContext | None = None
    for order in orders:
        if order.signed_at < trial.first:
            continue
        trial.compared += 1
        medicine = _medicine(order, products, present)
        if affected is not None and medicine.ingredients and not affected.intersection(medicine.ingredients):
            continue
        context = context or patient_context.load_safety_context(order.patient_id, None)
        taken = [other for other in orders if other.id != order.id and _is_taken_at(other, order)]
        before, after = (_find_alerts(order, taken, products, context, known) for known in (present, proposed))
        _compare(order, before, after, trial)


def _load_products(orders: Iterable[Row]) -> dict[int, Medication]:
    ids = {order.medication_id for order in orders if order.medication_id}
    return {row.id: row for row in db.session.scalars(select(Medication).where(Medication.id.in_(ids)))}


def _medicine(order: Row, products: dict[int, Medication], known: Knowledge) -> Medicine:
    if order.medication_id:
        return Medicine.from_record(products[order.medication_id], order.medication_name)
    return medicine_from_text(order.medication_name, known)


def _is_taken_at(other: Row, order: Row) -> bool:
    """Whether the other medicine was taken when `order` was signed, by its days; the same product is its renewal."""
    if other.medication_id is not None and other.medication_id == order.medication_id:
        return False
    ends = other.signed_at + timedelta(days=other.days or COURSE_DAYS)
    return other.signed_at <= order.signed_at < ends


def _find_alerts(
    order: Row, taken: Iterable[Row], products: dict[int, Medication], context: SafetyContext, known: Knowledge
) -> list[SafetyAlert]:
    medicine, dose = _medicine(order, products, known), patient_context.dose_of(order)
    others = [CurrentMedicine(_medicine(each, products, known), patient_context.dose_of(each)) for each in taken]
    route = dose.route if dose else medicine.route
    checks = check_medicine(
        *(medicine, dose, context.person, context.allergies, others, known),
        kidneys=context.kidneys if known.find_kidney_rules(medicine, route) else None,
        illnesses=context.illnesses if medicine.pregnancy or known.find_illness_rules(medicine, route) else None,
    )
    return list_alerts(checks)


def _compare(order: Row, before: Iterable[SafetyAlert], after: Iterable[SafetyAlert], trial: Trial) -> None:
    """Count what is new and what is gone. An alert that only has other words is the same."""
    old, new = ({_name(alert): alert for alert in alerts} for alerts in (before, after))
    for change, counts, alerts in (
        ("more", trial.more, [alert for name, alert in new.items() if name not in old]),
        ("less", trial.less, [alert for name, alert in old.items() if name not in new]),
    ):
        for alert in alerts:
            counts[alert.tier] += 1
            if not order.is_restricted and len(trial.examples) < MAX_EXAMPLES:
                trial.examples.append(
                    {
                        "prescription": order.id,
                        "change": change,
                        "tier": alert.tier,
                        "key": alert.line,
                        "check": alert.rule,
                    }
                )


def _name(alert: SafetyAlert) -> tuple[str, ...]:
    of_line = (alert.line, *sorted(alert.substances)) if alert.line else (str(alert.message),)
    return alert.rule, alert.tier, *of_line
