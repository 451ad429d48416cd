"""The allergy check at dispensing, which includes allergies recorded after the prescriber signed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_, Sentence
from hms.formulary.medicines.catalogue import load_knowledge
from hms.formulary.safety.alerts import SafetyAlert
from hms.formulary.safety.allergy_check import AllergyEntry, check_allergies
from hms.formulary.safety.medicine_facts import Medicine


class RecordedAllergy(Protocol):
    """A stored allergy of a patient."""

    substance: str
    code: str
    class_code: str
    category: str
    reaction: str
    severity: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Recheck:
    """The result of the allergy check for one line.

    `known` are serious alerts for which the prescriber gave a reason, `new` are those without a reason, `missing` is a
    sentence about what could not be checked.
    """

    known: tuple[SafetyAlert, ...] = ()
    new: tuple[SafetyAlert, ...] = ()
    cautions: tuple[SafetyAlert, ...] = ()
    missing: Sentence | None = None


def recheck(
    medicine: Medicine,
    allergies: Iterable[RecordedAllergy],
    *,
    is_asked: bool,
    signed_at: datetime | None,
    is_overridden: bool,
) -> Recheck:
    """Check `medicine` against the patient's allergies. `is_asked`: somebody has asked the patient about allergies.

    An alert is known only when the prescriber gave a reason (`is_overridden`) and the allergy has not changed since
    `signed_at`.
    """
    recorded = tuple(allergies)
    check = check_allergies(medicine, _entries(recorded) if is_asked or recorded else None, load_knowledge())
    stops = tuple(alert for alert in check.alerts if alert.is_stop)
    known_messages: set[Sentence] = set()
    if is_overridden and signed_at is not None:
        at_signature = tuple(entry for entry in recorded if entry.updated_at <= signed_at)
        known_messages = {
            alert.message for alert in check_allergies(medicine, _entries(at_signature), load_knowledge()).alerts
        }
    return Recheck(
        known=tuple(alert for alert in stops if alert.message in known_messages),
        new=tuple(alert for alert in stops if alert.message not in known_messages),
        cautions=tuple(alert for alert in check.alerts if not alert.is_stop),
        missing=check.missing,
    )


def _entries(recorded: Iterable[RecordedAllergy]) -> tuple[AllergyEntry, ...]:
    return tuple(
        AllergyEntry(
            text=entry.substance,
            code=entry.class_code or entry.code,
            severity=entry.severity,
            reaction=entry.reaction,
            category=entry.category,
        )
        for entry in recorded
    )


def refuse_new_alerts(result: Recheck) -> None:
    """`RuleBroken` when there is a serious alert for which the prescriber gave no reason."""
    if result.new:
        message = N_("%(alert)s Do not dispense it. Query the prescriber.")
        raise RuleBroken(message, code="allergy", alert=result.new[0].message)
