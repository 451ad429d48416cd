"""Reads of the safety rules: the lines in force, proposals of changes, and versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from sqlalchemy import Select, func, or_, select

from hms.core.data_files import BROKEN
from hms.core.db.session import db
from hms.core.errors import NotFound, RuleBroken
from hms.core.text.cleaning import fold
from hms.core.text.translation import N_
from hms.formulary.models import Medication, RuleChange, RuleChangeLine
from hms.formulary.safety.knowledge import CLASS_PREFIX
from hms.formulary.safety.rule_lists import LISTS, Cell, CellKind, Cells, split

from . import current_rules, words
from .current_rules import RuleBook, RuleLine, rows_of

MAX_PRODUCTS = 30
MAX_LINES_SHOWN = 5
IN_FORCE, RETIRED, OWN, DIFFERS, EVERY = "in_force", "retired", "own", "differs", "every"


def load_book() -> RuleBook:
    """The lists in force; `RuleBroken` while the program's files cannot be read."""
    try:
        return current_rules.load_book()
    except BROKEN as error:
        raise RuleBroken(N_("The files of the safety rules cannot be read.")) from error


@dataclass(frozen=True)
class ShownRule:
    """A line with its words; `place` is its place among all lines."""

    line: RuleLine
    place: int
    title: str
    tier: str
    source_state: str
    substances: frozenset[str]
    families: frozenset[str]

    @property
    def is_retired(self) -> bool:
        return self.line.cells is None

    @cached_property
    def search_text(self) -> str:
        return fold(" ".join((self.title, *self.line.shown.values(), *sorted(self.substances))))

    def is_in(self, state: str) -> bool:
        """Whether the line is one of those with this state: in force, retired, own, differs; each one is of "every"."""
        of = {EVERY: True, RETIRED: self.is_retired, OWN: self.line.is_own, DIFFERS: self.line.differs}
        return of.get(state, not self.is_retired)


@lru_cache(maxsize=4)
def _shown(book: RuleBook) -> dict[str, ShownRule]:
    members, names = _members_by_code(book), _family_names(book)
    return {
        key: ShownRule(
            *(line, place, words.title_of(line, names), words.tier_of(line), words.source_state(line)),
            *_medicines_of(line, members),
        )
        for place, (key, line) in enumerate(book.lines.items())
    }


def _family_names(book: RuleBook) -> dict[str, str]:
    return {
        line.shown["code"]: line.shown["name"]
        for line in book.lines.values()
        if line.rule_list.name in ("allergy_classes", "interaction_families")
    }


def _members_by_code(book: RuleBook) -> dict[str, frozenset[str]]:
    return {
        line.shown["code"]: frozenset(split(line.shown["members"]))
        for line in book.lines.values()
        if line.rule_list.name in ("allergy_classes", "interaction_families", "medicine_groups")
    }


def _medicines_of(line: RuleLine, members: Mapping[str, frozenset[str]]) -> tuple[frozenset[str], frozenset[str]]:
    """The substances that a line is about, with the members of its families, and the codes of these."""
    named = [part for cell in line.rule_list.cells for part in _named(cell, line.shown[cell.name])]
    if line.rule_list.name == "substances":
        named.append(line.shown["name"])
    families = frozenset(part.removeprefix(CLASS_PREFIX) for part in named if part.startswith(CLASS_PREFIX))
    substances = frozenset(part for part in named if not part.startswith(CLASS_PREFIX))
    return substances.union(*(members.get(code, frozenset()) for code in families)), families


def _named(cell: Cell, text: str) -> list[str]:
    """The medicines that a cell names; families with their prefix."""
    if cell.kind in (CellKind.SIDE, CellKind.SIDES, CellKind.SUBSTANCE, CellKind.SUBSTANCES):
        return list(split(text))
    is_of_codes = cell.kind in (CellKind.CLASS, CellKind.GROUP, CellKind.GROUPS) or cell.name == "classes"
    return [CLASS_PREFIX + code for code in split(text)] if is_of_codes else []


def rows_with(book: RuleBook, lines: Iterable[RuleChangeLine]) -> dict[str, list[tuple[str, Cells]]]:
    """The lines in force by list, as they would be with the lines of a proposal."""
    cells: dict[str, tuple[str, Cells | None]] = {
        key: (line.rule_list.name, line.cells) for key, line in book.lines.items()
    }
    cells |= {line.key: (line.list_name, line.after) for line in lines}
    return rows_of((name, key, line) for key, (name, line) in cells.items())


def substances_of(book: RuleBook, line: RuleChangeLine) -> frozenset[str]:
    """The substances that a line of a proposal is about, before and after."""
    members = _members_by_code(book)
    both = [
        RuleLine(line.key, LISTS[line.list_name], cells, None)
        for cells in (line.before, line.after)
        if cells is not None
    ]
    return frozenset().union(*(_medicines_of(each, members)[0] for each in both))


def list_rules(
    search: str = "", *, rule_list: str = "", tier: str = "", source_state: str = "", state: str = IN_FORCE
) -> list[ShownRule]:
    """The lines that match, in the order of the lists. `search` is words that the line, or a member of a family that it names,
    has."""
    typed = fold(search).split()
    return [
        rule
        for rule in _shown(load_book()).values()
        if (not rule_list or rule.line.rule_list.name == rule_list)
        and (not tier or rule.tier == tier)
        and (not source_state or rule.source_state == source_state)
        and rule.is_in(state or IN_FORCE)
        and all(word in rule.search_text for word in typed)
    ]


def get_rule(key: str) -> ShownRule:
    """One line, in force or retired; raises `NotFound`."""
    rule = _shown(load_book()).get(key)
    if rule is None:
        raise NotFound(N_("This rule does not exist."))
    return rule


def find_rule(key: str) -> ShownRule | None:
    """One line; None when no list has it."""
    return _shown(load_book()).get(key)


@dataclass(frozen=True)
class Figures:
    """What the pharmacist's page counts."""

    version: str
    in_force: int
    unconfirmed: int
    retired: int
    own: int
    differing: int
    waiting: int
    by_list: Mapping[str, int]


def count_rules() -> Figures:
    """The numbers at the head of the page."""
    book = load_book()
    rules = _shown(book).values()
    valid = [rule for rule in rules if not rule.is_retired]
    return Figures(
        version=book.version,
        in_force=len(valid),
        unconfirmed=sum(rule.source_state == words.NOT_CONFIRMED for rule in valid),
        retired=len(rules) - len(valid),
        own=sum(rule.line.is_own for rule in rules),
        differing=sum(rule.line.differs for rule in rules),
        waiting=count_waiting(),
        by_list={name: sum(rule.line.rule_list.name == name for rule in valid) for name in LISTS},
    )


def find_products(rule: ShownRule) -> list[str]:
    """Names of the hospital's medicines that a line is about, the first `MAX_PRODUCTS`."""
    about = or_(
        Medication.ingredients.overlap(sorted(rule.substances)), Medication.classes.overlap(sorted(rule.families))
    )
    query = select(Medication.name).where(Medication.is_active, about).order_by(Medication.name, Medication.id)
    return list(db.session.scalars(query.limit(MAX_PRODUCTS)))


def count_waiting() -> int:
    """How many proposals wait for a decision."""
    return db.session.execute(select(func.count()).where(RuleChange.decision.is_(None))).scalar_one()


def select_changes() -> Select:
    """The proposals, with the number of their lines."""
    lines = select(RuleChangeLine.id).where(RuleChangeLine.change_id == RuleChange.id).scalar_subquery()
    return select(RuleChange, func.cardinality(func.array(lines)).label("line_count"))


def get_change(change_id: int) -> RuleChange:
    """One proposal; raises `NotFound`."""
    change = db.session.get(RuleChange, change_id)
    if change is None:
        raise NotFound(N_("This proposal does not exist."))
    return change


def list_lines(change_id: int) -> Sequence[RuleChangeLine]:
    """The lines of a proposal, in the order in which they were written."""
    lines = select(RuleChangeLine).where(RuleChangeLine.change_id == change_id).order_by(RuleChangeLine.id)
    return db.session.scalars(lines).all()


def list_changes(show: str, *, before: int | None, limit: int) -> list[RuleChange]:
    """The proposals that are "waiting" or "decided", newest first, or the "versions" that approved ones made; those before an
    id, of versions before a number."""
    sort = RuleChange.number if show == "versions" else RuleChange.id
    shown = {"waiting": RuleChange.decision.is_(None), "versions": RuleChange.number.is_not(None)}
    query = select(RuleChange).where(shown.get(show, RuleChange.decision.is_not(None)))
    if before is not None:
        query = query.where(sort < before)
    return list(db.session.scalars(query.order_by(sort.desc()).limit(limit)))


def list_lines_of(change_ids: Sequence[int], most: int = MAX_LINES_SHOWN) -> dict[int, list[RuleChangeLine]]:
    """The first lines of each proposal, for a list of proposals."""
    place = func.row_number().over(partition_by=RuleChangeLine.change_id, order_by=RuleChangeLine.id).label("place")
    numbered = select(RuleChangeLine.id, place).where(RuleChangeLine.change_id.in_(change_ids)).subquery()
    query = select(RuleChangeLine).join(numbered, numbered.c.id == RuleChangeLine.id).where(numbered.c.place <= most)
    lines: dict[int, list[RuleChangeLine]] = {}
    for line in db.session.scalars(query.order_by(RuleChangeLine.id)):
        lines.setdefault(line.change_id, []).append(line)
    return lines


def list_side_names() -> dict[str, str]:
    """What a rule may call a medicine: substances, and families with their names."""
    book = load_book()
    names = {CLASS_PREFIX + code: name for code, name in _family_names(book).items()}
    substances = (line.shown["name"] for line in book.in_force() if line.rule_list.name == "substances")
    return names | {name: "" for name in substances}


def list_changes_of(key: str) -> list[RuleChange]:
    """The proposals about one line, newest first, at most 20."""
    about = select(RuleChangeLine.change_id).where(RuleChangeLine.key == key)
    query = select(RuleChange).where(RuleChange.id.in_(about)).order_by(RuleChange.id.desc())
    return list(db.session.scalars(query.limit(20)))


@dataclass(frozen=True)
class ShownLine:
    """A line of a proposal with its words."""

    line: RuleChangeLine
    title: str
    cells: list[tuple[str, str, str]]

    @property
    def kind(self) -> str:
        """What the proposal does with the line."""
        if self.line.before is None:
            return "add"
        if self.line.after is None:
            return "retire"
        return "change" if self.cells else "keep"


def _changed_words(line: RuleChangeLine) -> list[tuple[str, str, str]]:
    cells = {cell.name: cell for cell in LISTS[line.list_name].cells}
    return [
        (name, words.cell_words(cells[name], old), words.cell_words(cells[name], new))
        for name, old, new in words.changed_cells(line.before, line.after)
        if name in cells
    ]


def describe_lines(lines: Sequence[RuleChangeLine]) -> list[ShownLine]:
    """Lines of proposals with what they change, old and new."""
    names = _family_names(load_book())
    return [
        ShownLine(
            line,
            words.title_of(RuleLine(line.key, LISTS[line.list_name], line.after, None, before=line.before), names),
            _changed_words(line),
        )
        for line in lines
        if line.list_name in LISTS
    ]
