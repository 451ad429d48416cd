"""What a line of the lists of rules may hold. Plain Python; raises `RuleBroken` at the column."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from hms.core.errors import Conflict, RuleBroken
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_
from hms.formulary.dosing.doses import ROUTES
from hms.formulary.safety.knowledge import CLASS_PREFIX
from hms.formulary.safety.rule_lists import LISTS, Cell, CellKind, Cells, RuleList, split

MAX_CELL = 2000
MAX_REASON = 500
MAX_NUMBER = Decimal(1_000_000)
_NUMBER = re.compile(r"[0-9]{1,7}(\.[0-9]{1,3})?", re.ASCII)
_CODE = re.compile(r"[a-z0-9_]{2,40}", re.ASCII)
_ADDRESS = re.compile(r"https?://[^\s/]+\.[^\s]+")
_WITH_ANY = frozenset({"kidney", "illnesses"})
"""The lists of which the route may be "any"."""
Rows = Mapping[str, Sequence[tuple[str, Cells]]]
"""The lines of all lists by list, each with its key."""


@dataclass(frozen=True)
class Names:
    """What lines may name: substances, families and groups."""

    rows: Rows

    def _of(self, name: str, column: str) -> frozenset[str]:
        return frozenset(cells[column] for _key, cells in self.rows[name])

    @cached_property
    def substances(self) -> frozenset[str]:
        return self._of("substances", "name")

    @cached_property
    def allergy_classes(self) -> frozenset[str]:
        return self._of("allergy_classes", "code")

    @cached_property
    def families(self) -> frozenset[str]:
        return self.allergy_classes | self._of("interaction_families", "code")

    @cached_property
    def groups(self) -> frozenset[str]:
        return self._of("medicine_groups", "code")

    def is_side(self, text: str) -> bool:
        """Whether a rule may call a medicine so."""
        return (
            text in self.substances
            or text.removeprefix(CLASS_PREFIX) in self.families
            and text.startswith(CLASS_PREFIX)
        )

    def find_unknown(self, cell: Cell, text: str) -> str:
        """The first name in a cell that is in no list; "" when all are known."""
        known = {
            CellKind.SUBSTANCE: self.substances.__contains__,
            CellKind.SUBSTANCES: self.substances.__contains__,
            CellKind.SIDE: self.is_side,
            CellKind.SIDES: self.is_side,
            CellKind.CLASS: self.allergy_classes.__contains__,
            CellKind.GROUP: self.groups.__contains__,
            CellKind.GROUPS: self.groups.__contains__,
        }.get(cell.kind)
        if cell.kind is CellKind.PAIRS:
            return next((part for pair in split(text) for part in pair.split("+") if not self.is_side(part)), "")
        return "" if known is None else next((part for part in split(text) if not known(part)), "")


def clean_line(rule_list: RuleList, typed: Mapping[str, str], names: Names) -> dict[str, str]:
    """The cells of a line, cleaned, in the order of the columns; raises `RuleBroken` at the first wrong one."""
    unknown = next((name for name in typed if name not in rule_list.columns), None)
    if unknown is not None:
        raise RuleBroken(N_("This list has no column “%(column)s”."), unknown, column=unknown)
    cells = {cell.name: _clean_cell(rule_list, cell, typed.get(cell.name, ""), names) for cell in rule_list.cells}
    _check_whole(rule_list, cells)
    return cells


def _clean_cell(rule_list: RuleList, cell: Cell, typed: str, names: Names) -> str:
    text = clean_field(typed, cell.name, longest=MAX_CELL)
    if not text:
        if cell.is_needed:
            raise RuleBroken(N_("Fill in this field."), cell.name)
        return ""
    if cell.kind in (
        CellKind.SIDES,
        CellKind.SUBSTANCES,
        CellKind.GROUPS,
        CellKind.WORDS,
        CellKind.ROUTES,
        CellKind.PAIRS,
    ):
        text = ";".join(split(text))
    _check_format(rule_list, cell, text)
    wrong = names.find_unknown(cell, text)
    if wrong:
        raise RuleBroken(N_("“%(name)s” is in no list. Check the spelling, or add it first."), cell.name, name=wrong)
    return text


def _check_format(rule_list: RuleList, cell: Cell, text: str) -> None:
    if cell.kind is CellKind.CHOICE and text not in cell.choices:
        raise RuleBroken(
            N_("Choose one of these: %(choices)s."), cell.name, choices=", ".join(filter(None, cell.choices))
        )
    if cell.kind is CellKind.NUMBER and not (_NUMBER.fullmatch(text) and Decimal(text) <= MAX_NUMBER):
        raise RuleBroken(N_("Enter a number with a decimal point, for example 2.5."), cell.name)
    if cell.kind is CellKind.CODE and not _CODE.fullmatch(text):
        raise RuleBroken(N_("Enter a code of small letters, digits and underscores."), cell.name)
    if cell.kind is CellKind.ADDRESS and not _ADDRESS.fullmatch(text):
        raise RuleBroken(N_("Enter an address that begins with https:// or http://."), cell.name)
    if cell.kind is CellKind.ROUTES:
        known = ROUTES.keys() | ({"any"} if rule_list.name in _WITH_ANY else set())
        wrong = next((route for route in split(text) if route not in known), "")
        if wrong:
            raise RuleBroken(
                N_("“%(name)s” is no route. Use: %(known)s."), cell.name, name=wrong, known=", ".join(known)
            )


def _check_whole(rule_list: RuleList, cells: Cells) -> None:
    """What several cells of a line must say together."""
    if rule_list.name == "dose_limits":
        if not (cells["most"] or cells["most_per_kg"]):
            raise RuleBroken(N_("Enter the most, or the most per kg."), "most")
        if cells["over_days"] and not cells["over_days"].isdigit():
            raise RuleBroken(N_("Enter a whole number."), "over_days")
        if cells["kind"] == "course" and not cells["over_days"]:
            raise RuleBroken(N_("Enter for how many days the course lasts at least."), "over_days")
    if rule_list.name == "combinations" and len(split(cells["parts"])) < 3:
        raise RuleBroken(N_("A combination has three medicines or more."), "parts")
    if rule_list.name == "illnesses" and not (cells["codes"] or cells["words"]):
        raise RuleBroken(N_("Enter the beginnings of codes, or words."), "codes")
    if rule_list.name == "high_alert" and not (cells["substances"] or cells["classes"]):
        raise RuleBroken(N_("Enter substances or families."), "substances")
    if rule_list.name == "allergy_classes" and (cells["is_allergy_class"] == "yes") != bool(cells["same_class_tier"]):
        raise RuleBroken(N_("Choose the severity when allergies go by the group, else none."), "same_class_tier")
    if rule_list.has("address") and cells["address"] and "to be confirmed" in cells["source"]:
        raise RuleBroken(N_("Enter the document and section that you read at this address."), "source")


def find_dangling(rows: Rows) -> list[tuple[str, str, str]]:
    """Names that lines use and no list has: (key of the line, column, name)."""
    names = Names(rows)
    return [
        (key, cell.name, wrong)
        for name, lines in rows.items()
        for cell in LISTS[name].cells
        for key, cells in lines
        if (wrong := names.find_unknown(cell, cells[cell.name]))
    ]


def check_references(before: Rows, after: Rows) -> None:
    """Raise `RuleBroken` when a change takes away what a line still names."""
    lost = set(find_dangling(after)) - set(find_dangling(before))
    if lost:
        name = min(lost)[2]
        message = N_("Rules still name “%(name)s”. Change or retire them first.")
        raise RuleBroken(message, code="still_named", name=name)


def check_groups(rows: Rows) -> None:
    """Raise `RuleBroken` when a substance is in two groups of one use."""
    seen: dict[str, str] = {}
    for _key, cells in rows["medicine_groups"]:
        for member in split(cells["members"]):
            if seen.setdefault(member, cells["code"]) != cells["code"]:
                raise RuleBroken(N_("“%(name)s” is in two groups. Each substance is in one."), "members", name=member)


def check_undecided(decision: str | None) -> None:
    """Only a waiting proposal is decided; `Conflict` otherwise."""
    if decision is not None:
        raise Conflict(N_("This proposal is already decided. Open it again to see how."), code="decided")


def clean_required(text: str | None, field: str, missing: str) -> str:
    """The text of a field that must not be blank; `RuleBroken` with the sentence `missing` otherwise."""
    cleaned = clean_field(text, field, longest=MAX_REASON, multiline=True)
    if not cleaned:
        raise RuleBroken(missing, field)
    return cleaned
