"""The lists of rules: which columns each has, what names a line, and how lines become the data of the checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from hashlib import blake2s
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from .knowledge import AllergyClass, CrossReaction, Knowledge, MedicineFamily, MedicineGroup, Substance
from .rule_lines import Combination, DoseLimit, HighAlertGroup, IllnessRule, Interaction, KidneyRule

Cells = Mapping[str, str]
"""A line as it is in the file of its list: a text for each column."""


class CellKind(StrEnum):
    """What a cell of a line may hold; "several" are parted by semicolons."""

    TEXT = "text"
    WORDS = "words"
    CODE = "code"
    NUMBER = "number"
    CHOICE = "choice"
    ROUTES = "routes"
    ADDRESS = "address"
    SIDE = "side"
    SIDES = "sides"
    SUBSTANCE = "substance"
    SUBSTANCES = "substances"
    CLASS = "class"
    GROUP = "group"
    GROUPS = "groups"
    PAIRS = "pairs"


@dataclass(frozen=True, slots=True)
class Cell:
    """A column of a list: its name in the file, its label, what it holds, and whether it may be empty."""

    name: str
    label: LazyString
    kind: CellKind = CellKind.TEXT
    is_needed: bool = True
    choices: tuple[str, ...] = ()
    hint: LazyString | str = ""


@dataclass(frozen=True)
class RuleList:
    """A list of rules. `name` is that of its file; `identity` are the columns that together name one line."""

    name: str
    label: LazyString
    cells: tuple[Cell, ...]
    identity: tuple[str, ...]
    read: Callable[[Cells], Any] | None = None
    is_unordered: bool = False
    """Whether the columns of the identity mean the same in each order."""

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(cell.name for cell in self.cells)

    @property
    def labels(self) -> dict[str, LazyString]:
        """The labels of the columns."""
        return {cell.name: cell.label for cell in self.cells}

    def has(self, column: str) -> bool:
        return column in self.columns

    def key_of(self, cells: Cells) -> str:
        """The key of a line, made of its identity: it names the line in addresses, in changes and beside stored alerts."""
        named = [cells[column].strip() for column in self.identity]
        text = "\n".join([self.name, *(sorted(named) if self.is_unordered else named)])
        return blake2s(text.encode(), digest_size=6).hexdigest()


def split(text: str) -> tuple[str, ...]:
    """The parts of a cell with several values."""
    return tuple(part.strip() for part in text.split(";") if part.strip())


def read_decimal(text: str) -> Decimal | None:
    """The number of a cell; None for an empty one."""
    return Decimal(text) if text else None


def _combination(row: Cells) -> Combination:
    covers = frozenset(frozenset(pair.split("+")) for pair in split(row["covers"]))
    texts = (row[name] for name in ("effect", "advice", "source", "address"))
    return Combination(split(row["parts"]), row["tier"], covers, *texts)


def _kidney_rule(row: Cells) -> KidneyRule:
    values = dict(row) | {"below": Decimal(row["below"]), "routes": frozenset(split(row["routes"]))}
    return KidneyRule(**values)  # type: ignore[arg-type]


def _illness_rule(row: Cells) -> IllnessRule:
    lists = {name: frozenset(split(row[name])) for name in ("medicines", "codes", "words", "routes")}
    return IllnessRule(**dict(row) | lists)  # type: ignore[arg-type]


def _high_alert_group(row: Cells) -> HighAlertGroup:
    lists = (frozenset(split(row[name])) for name in ("substances", "classes", "routes"))
    return HighAlertGroup(row["group"], *lists, row["source"])


def _dose_limit(row: Cells) -> DoseLimit:
    return DoseLimit(
        ingredient=row["ingredient"],
        kind=row["kind"],
        routes=frozenset(split(row["routes"])),
        from_years=read_decimal(row["from_years"]),
        below_years=read_decimal(row["below_years"]),
        over_days=int(row["over_days"] or 0),
        unit=row["unit"],
        most=read_decimal(row["most"]),
        most_per_kg=read_decimal(row["most_per_kg"]),
        source=row["source"],
        address=row["address"],
    )


def _allergy_class(row: Cells) -> AllergyClass:
    return AllergyClass(
        code=row["code"],
        name=row["name"],
        members=frozenset(split(row["members"])),
        aliases=split(row["aliases"]),
        is_allergy_class=row["is_allergy_class"] == "yes",
        same_class_tier=row["same_class_tier"],
        watch_duplicates=row["watch_duplicates"] == "yes",
    )


def _family(row: Cells) -> MedicineFamily:
    members = frozenset(split(row["members"]))
    return MedicineFamily(row["code"], row["name"], members, row["watch_duplicates"] == "yes")


def _group(row: Cells) -> MedicineGroup:
    return MedicineGroup(row["code"], row["name"], frozenset(split(row["members"])))


def _substance(row: Cells) -> Substance:
    return Substance(row["name"], split(row["aliases"]), split(row["rxnorm"]))


_TIERS = ("stop", "caution", "info")
_YES_NO = ("yes", "no")
_SEVERAL = _l("Separate several with semicolons.")
_SIDE_HINT = _l("A substance, or “class:” and the code of a family.")
_SIDES_HINT = _l("Substances, or “class:” and codes of families, separated by semicolons.")
_TIER = Cell("tier", _l("Severity"), CellKind.CHOICE, choices=_TIERS)
_EFFECT = Cell("effect", _l("What happens"), hint=_l("A sentence with a full stop."))
_ADVICE = Cell("advice", _l("What to do"), hint=_l("A sentence with a full stop."))
_SOURCE = Cell("source", _l("Source"), hint=_l("Document and section, or “source to be confirmed”."))
_ADDRESS = Cell("address", _l("Address of the source"), CellKind.ADDRESS, is_needed=False)
_ROUTES = Cell("routes", _l("Routes"), CellKind.ROUTES, is_needed=False, hint=_SEVERAL)
_CODE = Cell("code", _l("Code"), CellKind.CODE)
_NAME = Cell("name", _l("Name"))
_MEMBERS = Cell("members", _l("Members"), CellKind.SUBSTANCES, hint=_SEVERAL)
_DUPLICATES = Cell("watch_duplicates", _l("Two members together are a duplicate"), CellKind.CHOICE, choices=_YES_NO)


def _number(name: str, label: LazyString, *, is_needed: bool = False) -> Cell:
    return Cell(name, label, CellKind.NUMBER, is_needed=is_needed)


LISTS = {
    one.name: one
    for one in (
        RuleList(
            "interactions",
            _l("Interactions"),
            (
                Cell("first", _l("First medicine"), CellKind.SIDE, hint=_SIDE_HINT),
                Cell("second", _l("Second medicine"), CellKind.SIDE, hint=_SIDE_HINT),
                _TIER,
                Cell("routes", _l("Routes"), CellKind.CHOICE, is_needed=False, choices=("", "oral", "any")),
                Cell("mechanism", _l("Why")),
                *(_EFFECT, _ADVICE, _SOURCE, _ADDRESS),
            ),
            ("first", "second"),
            lambda row: Interaction(**row),
            is_unordered=True,
        ),
        RuleList(
            "combinations",
            _l("Combinations"),
            (
                Cell("code", _l("Name")),
                Cell("parts", _l("Medicines"), CellKind.SIDES, hint=_SIDES_HINT),
                _TIER,
                Cell("covers", _l("Interactions it replaces"), CellKind.PAIRS, is_needed=False),
                *(_EFFECT, _ADVICE, _SOURCE, _ADDRESS),
            ),
            ("code",),
            _combination,
        ),
        RuleList(
            "dose_limits",
            _l("Dose limits"),
            (
                Cell("ingredient", _l("Substance"), CellKind.SUBSTANCE),
                Cell("kind", _l("Kind"), CellKind.CHOICE, choices=("single", "daily", "weekly", "course")),
                _ROUTES,
                _number("from_years", _l("From years of age")),
                _number("below_years", _l("Below years of age")),
                _number("over_days", _l("In a course longer than days")),
                Cell("unit", _l("Unit"), CellKind.CHOICE, choices=("mg", "units")),
                _number("most", _l("At most")),
                _number("most_per_kg", _l("At most per kg")),
                *(_SOURCE, _ADDRESS),
            ),
            ("ingredient", "kind", "routes", "from_years", "below_years", "over_days", "unit"),
            _dose_limit,
        ),
        RuleList(
            "kidney",
            _l("Kidneys"),
            (
                Cell("medicine", _l("Medicine"), CellKind.SIDE, hint=_SIDE_HINT),
                Cell("measure", _l("Measure"), CellKind.CHOICE, choices=("crcl", "egfr")),
                _number("below", _l("Below mL/min"), is_needed=True),
                *(_ROUTES, _TIER, _ADVICE, _SOURCE, _ADDRESS),
            ),
            ("medicine", "measure", "below", "routes"),
            _kidney_rule,
        ),
        RuleList(
            "illnesses",
            _l("Illnesses"),
            (
                Cell("medicines", _l("Medicines"), CellKind.SIDES, hint=_SIDES_HINT),
                Cell("illness", _l("Illness")),
                Cell("codes", _l("Beginnings of ICD-10 codes"), CellKind.WORDS, is_needed=False, hint=_SEVERAL),
                Cell("words", _l("Words"), CellKind.WORDS, is_needed=False, hint=_SEVERAL),
                *(_ROUTES, _TIER, _EFFECT, _ADVICE, _SOURCE, _ADDRESS),
            ),
            ("medicines", "illness", "routes"),
            _illness_rule,
        ),
        RuleList(
            "high_alert",
            _l("High-alert medicines"),
            (
                Cell("group", _l("Group")),
                Cell("substances", _l("Substances"), CellKind.SUBSTANCES, is_needed=False, hint=_SEVERAL),
                Cell("classes", _l("Families"), CellKind.WORDS, is_needed=False, hint=_SEVERAL),
                *(_ROUTES, _SOURCE),
            ),
            ("group",),
            _high_alert_group,
        ),
        RuleList(
            "allergy_classes",
            _l("Allergy groups"),
            (
                *(_CODE, _NAME, Cell("members", _l("Members"), CellKind.SUBSTANCES, is_needed=False, hint=_SEVERAL)),
                Cell("aliases", _l("Other names"), CellKind.WORDS, is_needed=False, hint=_SEVERAL),
                Cell("is_allergy_class", _l("Allergies go by it"), CellKind.CHOICE, choices=_YES_NO),
                Cell(
                    "same_class_tier",
                    _l("Severity within the group"),
                    CellKind.CHOICE,
                    is_needed=False,
                    choices=("", "stop", "caution"),
                ),
                _DUPLICATES,
            ),
            ("code",),
            _allergy_class,
        ),
        RuleList(
            "allergy_cross",
            _l("Cross-allergies"),
            (
                Cell("recorded", _l("Recorded allergy"), CellKind.CLASS),
                Cell("prescribed", _l("Prescribed"), CellKind.CLASS),
                _TIER,
                Cell("tier_if_severe", _l("After a severe reaction"), CellKind.CHOICE, choices=_TIERS),
                Cell("note", _l("What happens"), hint=_l("A sentence with a full stop.")),
            ),
            ("recorded", "prescribed"),
            lambda row: CrossReaction(**row),
        ),
        RuleList("interaction_families", _l("Families"), (_CODE, _NAME, _MEMBERS, _DUPLICATES), ("code",), _family),
        RuleList("medicine_groups", _l("Groups of one use"), (_CODE, _NAME, _MEMBERS), ("code",), _group),
        RuleList(
            "harmless",
            _l("Looked at, harmless"),
            (
                Cell("group", _l("Group"), CellKind.GROUP),
                Cell("harmless_with", _l("Harmless with"), CellKind.GROUPS, hint=_SEVERAL),
            ),
            ("group",),
        ),
        RuleList(
            "substances",
            _l("Substances"),
            (
                _NAME,
                Cell("aliases", _l("Other names"), CellKind.WORDS, is_needed=False, hint=_SEVERAL),
                Cell("rxnorm", _l("RxNorm codes"), CellKind.WORDS, is_needed=False, hint=_SEVERAL),
            ),
            ("name",),
            _substance,
        ),
    )
}
"""The lists by name, in the order of the pages."""
_FIELDS = {
    "interactions": "interactions",
    "combinations": "combinations",
    "dose_limits": "dose_limits",
    "kidney": "kidney_rules",
    "illnesses": "illness_rules",
    "high_alert": "high_alert",
    "allergy_classes": "classes",
    "allergy_cross": "cross_reactions",
    "interaction_families": "families",
    "medicine_groups": "groups",
    "substances": "substances",
}
"""The fields of `Knowledge` by list; harmless pairs are not kept as lines."""


def build_knowledge(version: str, rows: Mapping[str, Sequence[tuple[str, Cells]]]) -> Knowledge:
    """The data of the checks from the lines of all lists, each with its key. Raises the errors of reading (`BROKEN` of
    `core/data_files.py`) for cells that cannot be read."""
    keys: dict[Any, str] = {}
    fields: dict[str, Any] = {}
    for name, field in _FIELDS.items():
        read = LISTS[name].read
        lines = [(key, read(cells)) for key, cells in rows[name]] if read else []
        keys |= {line: key for key, line in lines}
        fields[field] = tuple(line for _key, line in lines)
    return Knowledge(
        version=version, harmless=_harmless_pairs(cells for _key, cells in rows["harmless"]), keys=keys, **fields
    )


def _harmless_pairs(rows: Iterable[Cells]) -> frozenset[frozenset[str]]:
    return frozenset(frozenset((row["group"], other)) for row in rows for other in split(row["harmless_with"]))
