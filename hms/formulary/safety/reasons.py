"""Reasons to give a medicine all the same: which findings ask for one, and whether it was given. Each has its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2s
from typing import NamedTuple, Protocol

from flask_babel import lazy_gettext as _l

from hms.core.errors import RuleBroken
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_, Sentence

from .alerts import CheckResult, is_serious

OVERRIDE_REASONS: dict[str, str] = {
    "benefit_outweighs": _l("The benefit outweighs the risk"),
    "tolerated_before": _l("Taken before without harm"),
    "allergy_record_wrong": _l("The allergy record is wrong"),
    "no_alternative": _l("There is no alternative"),
    "checked_by_hand": _l("Checked in a reference work"),
    "other": _l("Other reason (enter it)"),
}
FIELD = "override_reason"
MIN_REASON_LENGTH = 5
MAX_REASON_LENGTH = 500
STOP, SERIOUS, NOT_CHECKED = "stop", "serious", "not_checked"
_ASKS = {
    STOP: N_("%(finding)s Say why it is given all the same, or do not prescribe it."),
    SERIOUS: N_("%(finding)s Say why it is given all the same."),
    NOT_CHECKED: N_("%(finding)s This could not be checked. Check it yourself, then say why it is given all the same."),
}


class Reason(NamedTuple):
    """A reason: `code` is a key of `OVERRIDE_REASONS`, `text` explains it."""

    code: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A finding that needs a reason: a stop at once, a serious one and what could not be checked before signing.

    `key` names it in forms, in the API and beside the stored reason. It is made of the words, so that a finding with other
    words (a higher dose, another allergy) is another question. `rule`, `tier` and `line` are those of its alert.
    """

    kind: str
    message: Sentence | str
    rule: str = ""
    tier: str = ""
    line: str = ""

    @property
    def key(self) -> str:
        return question_key(self.kind, str(self.message))


def question_key(kind: str, message: str) -> str:
    """The key of the question that a finding of this kind with these English words asks."""
    return blake2s(f"{kind} {message}".encode(), digest_size=6).hexdigest()


class Finding(Protocol):
    """An alert of the checks, new or stored with a prescription."""

    @property
    def rule(self) -> str: ...

    @property
    def tier(self) -> str: ...

    @property
    def message(self) -> Sentence | str: ...

    @property
    def line(self) -> str: ...


def list_questions(checks: Iterable[CheckResult]) -> list[Question]:
    """The questions of checks that were made now, see `questions_about`."""
    checks = tuple(checks)
    alerts = [alert for check in checks for alert in check.alerts]
    return questions_about(alerts, [check.missing for check in checks if check.missing and check.needs_reason])


def questions_about(alerts: Sequence[Finding], gaps: Iterable[Sentence | str]) -> list[Question]:
    """What needs a reason, each once: stops, then serious findings, then the `gaps` that could not be checked."""
    found = [_question(STOP, alert) for alert in alerts if alert.tier == STOP]
    found += [_question(SERIOUS, alert) for alert in alerts if is_serious(alert.rule, alert.tier)]
    found += [Question(NOT_CHECKED, gap) for gap in gaps]
    return list({question.key: question for question in found}.values())


def _question(kind: str, alert: Finding) -> Question:
    return Question(kind, alert.message, alert.rule, alert.tier, alert.line)


def key_of_alert(alert: Finding) -> str:
    """The key of an alert: that of its question, also where it asks none."""
    return question_key(STOP if alert.tier == STOP else SERIOUS, str(alert.message))


def check_reasons(questions: Iterable[Question], reasons: Mapping[str, Reason]) -> dict[str, Reason]:
    """The cleaned reason of each question by its key. Raises `ReasonMissing` on `override_reason` at the first question
    without one, and `RuleBroken` for the reason "other" without a text of at least five characters."""
    asked = tuple(questions)
    missing = [question for question in asked if not is_reason(reasons.get(question.key))]
    if missing:
        raise ReasonMissing(missing)
    return {question.key: _clean_reason(reasons[question.key]) for question in asked}


def is_reason(reason: Reason | None) -> bool:
    """Whether a reason was chosen."""
    return reason is not None and reason.code in OVERRIDE_REASONS


class ReasonMissing(RuleBroken):
    """Findings have no reason; the API's answer names each with its key."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self.questions, first = tuple(questions), questions[0]
        code = None if first.kind == STOP else first.kind
        super().__init__(_ASKS[first.kind], FIELD, code=code, finding=first.message)
        self.details = {
            "questions": [
                {"key": question.key, "kind": question.kind, "message": question.message} for question in questions
            ]
        }


def _clean_reason(reason: Reason) -> Reason:
    cleaned = Reason(reason.code, clean_field(reason.text, FIELD, longest=MAX_REASON_LENGTH, multiline=True))
    if not is_explained(cleaned):
        raise RuleBroken(N_("Enter a reason of at least 5 characters."), FIELD, code="no_explanation")
    return cleaned


def is_explained(reason: Reason) -> bool:
    """Whether the reason says enough: "other" needs words."""
    return reason.code != "other" or len(reason.text) >= MIN_REASON_LENGTH
