"""What the safety checks said of a prescription, as it is stored with it (`Prescription.checks`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from hms.core.text.translation import N_
from hms.formulary.medicines import catalogue
from hms.formulary.safety.alerts import CheckResult, is_serious_interaction
from hms.formulary.safety.checks import OVERRIDE_REASONS


class StoredAlert(NamedTuple):
    """An alert of a check: `rule` is the check, `tier` stop, caution or info."""

    rule: str
    tier: str
    message: str


def checks_to_json(checks: Iterable[CheckResult]) -> dict[str, Any]:
    """The checks as stored in `Prescription.checks`, with the version of the safety rules."""
    return {
        "version": catalogue.load_knowledge().version,
        "checks": [
            {
                "rule": check.rule,
                "outcome": check.outcome,
                "missing": str(check.missing or ""),
                "needs_reason": check.needs_reason,
                "looked_up": str(check.looked_up or ""),
                "unknown": str(check.unknown or ""),
                "alerts": [{"tier": alert.tier, "message": str(alert.message)} for alert in check.alerts],
            }
            for check in checks
        ],
    }


ELSEWHERE = N_("This medicine was prescribed elsewhere. Nothing was checked here when it was recorded.")


def describe_gaps(row: Any) -> list[str]:
    """What could not be checked of a prescription; everything, when it came from elsewhere."""
    checks = StoredChecks.of(row.checks)
    return [ELSEWHERE] if not checks.checks and row.external_id is not None else checks.missing


def describe_reason(row: Any) -> str:
    """The prescriber's reason to prescribe in spite of the checks, as chosen and as explained; "" without one."""
    chosen = OVERRIDE_REASONS.get(row.override_code, row.override_code)
    return ": ".join(str(part) for part in (chosen, row.override_reason) if part)


@dataclass(frozen=True)
class StoredChecks:
    """The checks of one prescription, with the `version` of the lists; none of one that was prescribed elsewhere."""

    checks: tuple[dict[str, Any], ...] = ()
    version: str = ""

    @classmethod
    def of(cls, stored: dict[str, Any] | None) -> StoredChecks:
        """From `Prescription.checks`; a check of an earlier version has fewer fields."""
        known = stored or {}
        return cls(tuple(known.get("checks", ())), known.get("version", ""))

    def without(self, rule: str) -> StoredChecks:
        """The other checks."""
        return replace(self, checks=tuple(check for check in self.checks if check["rule"] != rule))

    @property
    def alerts(self) -> list[StoredAlert]:
        return [
            StoredAlert(check["rule"], alert["tier"], alert["message"])
            for check in self.checks
            for alert in check["alerts"]
        ]

    @property
    def serious(self) -> list[str]:
        """The interactions that need a reason before signing."""
        return [alert.message for alert in self.alerts if is_serious_interaction(alert.rule, alert.tier)]

    @property
    def missing(self) -> list[str]:
        """What could not be checked."""
        return self._texts("missing")

    @property
    def looked_up(self) -> list[str]:
        """What was compared with the lists."""
        return self._texts("looked_up")

    @property
    def unknown(self) -> list[str]:
        """For what the lists had no line: it is not known to be safe."""
        return self._texts("unknown")

    @property
    def needs_reason(self) -> bool:
        """Whether a reason was needed before signing."""
        return any(check.get("needs_reason") for check in self.checks)

    def _texts(self, name: str) -> list[str]:
        """The texts of a field, each once."""
        return list(dict.fromkeys(check[name] for check in self.checks if check.get(name)))
