"""The prescriber's reasons to give a medicine all the same, as they come with an order and are stored with the line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from hms.core.errors import NotAllowed
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.formulary.safety.alerts import CheckResult
from hms.formulary.safety.reasons import STOP, Question, Reason, check_reasons, list_questions

NO_REASONS: Mapping[str, Reason] = MappingProxyType({})
WITHOUT_REASON: dict[str, Any] = {"override_code": "", "override_reason": "", "reasons": {}}
"""The columns of a line for which no reason is needed."""


@dataclass(frozen=True)
class GivenReasons:
    """The reasons to prescribe despite stops and serious findings, and although something could not be checked.

    `own` are by the keys of the questions; `for_all` is for those without one of their own, of stops only when it
    `answers_stops`. Of a draft only a stop needs a reason at once, the others at the signature; `is_signed` lines are active
    at once and need all now.
    """

    own: Mapping[str, Reason]
    for_all: Reason = Reason("")
    is_signed: bool = False
    answers_stops: bool = True

    def reason_for(self, question: Question) -> Reason:
        """The reason of one question; without a code when there is none."""
        own = self.own.get(question.key)
        if own is not None and own.code:
            return own
        return self.for_all if question.kind != STOP or self.answers_stops else Reason("")

    def columns(self, checks: Iterable[CheckResult], by: Person) -> dict[str, Any]:
        """The columns of the line with its reasons; empty when no reason is needed. Raises `ReasonMissing`, and `NotAllowed`
        when `by` may not override alerts."""
        questions = list_questions(checks)
        reasons = {question.key: self.reason_for(question) for question in questions}
        asked = [each for each in questions if each.kind == STOP or self.is_signed or reasons[each.key].code]
        answers = check_reasons(asked, reasons)
        if not answers:
            return {}
        if not by.may(Permission.OVERRIDE_ALERT):
            raise NotAllowed(asked[0].message)
        first = answers[asked[0].key]
        stored = {key: reason._asdict() for key, reason in answers.items()}
        return {"override_code": first.code, "override_reason": first.text, "reasons": stored}


def read_given(payload: Mapping[str, Any]) -> dict[str, Reason]:
    """The reasons in the body of a request, by their keys."""
    return {each["key"]: Reason(each["code"], each.get("text", "")) for each in payload.get("reasons", ())}


def read_reasons(stored: Mapping[str, Mapping[str, str]]) -> dict[str, Reason]:
    """The reasons in the column `Prescription.reasons`."""
    return {key: Reason(reason["code"], reason["text"]) for key, reason in stored.items()}
