"""What the safety checks said of a prescription, as it is stored with it (`Prescription.checks`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from hms.core.text.translation import N_
from hms.formulary.rule_book import current_rules
from hms.formulary.safety.alerts import CheckResult, SafetyAlert
from hms.formulary.safety.reasons import OVERRIDE_REASONS, Question, key_of_alert, questions_about


class StoredAlert(NamedTuple):
    """An alert of a check: `rule` is the check, `tier` stop, caution or info, `line` the key of its line in the lists."""

    rule: str
    tier: str
    message: str
    line: str = ""


def checks_to_json(checks: Iterable[CheckResult]) -> dict[str, Any]:
    """The checks as stored in `Prescription.checks`, with the version of the safety rules."""
    return {
        "version": current_rules.load_knowledge().version,
        "checks": [
            {
                "rule": check.rule,
                "outcome": check.outcome,
                "missing": str(check.missing or ""),
                "needs_reason": check.needs_reason,
                "looked_up": str(check.looked_up or ""),
                "unknown": str(check.unknown or ""),
                "alerts": [_alert_to_json(alert) for alert in check.alerts],
            }
            for check in checks
        ],
    }


def _alert_to_json(alert: SafetyAlert) -> dict[str, str]:
    return {"tier": alert.tier, "message": str(alert.message), "line": alert.line, "key": key_of_alert(alert)}


ELSEWHERE = N_("This medicine was prescribed elsewhere. Nothing was checked here when it was recorded.")


def describe_gaps(row: Any) -> list[str]:
    """What could not be checked of a prescription; everything, when it came from elsewhere."""
    checks = StoredChecks.of(row.checks)
    return [ELSEWHERE] if not checks.checks and row.external_id is not None else checks.missing


class Answered(NamedTuple):
    """A finding that needs a reason, with the reason; "" when it has none yet."""

    key: str
    kind: str
    message: str
    code: str
    text: str

    @property
    def reason(self) -> str:
        return describe(self.code, self.text)


def describe(code: str, explanation: str) -> str:
    """A reason as it was chosen and explained; "" without one."""
    chosen = OVERRIDE_REASONS.get(code, code)
    return ": ".join(str(part) for part in (chosen, explanation) if part)


def list_answered(row: Any) -> list[Answered]:
    """The findings of a prescription that need a reason, with their reasons. A line from before findings had reasons of
    their own has one for all."""
    own, for_all = row.reasons or {}, {"code": row.override_code, "text": row.override_reason}
    return [
        Answered(question.key, question.kind, str(question.message), reason["code"], reason["text"])
        for question in StoredChecks.of(row.checks).questions
        for reason in [own.get(question.key) or ({"code": "", "text": ""} if own else for_all)]
    ]


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
            StoredAlert(check["rule"], alert["tier"], alert["message"], alert.get("line", ""))
            for check in self.checks
            for alert in check["alerts"]
        ]

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
    def questions(self) -> list[Question]:
        """What needs a reason, each once: stops at once, the others before signing."""
        gaps = [check["missing"] for check in self.checks if check.get("needs_reason") and check.get("missing")]
        return questions_about(self.alerts, gaps)

    def _texts(self, name: str) -> list[str]:
        """The texts of a field, each once."""
        return list(dict.fromkeys(check[name] for check in self.checks if check.get(name)))
