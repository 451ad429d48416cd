"""The allergy check once more when the medicine is handed over: what was recorded since the prescriber looked counts."""

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
from hms.formulary.safety.knowledge import Medicine


class RecordedAllergy(Protocol):
    """A patient's allergy as it is stored."""

    substance: str
    code: str
    class_code: str
    category: str
    reaction: str
    severity: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Recheck:
    """What the allergy check says of one line now.

    `known` are stops for which the prescriber gave a reason, `new` are stops that nobody has answered, `missing` is what
    could not be looked at.
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
    """Check `medicine` against the allergies recorded today.

    A stop is known only when the prescriber gave a reason and the allergy has not changed since the signature.
    """
    recorded = tuple(allergies)
    check = check_allergies(medicine, _entries(recorded) if is_asked or recorded else None, load_knowledge())
    stops = tuple(alert for alert in check.alerts if alert.is_stop)
    answered: set[Sentence] = set()
    if is_overridden and signed_at is not None:
        seen = tuple(entry for entry in recorded if entry.updated_at <= signed_at)
        answered = {alert.message for alert in check_allergies(medicine, _entries(seen), load_knowledge()).alerts}
    return Recheck(
        known=tuple(alert for alert in stops if alert.message in answered),
        new=tuple(alert for alert in stops if alert.message not in answered),
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


def check_new_stops(found: Recheck) -> None:
    """Nothing leaves the pharmacy against a stop that no prescriber has answered."""
    if found.new:
        told = N_("%(alert)s Do not dispense it. Query the prescriber.")
        raise RuleBroken(told, code="allergy", alert=found.new[0].message)
