"""What a safety check answers: alerts in three tiers, and whether the check could look at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hms.core.text.translation import Sentence

TIERS = ("stop", "caution", "info")


@dataclass(frozen=True, slots=True)
class SafetyAlert:
    """One finding. A stop blocks signing until a reason is given; a caution is one line; an info is a remark."""

    tier: str
    rule: str
    message: Sentence
    substances: tuple[str, ...] = ()

    @property
    def is_stop(self) -> bool:
        return self.tier == "stop"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The answer of one check: `outcome` is fired, clear or could_not_run.

    `missing` says in words what the check could not look at; it is shown as loudly as an alert and may stand beside
    alerts that did fire.
    """

    rule: str
    outcome: str
    alerts: tuple[SafetyAlert, ...] = ()
    missing: Sentence | None = None

    @classmethod
    def of(cls, rule: str, alerts: Iterable[SafetyAlert], missing: Sentence | None = None) -> CheckResult:
        """The check with its outcome: alerts win, then what is missing, else clear."""
        ordered = tuple(sorted(set(alerts), key=lambda alert: (TIERS.index(alert.tier), str(alert.message))))
        outcome = "fired" if ordered else "could_not_run" if missing else "clear"
        return cls(rule, outcome, ordered, missing)

    @classmethod
    def not_run(cls, rule: str, missing: Sentence) -> CheckResult:
        return cls(rule, "could_not_run", (), missing)


def get_worst_alert(alerts: Iterable[SafetyAlert]) -> SafetyAlert | None:
    """The alert of the highest tier, the first of its equals; None of nothing."""
    return min(alerts, key=lambda alert: TIERS.index(alert.tier), default=None)
