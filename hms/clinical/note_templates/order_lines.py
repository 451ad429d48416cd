"""The lines of an order set: "paracetamol 500 mg tablet: 1 g qds 3/7", one medicine each, the dose as doctors type it.

A line without a dose means the usual dose for the patient's age and weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_, Sentence
from hms.formulary.dosing.doses import Dose
from hms.formulary.dosing.instructions import split_instructions
from hms.formulary.dosing.routes import check_counted_unit
from hms.formulary.dosing.shorthand import parse_shorthand
from hms.formulary.medicines import queries as formulary

MAX_LINES = 20
SEPARATOR = ": "


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A medicine of the formulary with its dose; `dose` is None for the usual one."""

    product: Any
    dose: Dose | None
    instructions: str


def check_lines(content: str) -> None:
    """Raise `RuleBroken` on `content` unless every line is a medicine of the formulary with a dose that can be read."""
    lines = split_lines(content)
    if len(lines) > MAX_LINES:
        raise RuleBroken(N_("An order set has at most %(count)s lines."), "content", count=MAX_LINES)
    for number, line in enumerate(lines, 1):
        try:
            read_line(line)
        except RuleBroken as refusal:
            message = N_("Line %(number)s: %(problem)s")
            raise RuleBroken(message, "content", number=number, problem=refusal.sentence) from refusal


def split_lines(content: str) -> list[str]:
    """The lines with text."""
    return [line.strip() for line in content.splitlines() if line.strip()]


def read_line(line: str) -> OrderLine:
    """The medicine and the dose of a line. Raises `RuleBroken` when the medicine is not in the formulary (any more) or the
    dose cannot be read."""
    name, _separator, typed = line.partition(SEPARATOR)
    product = formulary.find_medication_by_text(name.removesuffix(":").strip())
    if product is None:
        raise RuleBroken(
            N_("“%(name)s” is not in the formulary. Write its whole name with strength and form."), name=name
        )
    if not typed.strip():
        return OrderLine(product, None, "")
    text, instructions = split_instructions(typed)
    dose = parse_shorthand(text, default_route=product.route, default_unit=product.unit)
    check_counted_unit(product, dose.unit)
    return OrderLine(product, dose, instructions)


def describe_refusal(line: str, refusal: RuleBroken) -> Sentence:
    """Why a line was not ordered."""
    return Sentence(N_("%(what)s was not added. %(why)s"), what=line, why=refusal.sentence)
