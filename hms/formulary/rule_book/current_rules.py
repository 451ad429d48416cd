"""The lists of rules in force: the program's lines, and the hospital's own, which win.

The program's lines come with its files; a later version of them takes effect when the program is upgraded. A line that two
pharmacists changed stays as they decided; where the program's line is another one since, the difference is shown to decide.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Select, bindparam, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import SessionTransaction

from hms.core.data_files import BROKEN
from hms.core.db.session import db
from hms.core.seldom_log import log_seldom
from hms.formulary.dosing.routes import check_form_routes
from hms.formulary.medicines import catalogue
from hms.formulary.models import RuleChange, RuleChangeLine
from hms.formulary.safety.knowledge import Knowledge
from hms.formulary.safety.rule_lists import LISTS, Cells, RuleList, build_knowledge

log = logging.getLogger(__name__)


class Version(NamedTuple):
    """The last version that two pharmacists made; number 0 when there is none."""

    number: int
    decided_at: datetime | None


@dataclass(frozen=True)
class RuleLine:
    """One line: `cells` as it is in force, None when it was retired; `shipped` is the program's line, None when it has none.

    `change_id` is the last approved change of the line, None when the hospital never changed it; `before` is the line before
    this change, and `decided_shipped` the program's line that it was decided about.
    """

    key: str
    rule_list: RuleList
    cells: Cells | None
    shipped: Cells | None
    change_id: int | None = None
    before: Cells | None = None
    decided_shipped: Cells | None = None

    @property
    def shown(self) -> Cells:
        """The line as it is or, when it was retired, as it was."""
        return self.cells or self.before or self.shipped or dict.fromkeys(self.rule_list.columns, "")

    @property
    def is_own(self) -> bool:
        """Whether the hospital decided about the line."""
        return self.change_id is not None

    @property
    def differs(self) -> bool:
        """Whether the program brings another line since the hospital decided, so that there is something to decide."""
        return self.is_own and self.shipped != self.decided_shipped and self.shipped != self.cells


@dataclass(frozen=True, eq=False)
class RuleBook:
    """All lines by key, in the order of their lists; those that were retired too."""

    version: str
    lines: Mapping[str, RuleLine]

    def in_force(self) -> list[RuleLine]:
        return [line for line in self.lines.values() if line.cells is not None]

    def rows(self) -> dict[str, list[tuple[str, Cells]]]:
        """The lines in force by list, each with its key."""
        return rows_of((line.rule_list.name, line.key, line.cells) for line in self.lines.values())


def rows_of(lines: Iterable[tuple[str, str, Cells | None]]) -> dict[str, list[tuple[str, Cells]]]:
    """Lines (list, key and cells) by list; those without cells are left out."""
    rows: dict[str, list[tuple[str, Cells]]] = {name: [] for name in LISTS}
    for name, key, cells in lines:
        if cells is not None:
            rows[name].append((key, cells))
    return rows


_of_transaction: WeakKeyDictionary[SessionTransaction, Version] = WeakKeyDictionary()
"""The version that a transaction began with: all checks of one action use the same rules."""


def find_version() -> Version:
    """The version in force; within one transaction always the same."""
    transaction = db.session().get_transaction()
    if transaction is None or transaction not in _of_transaction:
        row = db.session.execute(_last_version()).first()
        transaction = db.session().get_transaction()
        found = Version(*row) if row else Version(0, None)
        if transaction is None:
            return found
        _of_transaction[transaction] = found
    return _of_transaction[transaction]


def forget_version() -> None:
    """Look the version up again at the next check of this transaction."""
    transaction = db.session().get_transaction()
    if transaction is not None:
        _of_transaction.pop(transaction, None)


@cache
def _last_version() -> Select:
    last = select(RuleChange.number, RuleChange.decided_at).where(RuleChange.number.is_not(None))
    return last.order_by(RuleChange.number.desc()).limit(1)


def load_book() -> RuleBook:
    """The lists in force; raises `BROKEN` while a file of the program is missing or broken."""
    return _read_book(find_version())


def load_knowledge() -> Knowledge:
    """The data of the safety checks: the lists in force with their version. `catalogue.UNREADABLE` while they cannot be read."""
    version = find_version()
    if not version.number:
        return catalogue.load_knowledge()
    try:
        return _read_knowledge(version)
    except BROKEN:
        message = "The safety rules cannot be read. No safety check runs."
        log_seldom(log, message, message, level=logging.ERROR, exc_info=True)
        return catalogue.UNREADABLE


@lru_cache(maxsize=4)
def _read_knowledge(version: Version) -> Knowledge:
    check_form_routes()
    book = _read_book(version)
    return build_knowledge(book.version, book.rows())


@lru_cache(maxsize=4)
def _read_book(version: Version) -> RuleBook:
    rows = catalogue.read_rule_rows()
    shipped = {LISTS[name].key_of(cells): (name, cells) for name, lines in rows.items() for cells in lines}
    own = {row.key: row for row in db.session.execute(_own_lines(), {"number": version.number})}
    lines = [
        _line(key, *shipped.get(key, (row.list_name, None)), row) for key, row in own.items() if row.list_name in LISTS
    ]
    decided = {line.key: line for line in lines}
    for key, (name, cells) in shipped.items():
        decided.setdefault(key, RuleLine(key, LISTS[name], cells, cells))
    order = {name: place for place, name in enumerate(LISTS)}
    places = {key: place for place, key in enumerate(shipped)}
    in_order = sorted(
        decided.values(), key=lambda line: (order[line.rule_list.name], places.get(line.key, len(places)), line.key)
    )
    shipped_version = catalogue.read_rules_version()
    name = f"{shipped_version}+{version.number}" if version.number else shipped_version
    return RuleBook(name, {line.key: line for line in in_order})


def _line(key: str, name: str, shipped: Cells | None, row: RuleChangeLine) -> RuleLine:
    rule_list = LISTS[name]
    after, before, decided = (_fit(rule_list, cells) for cells in (row.after, row.before, row.shipped))
    return RuleLine(key, rule_list, after, shipped, row.change_id, before, decided)


def _fit(rule_list: RuleList, cells: Cells | None) -> Cells | None:
    """A stored line with the columns that its list has now."""
    return None if cells is None else {name: cells.get(name, "") for name in rule_list.columns}


@cache
def _own_lines() -> Select:
    """The last approved line of each key."""
    line, change = RuleChangeLine, RuleChange
    query = select(line.key, line.list_name, line.after, line.before, line.shipped, line.change_id)
    query = query.join(change, change.id == line.change_id).where(change.number <= bindparam("number"))
    return query.ext(distinct_on(line.key)).order_by(line.key, change.number.desc())
