"""Reads of patients for the JSON API."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    any_,
    bindparam,
    case,
    column,
    func,
    literal,
    select,
    table,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from hms.core import clock
from hms.core.api.pagination import Rows
from hms.core.db import row_counts
from hms.core.db.keyset import Order, OrderedSelect, Part, Place, select_part
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.person import Person
from hms.core.web.parameters import Bounds, BoundsShape
from hms.patients import lookup
from hms.patients.access import policy
from hms.patients.access.reader import Reader, ReaderKind, reader_kind, reader_values
from hms.patients.models import Allergy, Patient
from hms.patients.search import queries as search_queries
from hms.patients.search.conditions import SearchConditions, SearchShape
from hms.patients.search.query_parser import SearchQuery

from .banner import reads_allergies

RECENT = timedelta(days=30)
# This desk may not import appointments, so the two needed columns of its table are declared here.
_APPOINTMENT = table("appointment", column("patient_id"), column("date"))

COLUMNS = {
    "id": Patient.id,
    "created_at": Patient.created_at,
    "updated_at": Patient.updated_at,
    "unique_id": Patient.number,
    "last_name": Patient.sort_name,
    "first_name": Patient.given_names,
    "date_of_birth": Patient.birth_date,
}
"""The orderings of the API's list; a minus sign before the name reverses them."""


class Matching(NamedTuple):
    """Which patients a list shows: visible to this kind of reader, with conditions of these shapes, or those of a search
    (`is_found`)."""

    kind: ReaderKind
    shape: SearchShape
    days: BoundsShape
    is_found: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out by a search or by days."""
        return self[1:] == (SearchShape(), BoundsShape(has_first=False, has_end=False), False)


def list_patients(*, query: SearchQuery, days: Bounds, order: str | None, who: Person) -> Rows:
    """Active patients that match `query` and were registered within `days` (UTC), with the API's columns; substances only
    for those who may read them. `is_open`: whether the content of the record is open to `who`.

    A search finds whom the find box finds, without `order` in its order; one that fits very many is a list like any other.
    """
    conditions = SearchConditions.of(query)
    matching = Matching(reader_kind(who), conditions.shape, days.shape())
    values = reader_values(who) | days.values() | {"since": clock.today() - RECENT}
    if query.is_empty and not query.finds_nobody:
        return _ordered(matching, _Way.COUNTED, values, order or "id", who)
    scope = search_queries.Scope(matching.kind, matching.days, values)
    found = search_queries.find_patients(query, limit=search_queries.MAX_SCORED + 1, scope=scope)
    ids = [one.row.id for one in found[: search_queries.MAX_SCORED]]
    if len(found) > len(ids) and found[-1].relevance.fits:
        return _ordered(matching, _Way.FOUND_FIRST, values | conditions.values, order or "id", who)
    if order is None:
        return _RankedPatients(ids, who)
    matching = Matching(matching.kind, SearchShape(), matching.days, is_found=True)
    return _ordered(matching, _Way.COUNTED, values | {"found": ids}, order, who)


def _ordered(matching: Matching, way: _Way, values: dict[str, Any], order: str, who: Person) -> OrderedSelect:
    listed = partial(_listed, matching, order=order, with_substances=reads_allergies(who))
    counted = partial(_select_ids, matching)
    if way is _Way.COUNTED:
        return OrderedSelect(_order(order), partial(listed, way), counted, values, is_kept=True)
    through_all = partial(listed, _Way.UNCOUNTED)
    return _FoundPatients(_order(order), partial(listed, way), counted, values, is_kept=True, through_all=through_all)


@dataclass(frozen=True)
class _RankedPatients:
    """The patients of a search, the most likely first. The place of a row is its number in the list, and its id."""

    ids: list[int]
    who: Person

    def fetch_page(self, limit: int, offset: int) -> Sequence[Any]:
        ids = self.ids[offset : offset + limit]
        rows = {row.id: row for row in get_patients(ids, self.who)} if ids else {}
        return [rows[patient_id] for patient_id in ids if patient_id in rows]

    def fetch_after(self, place: Place | None, limit: int, *, count: int | None = None) -> Sequence[Any]:
        if place is None:
            return self.fetch_page(limit, 0)
        nth, patient_id = place.values
        nth = self.ids.index(patient_id) if patient_id in self.ids else min(nth, len(self.ids))
        if place.is_backward:
            return list(reversed(self.fetch_page(min(limit, nth), max(nth - limit, 0))))
        return self.fetch_page(limit, nth + 1)

    def get_record(self, row: Any) -> Any:
        return row

    def get_place(self, row: Any, *, is_backward: bool = False) -> Place:
        return Place((self.ids.index(row.id), row.id), is_backward)

    def count(self, *, is_exact: bool = False) -> int:
        return len(self.ids)


class _Way(enum.Enum):
    """How a page is read: in the order of the list, with or without the number of all rows; or from all matches."""

    COUNTED = enum.auto()
    UNCOUNTED = enum.auto()
    FOUND_FIRST = enum.auto()


@dataclass
class _FoundPatients(OrderedSelect):
    """The patients of a search. Up to `row_counts.MAX_EXACT` matches are found first and then sorted. More are so frequent
    that `through_all`, the statement that goes through all patients in order, soon fills a page."""

    through_all: Callable[[Part, bool], Select] | None = None

    def fetch_page(self, limit: int, offset: int) -> Sequence[Any]:
        rows = super().fetch_page(limit, offset)
        return self._through_all().fetch_page(limit, offset) if self._is_frequent(rows, offset > 0) else rows

    def fetch_after(self, place: Place | None, limit: int, *, count: int | None = None) -> Sequence[Any]:
        is_frequent = isinstance(count, row_counts.EstimatedCount) or (count or 0) > row_counts.MAX_EXACT
        if not is_frequent:
            rows = super().fetch_after(place, limit)
            if not self._is_frequent(rows, place is not None):
                return rows
        return self._through_all().fetch_after(place, limit)

    def _is_frequent(self, rows: Sequence[Any], is_deep: bool) -> bool:
        """Whether there are more matches than were found, so that others may belong on the page."""
        if rows:
            return rows[0].whole > row_counts.MAX_EXACT
        return is_deep and isinstance(self.count(), row_counts.EstimatedCount)

    def _through_all(self) -> OrderedSelect:
        return OrderedSelect(self.order, self.through_all, self.counted, self.values)


def _order(name: str) -> Order:
    column = COLUMNS[name.removeprefix("-")]
    columns = (column,) if column is Patient.id else (column, Patient.id)
    return Order(*columns, is_descending=name.startswith("-"))


@cache
def _listed(
    matching: Matching, way: _Way, part: Part, is_backward: bool, *, order: str, with_substances: bool
) -> Select:
    """The ids of the page are found first: the other columns are then read for the rows of the page only."""
    ids, ids_order, whole = _select_ids(matching), _order(order), None
    if way is _Way.FOUND_FIRST:
        found = _find(ids, ids_order)
        whole = select(func.count()).select_from(found)
        columns = [found.c[name] for name in ids_order.place_names()]
        ids, ids_order = select(found.c.id), Order(*columns, is_descending=ids_order.is_descending)
    elif way is _Way.COUNTED and part is Part.ALL:
        whole = row_counts.select_bounded_count(ids)
    page = select_part(ids, ids_order, part, is_backward=is_backward, keeps_plan=matching.is_whole).subquery("page")
    rows = _rows(bindparam("since"), with_substances=with_substances, who=matching.kind.reader())
    if whole is not None:
        rows = rows.add_columns(whole.scalar_subquery().label("whole"))
    places = [page.c[name] for name in ids_order.place_names()]
    in_page = Order(*places, is_descending=ids_order.is_descending != is_backward)
    return rows.join(page, page.c.id == Patient.id).add_columns(*places).order_by(*in_page.clauses())


def _find(ids: Select, order: Order) -> CTE:
    """The first matches, in no order, with their sort values. All of them are planned for, so that an index finds them,
    and no more than needed are read."""
    places = [column.label(name) for name, column in zip(order.place_names(), order.columns, strict=True)]
    matches = ids.add_columns(*places).cte("matches").prefix_with("MATERIALIZED")
    return select(matches).limit(row_counts.MAX_EXACT + 1).cte("found").prefix_with("MATERIALIZED")


@cache
def _select_ids(matching: Matching) -> Select:
    visible = (Patient.status == "active", *policy.own_rows(matching.kind.reader(), Patient.id))
    found = (Patient.id == any_(bindparam("found", type_=ARRAY(BigInteger))),) if matching.is_found else ()
    conditions = (matching.shape.condition(), *found, *matching.days.conditions(Patient.created_at))
    return select(Patient.id).where(*visible, *conditions)


def _rows(since: Any, *, with_substances: bool, who: Reader, statuses: tuple[str, ...] = ("active",)) -> Select:
    # A LIMIT keeps the planner from reading the bookings of a month for the sake of a few patients.
    booked = select(true()).where(
        _APPOINTMENT.c.patient_id == Patient.id, _APPOINTMENT.c.date.between(since, who.at.reader_today)
    )
    recent = booked.limit(1).scalar_subquery().is_not(None)
    columns = [Patient.__table__.c[name] for name in ROW]
    return select(
        *columns,
        recent.label("has_recent_appointment"),
        (_substances() if with_substances else literal("")).label("known_allergies"),
        policy.readable_by(who, Patient.id).label("is_open"),
    ).where(_has_status(statuses), *policy.own_rows(who, Patient.id))


def _has_status(statuses: tuple[str, ...]) -> ColumnElement[bool]:
    return Patient.status == statuses[0] if len(statuses) == 1 else Patient.status.in_(statuses)


ROW = (
    *("id", "hospital_number", "given_names", "family_name", "birth_date", "birth_is_estimated", "sex", "phone"),
    "address",
    *("other_names", "national_id", "other_numbers", "deceased_on", "deceased_text", "area_id"),
    *("payer", "payer_number"),
    *("created_at", "updated_at", "version", "is_restricted", "status", "withdrawn_reason"),
)


def _substances() -> Any:
    """Active substances joined by commas; "None" when the patient was asked and has none; empty when not asked."""
    joined = (
        select(func.string_agg(Allergy.substance, aggregate_order_by(literal(", "), Allergy.id)))
        .where(Allergy.patient_id == Patient.id, Allergy.status == "active")
        .scalar_subquery()
    )
    return case(
        (Patient.allergy_status == "known", func.coalesce(joined, "")),
        (Patient.allergy_status == "none_known", "None"),
        else_="",
    )


def get_patient(patient_id: int, who: Person) -> Any:
    """The API's row of one patient; raises `NotFound`, also for a withdrawn record that `who` may not see, and `RecordMerged`
    for one that was merged."""
    since = clock.today() - RECENT
    patient = db.session.execute(
        _row(with_substances=reads_allergies(who), kind=reader_kind(who)),
        {"patient_id": patient_id, "since": since} | reader_values(who),
    ).one_or_none()
    if patient is None:
        missing = lookup.missing_patient(patient_id)
        if isinstance(missing, lookup.RecordMerged) and not who.is_patient:
            raise missing
        raise NotFound("No Patient matches the given query.")
    return patient


@cache
def _row(*, with_substances: bool, kind: ReaderKind) -> Select:
    patient_id, since = bindparam("patient_id"), bindparam("since")
    who = kind.reader()
    statuses = ("active", "withdrawn") if kind.sees_withdrawn else ("active",)
    return _rows(since, with_substances=with_substances, who=who, statuses=statuses).where(Patient.id == patient_id)


def get_patients(patient_ids: list[int], who: Person) -> list[Any]:
    """The API's rows of these patients."""
    since = clock.today() - RECENT
    return list(
        db.session.execute(
            _rows_of(with_substances=reads_allergies(who), kind=reader_kind(who)),
            {"patient_ids": patient_ids, "since": since} | reader_values(who),
        )
    )


@cache
def _rows_of(*, with_substances: bool, kind: ReaderKind) -> Select:
    patient_ids, since = bindparam("patient_ids"), bindparam("since")
    who = kind.reader()
    return _rows(since, with_substances=with_substances, who=who).where(Patient.id.in_(patient_ids))
