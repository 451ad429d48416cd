"""Results of safety checks: alerts in three tiers, and whether the check could run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hms.core.text.translation import N_, Sentence

TIERS = ("stop", "caution", "info")
SERIOUS_RULES = frozenset({"interaction", "kidneys", "illnesses"})
"""The checks of which a caution needs a reason before signing."""


@dataclass(frozen=True, slots=True)
class SafetyAlert:
    """One finding. A "stop" needs a reason at once, a serious finding before signing; others are only shown.

    `line` is the key of the line of the lists from which it comes (`rule_lists.py`), "" when it comes from none.
    """

    tier: str
    rule: str
    message: Sentence
    substances: tuple[str, ...] = ()
    line: str = field(default="", compare=False)

    @property
    def is_stop(self) -> bool:
        return self.tier == "stop"

    @property
    def is_serious(self) -> bool:
        """Whether it may be prescribed with a reason."""
        return is_serious(self.rule, self.tier)


def is_serious(rule: str, tier: str) -> bool:
    """Whether an alert of the check `rule` may be prescribed with a reason."""
    return tier == "caution" and rule in SERIOUS_RULES


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check: `outcome` is fired, could_not_run, not_checked or clear.

    It is clear only when everything was looked up. `unknown` says for what the lists have no line, so that nothing was
    found because nothing was there to be found; without alerts the outcome is then not_checked, which asks for no reason.

    `missing` says what could not be checked, also when other alerts fired; it is shown as prominently as an alert.
    `needs_reason`: knowledge is missing that nobody at the desk can look up (a substance, a maximum), so that signing needs
    a reason. It is False for a fact about the patient that can be asked or measured.
    `looked_up` says what the check compared.
    """

    rule: str
    outcome: str
    alerts: tuple[SafetyAlert, ...] = ()
    missing: Sentence | None = None
    needs_reason: bool = False
    looked_up: Sentence | None = None
    unknown: Sentence | None = None

    @classmethod
    def from_alerts(
        cls,
        rule: str,
        alerts: Iterable[SafetyAlert],
        missing: Sentence | None = None,
        *,
        needs_reason: bool = True,
        looked_up: Sentence | None = None,
        unknown: Sentence | None = None,
    ) -> CheckResult:
        """The result with its outcome: fired when there are alerts, else could_not_run when something is missing, else
        not_checked when something is unknown, else clear."""
        ordered = tuple(sorted(set(alerts), key=lambda alert: (TIERS.index(alert.tier), str(alert.message))))
        outcome = "fired" if ordered else "could_not_run" if missing else "not_checked" if unknown else "clear"
        return cls(rule, outcome, ordered, missing, needs_reason and missing is not None, looked_up, unknown)

    @classmethod
    def not_run(cls, rule: str, missing: Sentence, *, needs_reason: bool = True) -> CheckResult:
        return cls(rule, "could_not_run", (), missing, needs_reason)


NO_RULES = Sentence(
    N_("No safety check ran, because the files of the safety rules cannot be read. Check everything yourself.")
)


def get_worst_alert(alerts: Iterable[SafetyAlert]) -> SafetyAlert | None:
    """The first alert of the highest tier; None when there is none."""
    return min(alerts, key=lambda alert: TIERS.index(alert.tier), default=None)
