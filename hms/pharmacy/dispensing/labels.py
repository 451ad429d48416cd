"""The text of a prescription: the dose sentence for staff, and the directions on the patient's label."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_, Sentence
from hms.formulary.dosing import product_text
from hms.formulary.dosing.doses import Dose, SentencePart, format_duration, format_frequency
from hms.formulary.dosing.quantities import convert_to_unit
from hms.formulary.dosing.strengths import format_amount

DOSE_LEAD = " — DOSE "
# Directions for the patient by route; "%(amount)s" is for example "2 tablets".
VERBS: dict[str, str] = {
    "oral": N_("Take %(amount)s by mouth"),
    "sublingual": N_("Put %(amount)s under the tongue"),
    "buccal": N_("Put %(amount)s inside the cheek"),
    "rectal": N_("Put %(amount)s into the back passage"),
    "vaginal": N_("Put %(amount)s into the vagina"),
    "topical": N_("Put %(amount)s on the skin"),
    "inhaled": N_("Breathe in %(amount)s"),
    "nebulised": N_("Breathe in %(amount)s with the nebuliser"),
    "eye": N_("Put %(amount)s into the eye"),
    "ear": N_("Put %(amount)s into the ear"),
    "nasal": N_("Put %(amount)s into the nose"),
}
COUNTABLE_UNITS = ("tablet", "capsule", "sachet", "mL")
OTHER_ROUTE = N_("Use %(amount)s as you were shown")


def dose_of(line: Any) -> Dose | None:
    """The dose of a line; None when it was written as text only."""
    if line.dose_amount is None:
        return None
    try:
        return Dose.from_frequency(
            line.dose_amount.normalize() + 0,
            line.dose_unit,
            line.route,
            line.frequency_code,
            as_needed=line.as_needed,
            max_per_day=line.max_per_day.normalize() + 0 if line.max_per_day is not None else None,
            days=line.days,
        )
    except RuleBroken:
        return None


def parts_of(line: Any, medicine: Any | None) -> tuple[SentencePart, ...]:
    """The parts of the dose sentence "**amoxicillin** 500 mg capsule — DOSE **500 mg** — oral — three times a day — 7 days"."""
    dose = dose_of(line)
    if dose is not None and medicine is not None:
        return product_text.build_dose_sentence(medicine, dose)
    parts = [
        SentencePart("name", product_text.shown_name(medicine) if medicine else line.medication_name, ""),
        SentencePart("form", product_text.form_strength(medicine) if medicine else "", " "),
        SentencePart("amount", line.dosage, DOSE_LEAD),
        SentencePart("frequency", line.frequency, " — "),
        SentencePart("duration", line.duration, " — "),
    ]
    return tuple(part for part in parts if part.text)


def directions(line: Any, medicine: Any) -> str:
    """The directions on the label: "Take 2 tablets by mouth three times a day for 7 days."."""
    dose = dose_of(line)
    if dose is None:
        return ", ".join(part for part in (line.dosage, line.frequency, line.duration) if part) + "."
    dose = _in_countable_units(dose, medicine)
    amount = format_amount(dose.amount, dose.unit)
    words = [str(Sentence(VERBS.get(dose.route, OTHER_ROUTE), amount=amount)), format_frequency(dose)]
    if dose.days:
        words.append(str(Sentence(N_("for %(days)s"), days=format_duration(dose.days))))
    return " ".join(word for word in words if word) + "."


def _in_countable_units(dose: Dose, medicine: Any) -> Dose:
    """The dose in tablets, mL or the like when that is a whole or half number; else unchanged."""
    for unit in (medicine.unit, "mL"):
        count = convert_to_unit(dose, medicine.strength, unit) if unit in COUNTABLE_UNITS else None
        if count is not None and (count * 2) % 1 == 0:
            maximum = None if dose.max_per_day is None else dose.max_per_day * count / dose.amount
            schedule = {"as_needed": dose.as_needed, "max_per_day": maximum, "days": dose.days}
            return Dose.from_frequency(
                Decimal(count).normalize() + 0, unit, dose.route, dose.frequency_code, **schedule
            )
    return dose
