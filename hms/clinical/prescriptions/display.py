"""Prescription lines as pages show them: dose sentence, supply, alerts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l

from hms.formulary.dosing import product_text
from hms.formulary.dosing.doses import SentencePart
from hms.formulary.dosing.strengths import format_amount
from hms.formulary.medicines import queries as formulary
from hms.formulary.safety.reasons import Question

from . import patient_context
from .stored_checks import Answered, StoredChecks, describe_gaps, list_answered

STATUS_WORDS = {
    "draft": _l("Draft"),
    "active": _l("Active"),
    "on_hold": _l("On hold"),
    "stopped": _l("Stopped"),
    "completed": _l("Dispensed"),
    "part_dispensed": _l("Owing"),
}
STATUS_LOOKS = {
    "draft": "neutral",
    "active": "info",
    "on_hold": "paused",
    "stopped": "stop",
    "completed": "done",
    "part_dispensed": "caution",
}


@dataclass(frozen=True)
class Line:
    """One prescription. `alerts` are (tier, message, reason) of the checks, `gaps` (message, reason) what they could not
    check, `looked_up` what they compared with the rules of `version`, `unknown` that for which these have no line. A reason
    is "" when none was given. `answered` are the findings that need a reason."""

    id: int
    encounter_id: int | None
    medication_id: int | None
    parts: tuple[SentencePart, ...]
    supply: str
    instructions: str
    indication: str
    status: str
    status_reason: str
    since: datetime | None
    alerts: tuple[tuple[str, str, str], ...]
    gaps: tuple[tuple[str, str], ...]
    looked_up: tuple[str, ...]
    unknown: tuple[str, ...]
    answered: tuple[Answered, ...]
    version: str
    is_in_formulary: bool

    @property
    def status_words(self) -> str:
        return STATUS_WORDS.get(self.status, self.status)

    @property
    def open_questions(self) -> list[Question]:
        """The findings that need a reason before signing and have none."""
        return [Question(each.kind, each.message) for each in self.answered if not each.code]

    @property
    def is_open(self) -> bool:
        """Whether the pharmacy may still dispense some of it."""
        return self.status in ("active", "on_hold", "part_dispensed")

    @property
    def look(self) -> str:
        return STATUS_LOOKS.get(self.status, "neutral")


def to_lines(rows: Iterable[Any]) -> list[Line]:
    """The display lines of prescriptions, in the same order; one query for all medicines."""
    rows = list(rows)
    products = formulary.get_medications_by_id(row.medication_id for row in rows if row.medication_id)
    return [_line(row, products.get(row.medication_id)) for row in rows]


def _line(row: Any, product: Any | None) -> Line:
    checks = StoredChecks.of(row.checks)
    answered = list_answered(row)
    reasons = {each.message: each.reason for each in answered}
    alerts = [(alert.tier, alert.message, reasons.get(alert.message, "")) for alert in checks.alerts]
    return Line(
        id=row.id,
        encounter_id=row.encounter_id,
        medication_id=row.medication_id,
        parts=_parts(row, product),
        supply=_supply(row, product),
        instructions=row.instructions,
        indication=row.indication,
        status=row.status,
        status_reason=row.status_reason,
        since=row.signed_at or row.authored_at or row.created_at,
        alerts=tuple(sorted(alerts, key=lambda alert: ("stop", "caution", "info").index(alert[0]))),
        gaps=tuple((gap, reasons.get(gap, "")) for gap in describe_gaps(row)),
        looked_up=tuple(checks.looked_up),
        unknown=tuple(checks.unknown),
        answered=tuple(answered),
        version=checks.version,
        is_in_formulary=product is not None or row.external_id is not None,
    )


def _parts(row: Any, product: Any | None) -> tuple[SentencePart, ...]:
    dose = patient_context.dose_of(row)
    if product is not None and dose is not None:
        return product_text.build_dose_sentence(product, dose)
    parts = [
        SentencePart("name", product_text.shown_name(product) if product is not None else row.medication_name, ""),
        SentencePart("form", product_text.form_strength(product) if product is not None else "", " "),
        SentencePart("amount", row.dosage, " — DOSE "),
        SentencePart("frequency", row.frequency, " — "),
        SentencePart("duration", row.duration, " — "),
    ]
    return tuple(part for part in parts if part.text)


def _supply(row: Any, product: Any | None) -> str:
    if row.supply_text:
        return row.supply_text
    if row.quantity is None:
        return ""
    unit = product.unit if product is not None else ""
    return format_amount(row.quantity, unit) if unit else str(row.quantity)
