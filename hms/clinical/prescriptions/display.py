"""Prescription lines as pages show them: the dose sentence, the supply, what the checks said."""

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
from hms.formulary.safety.checks import OVERRIDE_REASONS

from . import patient_context

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
    """One order. `alerts` are (tier, message) that fired, `gaps` what the checks could not see."""

    id: int
    encounter_id: int | None
    medication_id: int | None
    parts: tuple[SentencePart, ...]
    supply: str
    instructions: str
    status: str
    status_reason: str
    since: datetime | None
    alerts: tuple[tuple[str, str], ...]
    gaps: tuple[str, ...]
    override: str
    is_in_formulary: bool

    @property
    def status_words(self) -> str:
        return STATUS_WORDS.get(self.status, self.status)

    @property
    def is_open(self) -> bool:
        """Whether the pharmacy may still give some of it."""
        return self.status in ("active", "on_hold", "part_dispensed")

    @property
    def look(self) -> str:
        return STATUS_LOOKS.get(self.status, "neutral")


def to_lines(orders: Iterable[Any]) -> list[Line]:
    """The lines of `orders`, in their order, with one query for all their medicines."""
    orders = list(orders)
    products = formulary.get_medications_by_id(one.medication_id for one in orders if one.medication_id)
    return [_line(one, products.get(one.medication_id)) for one in orders]


def _line(one: Any, product: Any | None) -> Line:
    checks = (one.checks or {}).get("checks", [])
    alerts = [(alert["tier"], alert["message"]) for check in checks for alert in check["alerts"]]
    reason = OVERRIDE_REASONS.get(one.override_code, one.override_code)
    return Line(
        id=one.id,
        encounter_id=one.encounter_id,
        medication_id=one.medication_id,
        parts=_parts(one, product),
        supply=_supply(one, product),
        instructions=one.instructions,
        status=one.status,
        status_reason=one.status_reason,
        since=one.signed_at or one.authored_at or one.created_at,
        alerts=tuple(sorted(alerts, key=lambda alert: ("stop", "caution", "info").index(alert[0]))),
        gaps=tuple(dict.fromkeys(check["missing"] for check in checks if check["missing"])),
        override=": ".join(str(part) for part in (reason, one.override_reason) if part),
        is_in_formulary=product is not None or one.external_id is not None,
    )


def _parts(one: Any, product: Any | None) -> tuple[SentencePart, ...]:
    dose = patient_context.dose_of(one)
    if product is not None and dose is not None:
        return product_text.build_dose_sentence(product, dose)
    parts = [
        SentencePart("name", product_text.shown_name(product) if product is not None else one.medication_name, ""),
        SentencePart("form", product_text.form_strength(product) if product is not None else "", " "),
        SentencePart("amount", one.dosage, " — DOSE "),
        SentencePart("frequency", one.frequency, " — "),
        SentencePart("duration", one.duration, " — "),
    ]
    return tuple(part for part in parts if part.text)


def _supply(one: Any, product: Any | None) -> str:
    if one.quantity is None:
        return ""
    unit = product.unit if product is not None else ""
    return format_amount(one.quantity, unit) if unit else str(one.quantity)
