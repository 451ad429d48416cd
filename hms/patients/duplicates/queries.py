"""The worklist of suspected duplicates: the most likely pairs first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, select, tuple_
from sqlalchemy.orm import aliased

from hms.core.db.keyset import cut_page
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.text.translation import N_
from hms.patients.enums import PairStatus
from hms.patients.models import DuplicatePair, Patient
from hms.patients.search import duplicates
from hms.patients.search.match_scoring import score_match
from hms.staff import directory as staff

PAGE = 25
FIRST, SECOND = aliased(Patient, name="first"), aliased(Patient, name="second")
_PLACE = (DuplicatePair.percent, DuplicatePair.id)


@dataclass(frozen=True)
class SuspectedPair:
    """A pair with its records, why they may be one patient, and who decided."""

    pair: DuplicatePair
    first: Patient
    second: Patient
    reasons: list[Any]
    decided_by: str


@dataclass(frozen=True)
class PairPage:
    """A page of the list; `before` and `after` are the cursors (ids) of its neighbours."""

    status: PairStatus
    rows: list[SuspectedPair]
    before: int | None
    after: int | None


def select_pairs() -> Select:
    """The pairs whose records are both in use, with the two records."""
    query = select(DuplicatePair, FIRST, SECOND).join(
        FIRST, and_(FIRST.id == DuplicatePair.first_id, FIRST.status == "active")
    )
    return query.join(SECOND, and_(SECOND.id == DuplicatePair.second_id, SECOND.status == "active"))


def list_pairs(status: PairStatus, *, after: int | None = None, before: int | None = None) -> PairPage:
    """The pairs with this status, the most likely first: those that follow `after` or come before `before` (ids)."""
    query = select_pairs().where(DuplicatePair.status == status.value)
    mark = db.session.execute(select(*_PLACE).where(DuplicatePair.id == (before or after))).one_or_none()
    is_backward = mark is not None and before is not None
    if mark is not None:
        query = query.where(tuple_(*_PLACE) > tuple_(*mark) if is_backward else tuple_(*_PLACE) < tuple_(*mark))
    order = [column.asc() if is_backward else column.desc() for column in _PLACE]
    fetched = db.session.execute(query.order_by(*order).limit(PAGE + 1)).all()
    page = cut_page(fetched, PAGE, is_first=mark is None, is_backward=is_backward)
    rows = with_reasons(page.rows)
    first, last = (rows[0].pair.id, rows[-1].pair.id) if rows else (None, None)
    return PairPage(status, rows, first if page.has_previous else None, last if page.has_next else None)


def get_pair(pair_id: int) -> SuspectedPair:
    """One pair; raises `NotFound`, also when one of its records is not in use."""
    row = db.session.execute(select_pairs().where(DuplicatePair.id == pair_id)).one_or_none()
    if row is None:
        raise NotFound(N_("This pair is not in the list any more."))
    return with_reasons([row])[0]


def with_reasons(rows: Sequence[Any]) -> list[SuspectedPair]:
    """The rows of `select_pairs` with why their records are similar now, and the names of those who decided."""
    names = staff.display_names({pair.decided_by_id for pair, *_records in rows} - {None})
    return [
        SuspectedPair(pair, first, second, reasons(first, second), names.get(pair.decided_by_id, ""))
        for pair, first, second, *_place in rows
    ]


def reasons(first: Patient, second: Patient) -> list[Any]:
    """Why two records may be one patient: the sentences of the comparison at registration."""
    return score_match(duplicates.compared_person(first), duplicates.compared_person(second)).reasons
