"""The active lines of a bill, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sqlalchemy import Row, Select, bindparam, func, select

from hms.billing.models import BillLine
from hms.core.db.keyset import cut_page
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.patients.access.reader import ReaderKind, reader_kind, reader_values

from .frozen_facts import lines_query

PAGE = 200


@dataclass(frozen=True)
class LinePage:
    """Some lines of a bill, oldest first. `offset` lines are before them; `total` counts all lines of the bill.

    `previous` is the value of `before` for the page before, `next` that of `after` for the page after; None when there is none.
    """

    rows: list[Row]
    offset: int
    total: int
    previous: int | None
    next: int | None

    @property
    def is_whole(self) -> bool:
        """Whether these are all lines of the bill."""
        return len(self.rows) == self.total


def line_page(bill_id: int, who: Person, *, after: int | None = None, before: int | None = None) -> LinePage:
    """The first lines of a bill, those after the line `after`, or those just before the line `before`, with the descriptions
    that `who` may read. Before the first line there are none: the first page is shown."""
    is_first, is_backward = after is None and before is None, before is not None
    values = {"bill_id": bill_id, "edge": before or after} | reader_values(who)
    query = _page(kind=reader_kind(who), is_after=not is_first and not is_backward, is_before=is_backward)
    page = cut_page(db.session.execute(query, values).all(), PAGE, is_first=is_first, is_backward=is_backward)
    rows = page.rows
    if is_first and not page.has_next:
        return LinePage(rows, 0, len(rows), None, None)
    if is_backward and not rows:
        return line_page(bill_id, who)
    edge = after or 0
    first, last = (rows[0].id, rows[-1].id) if rows else (edge + 1, edge)
    count = db.session.execute(_count(), {"bill_id": bill_id, "first": first, "last": last}).one()
    return LinePage(
        rows, count.before, count.total, first if count.before else None, last if count.through < count.total else None
    )


def line_description(bill_id: int, line_id: int, who: Person) -> str | None:
    """The description of one active line that `who` may read; None when the bill has no such line."""
    row = _find_line(bill_id, line_id, who)
    return None if row is None else row.description


def get_line(bill_id: int, line_id: int, who: Person) -> Row:
    """One active line with the description that `who` may read; raises `NotFound`."""
    row = _find_line(bill_id, line_id, who)
    if row is None:
        raise NotFound(N_("The bill has no such line."))
    return row


def _find_line(bill_id: int, line_id: int, who: Person) -> Row | None:
    values = {"bill_id": bill_id, "line_id": line_id} | reader_values(who)
    return db.session.execute(_one_line(kind=reader_kind(who)), values).one_or_none()


@cache
def _one_line(*, kind: ReaderKind) -> Select:
    return lines_query(bindparam("bill_id"), kind.reader()).where(BillLine.id == bindparam("line_id"))


@cache
def _page(*, kind: ReaderKind, is_after: bool, is_before: bool) -> Select:
    query = lines_query(bindparam("bill_id"), kind.reader()).limit(PAGE + 1)
    if is_before:
        return query.where(BillLine.id < bindparam("edge")).order_by(None).order_by(BillLine.id.desc())
    return query.where(BillLine.id > bindparam("edge")) if is_after else query


@cache
def _count() -> Select:
    """How many active lines a bill has: before the line `first`, through the line `last`, and in all."""
    earlier = func.count().filter(BillLine.id < bindparam("first")).label("before")
    through = func.count().filter(BillLine.id <= bindparam("last")).label("through")
    query = select(earlier, through, func.count().label("total")).select_from(BillLine)
    return query.where(BillLine.bill_id == bindparam("bill_id"), BillLine.withdrawn_at.is_(None))
