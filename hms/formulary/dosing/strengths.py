"""Amounts and strengths of medicines, with units that are safe to print (ISMP list of error-prone abbreviations)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from hms.core.text.formatting import NBSP, quantity

MILLIGRAMS = {"mg": Decimal(1), "g": Decimal(1000), "micrograms": Decimal("0.001")}
MEASURED = (*MILLIGRAMS, "units", "mL", "L")
COUNTED = {
    "tablet": "tablets",
    "capsule": "capsules",
    "sachet": "sachets",
    "puff": "puffs",
    "drop": "drops",
    "spray": "sprays",
    "suppository": "suppositories",
    "pessary": "pessaries",
    "application": "applications",
    "patch": "patches",
    "ampoule": "ampoules",
    "vial": "vials",
    "syringe": "syringes",
    "bag": "bags",
    "bottle": "bottles",
    "tube": "tubes",
    "inhaler": "inhalers",
}
_SINGULAR_OF = {plural: singular for singular, plural in COUNTED.items()} | {singular: singular for singular in COUNTED}
_PART = re.compile(r"([0-9][0-9,]*(?:\.[0-9]+)?) ?([A-Za-z]+)")
_PER = re.compile(r"(?:([0-9]+(?:\.[0-9]+)?) ?)?(mL|L|puff|drop|application)s?")


@dataclass(frozen=True, slots=True)
class Amount:
    """A value with its unit, such as 500 mg or 2 tablets; the unit is one of `MEASURED` and `COUNTED`."""

    value: Decimal
    unit: str

    def __str__(self) -> str:
        return format_amount(self.value, self.unit)

    @property
    def milligrams(self) -> Decimal | None:
        factor = MILLIGRAMS.get(self.unit)
        return None if factor is None else self.value * factor


@dataclass(frozen=True, slots=True)
class Strength:
    """What a medicine contains: one amount per ingredient, in the formulary's order, in the amount `per`.

    `per` is None for the strength of one tablet, capsule, vial and the like.
    """

    contents: tuple[Amount, ...]
    per: Amount | None


def get_canonical_unit(word: str) -> str | None:
    """The formulary's name of a printed unit ("tablets" -> "tablet"); None for an unknown one."""
    return word if word in MEASURED else _SINGULAR_OF.get(word.lower())


def parse_amount(text: str) -> Amount | None:
    """The amount in a text such as "200 puffs" or "5,000 units"; None for other texts."""
    match = _PART.fullmatch(text.strip())
    unit = get_canonical_unit(match[2]) if match else None
    return Amount(Decimal(match[1].replace(",", "")), unit) if match and unit else None


def parse_strength(text: str) -> Strength | None:
    """The strength in a printed text such as "500 mg", "20 mg/120 mg", "200 mg/40 mg/5 mL" or "100 units/mL".

    None for other strengths, such as "0.9%".
    """
    pieces = text.strip().split("/")
    per = None
    if len(pieces) > 1 and (match := _PER.fullmatch(pieces[-1].strip())):
        per = Amount(Decimal(match[1] or 1), match[2])
        pieces.pop()
    contents = tuple(parse_amount(piece) for piece in pieces)
    if None in contents or any(content.value <= 0 for content in contents) or (per and per.value <= 0):
        return None
    return Strength(contents, per)


def format_amount(value: Decimal, unit: str) -> str:
    """ "1.5 g", "5,000 units", "1 tablet", "half a tablet"; a no-break space keeps number and unit on one line."""
    if unit in COUNTED:
        if value == Decimal("0.5"):
            return f"half{NBSP}{'an' if unit[0] in 'aeiou' else 'a'}{NBSP}{unit}"
        return quantity(value, unit if value == 1 else COUNTED[unit])
    if value == 1 and unit in ("units", "micrograms"):
        return quantity(value, unit[:-1])
    return quantity(value, unit)


def keep_units_together(text: str) -> str:
    """`text` with a no-break space between every number and the unit after it."""
    return re.sub(r"(?<=[0-9]) (?=[A-Za-z%])", NBSP, text)
