"""The allergy check at dispensing, which includes allergies recorded after the prescriber signed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_, Sentence
from hms.formulary.rule_book.current_rules import load_knowledge
from hms.formulary.safety.alerts import SafetyAlert
from hms.formulary.safety.allergy_check import AllergyEntry, check_allergies
from hms.formulary.safety.medicine_facts import Medicine
from hms.formulary.safety.reasons import STOP, question_key
from hms.patients.allergies.queries import RecordedAllergy


class SignedLine(Protocol):
    """A prescription with its reasons by the keys of the findings; one from before findings had reasons of their own has only
    `override_code`."""

    override_code: str
    reasons: Mapping[str, Any]
    signed_at: datetime | None


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
    line: SignedLine,
) -> Recheck:
    """Check `medicine` against the patient's allergies. `is_asked`: somebody has asked the patient about allergies.

    An alert is known only when the prescriber of `line` gave a reason for it and the allergy has not changed since the
    signature. A reason for another finding answers none.
    """
    recorded = tuple(allergies)
    check = check_allergies(medicine, _entries(recorded) if is_asked or recorded else None, load_knowledge())
    stops = tuple(alert for alert in check.alerts if alert.is_stop)
    known_messages: set[Sentence] = set()
    if line.override_code and line.signed_at is not None:
        at_signature = tuple(entry for entry in recorded if entry.updated_at <= line.signed_at)
        known_messages = {
            alert.message
            for alert in check_allergies(medicine, _entries(at_signature), load_knowledge()).alerts
            if not line.reasons or question_key(STOP, str(alert.message)) in line.reasons
        }
    return Recheck(
        known=tuple(alert for alert in stops if alert.message in known_messages),
        new=tuple(alert for alert in stops if alert.message not in known_messages),
        cautions=tuple(alert for alert in check.alerts if not alert.is_stop),
        missing=check.missing,
    )


def _entries(recorded: Iterable[RecordedAllergy]) -> tuple[AllergyEntry, ...]:
    return tuple(AllergyEntry.from_record(entry) for entry in recorded)


def refuse_new_alerts(result: Recheck) -> None:
    """`RuleBroken` when there is a serious alert for which the prescriber gave no reason."""
    if result.new:
        message = N_("%(alert)s Do not dispense it. Query the prescriber.")
        raise RuleBroken(message, code="allergy", alert=result.new[0].message)
