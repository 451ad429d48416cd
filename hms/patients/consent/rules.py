"""Rules of consent: what is stored of a text and of a decision."""

from __future__ import annotations

from datetime import date
from typing import Any

from hms.core.errors import RuleBroken
from hms.core.text.cleaning import clean_field, clean_name
from hms.core.text.translation import N_
from hms.patients.enums import ConsentStatus, DecidedBy, Relation

MAX_NAME_LENGTH = 100
MAX_TITLE_LENGTH = 150
MAX_BODY_LENGTH = 20_000
MAX_REASON_LENGTH = 255
DECISIONS = (ConsentStatus.GIVEN, ConsentStatus.REFUSED)


def clean_kind(name: str) -> str:
    """The name of a kind of consent."""
    cleaned = clean_name(name, "name", longest=MAX_NAME_LENGTH)
    if not cleaned:
        raise RuleBroken(N_("Enter the name."), "name")
    return cleaned


def clean_text(title: str, body: str) -> tuple[str, str]:
    """Title and body of a text; `RuleBroken` when one is blank."""
    title = clean_field(title, "title", longest=MAX_TITLE_LENGTH)
    body = clean_field(body, "body", longest=MAX_BODY_LENGTH, multiline=True)
    for field, value in (("title", title), ("body", body)):
        if not value.strip():
            raise RuleBroken(N_("Enter a title and a text."), field)
    return title, body


def clean_decision(
    decision: str, decided_on: date, decided_by: str, guardian_name: str, guardian_relation: str, *, today: date
) -> dict[str, Any]:
    """The columns of a decision; `RuleBroken` names the field."""
    if decision not in DECISIONS:
        raise RuleBroken(N_("Choose whether the consent is given or refused."), "decision")
    if decided_by not in set(DecidedBy):
        raise RuleBroken(N_("Choose who decided."), "decided_by")
    check_day(decided_on, "decided_on", today)
    name = clean_name(guardian_name, "guardian_name", longest=MAX_NAME_LENGTH)
    is_guardian = decided_by == DecidedBy.GUARDIAN
    if is_guardian and not name:
        raise RuleBroken(N_("Enter the name of the guardian."), "guardian_name")
    if is_guardian and guardian_relation not in set(Relation):
        raise RuleBroken(N_("Choose the relation."), "guardian_relation")
    guardian = (name, guardian_relation) if is_guardian else ("", "")
    columns = {"status": decision, "decided_on": decided_on, "decided_by": decided_by}
    return columns | {"guardian_name": guardian[0], "guardian_relation": guardian[1]}


def check_day(day: date, field: str, today: date, *, earliest: date = date(1900, 1, 1)) -> None:
    """Raise `RuleBroken` for a day to come, or one before `earliest`."""
    if day > today:
        raise RuleBroken(N_("The date is in the future. Check the date."), field)
    if day < earliest:
        raise RuleBroken(N_("The date is too early. Check the date."), field)
