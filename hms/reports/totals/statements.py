"""The SQL of the totals, made from the declarations of the measures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from sqlalchemy import TextClause, text

from .measures import MEASURES, Measure, Source

# Each aggregate stands in a LATERAL subquery, so that it reads a range of an index for each of the few parts. The parts are
# materialized: they have the same estimate for every period, and PostgreSQL plans a busy statement only once.
_PARTS = """
WITH part AS MATERIALIZED (SELECT * FROM hms_total_parts(ARRAY[{sources}], :firsts, :untils, :zone)),
kind (measure, source, most) AS (VALUES {kinds})"""

_SETTLED = """
SELECT p.n, k.measure, t.* FROM part p JOIN kind k ON k.source = p.source AND p.n <= k.most CROSS JOIN LATERAL (
    SELECT {month} AS month, key, sum(number)::bigint AS number, sum(amount) AS amount FROM {table}
     WHERE measure = k.measure AND {column} >= p.lo AND {column} < p.hi GROUP BY 1, 2) t
 WHERE p.level = '{level}'"""

_TABLES = (("year", "yearly_total", "year"), ("month", "monthly_total", "month"), ("day", "daily_total", "day"))
_ANY_MONTH = "NULL::date"
_MONTH_OF = "date_trunc('month', ({day})::timestamp)::date"


@cache
def clause(statement: str) -> TextClause:
    """The statement, kept, on one line: the driver keeps what it has parsed of short statements only."""
    return text(" ".join(statement.split()))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def of_source(source: Source) -> tuple[Measure, ...]:
    """The measures of a table."""
    return tuple(measure for measure in MEASURES if measure.source is source)


def _day(source: Source) -> str:
    """The SQL of the day of a record."""
    return f"({source.day} AT TIME ZONE :zone)::date" if source.is_instant else source.day


def _starts(source: Source, day: str) -> str:
    """The SQL of the start of `day`, to be compared with the source's column."""
    return f"({day}::timestamp AT TIME ZONE :zone)" if source.is_instant else day


def _raw(measure: Measure, columns: str, lo: str, hi: str, groups: str) -> str:
    """The number and sum of the records of the days from `lo` to before `hi`."""
    source = measure.source
    return (
        f"SELECT {columns}, {measure.key} AS key, count(*) AS number, sum(({measure.amount})::numeric) AS amount"  # noqa: S608 - declarations # nosec B608
        f" FROM {source.name} {measure.joined} WHERE {source.day} >= {_starts(source, lo)}"
        f" AND {source.day} < {_starts(source, hi)} AND {measure.where} GROUP BY {groups}"
    )


@cache
def with_totals(measures: Sequence[Measure], first_only: Sequence[Measure] = (), *, by_month: bool = False) -> str:
    """The WITH clause of the table `total` (n, measure, month, key, number, amount), for periods in hospital days.

    Parameters: `firsts` and `untils` (arrays of days; NULL is without limit), `zone`. `n` is the number of the period, from
    1; measures of `first_only` are read for the first period only. Settled months and days are read from the totals, all
    other days from the records. There may be several rows for a key: add them up. `month` is NULL unless `by_month`.
    """
    wanted = [(measure, 1_000) for measure in measures] + [(measure, 1) for measure in first_only]
    sources = ", ".join(_literal(name) for name in dict.fromkeys(measure.source.name for measure, _most in wanted))
    kinds = ", ".join(f"('{measure.name}', '{measure.source.name}', {most})" for measure, most in wanted)
    settled = [_settled(*table, by_month=by_month) for table in _TABLES]
    records = [_of_records(measure, most, by_month=by_month) for measure, most in wanted]
    return f"{_PARTS.format(sources=sources, kinds=kinds)}, total AS ({' UNION ALL '.join([*settled, *records])})"


def _settled(level: str, table: str, total: str, *, by_month: bool) -> str:
    """The rows of one table of totals. By month, those of whole years are read from the months of these years."""
    if by_month and level == "year":
        table, total = "monthly_total", "month"
    month = _MONTH_OF.format(day=total) if by_month else _ANY_MONTH
    return _SETTLED.format(level=level, table=table, column=total, month=month)


def _of_records(measure: Measure, most: int, *, by_month: bool) -> str:
    month = _MONTH_OF.format(day=_day(measure.source)) if by_month else _ANY_MONTH
    records = _raw(measure, f"{month} AS month", "p.lo", "p.hi", "1, 2")
    return (
        f"SELECT p.n, {_literal(measure.name)}, t.* FROM part p CROSS JOIN LATERAL ({records}) t"  # noqa: S608 - declarations # nosec B608
        f" WHERE p.level = 'records' AND p.source = {_literal(measure.source.name)} AND p.n <= {most}"
    )


@cache
def select_totals(measures: Sequence[Measure], *, by_month: bool = False) -> str:
    """All totals of the periods: n, measure, month, key, number, amount."""
    return (
        f"{with_totals(measures, by_month=by_month)} SELECT n, measure, month, key, sum(number)::bigint AS number,"  # noqa: S608 - declarations # nosec B608
        " sum(amount) AS amount FROM total GROUP BY n, measure, month, key"
    )


@cache
def insert_days(source: Source) -> str:
    """Make the daily totals of the days from `first` to before `until` from the records."""
    days = " UNION ALL ".join(
        _raw(
            measure,
            f"{_literal(measure.name)} AS measure, {_day(source)} AS day",
            "CAST(:first AS date)",
            "CAST(:until AS date)",
            "1, 2, 3",
        )
        for measure in of_source(source)
    )
    return f"INSERT INTO daily_total (measure, day, key, number, amount) {days} ORDER BY 1, 2, 3"


_ADD_UP = """
INSERT INTO {table} (measure, {column}, key, number, amount)
SELECT measure, :first, key, sum(number), sum(amount) FROM {parts}
 WHERE measure = ANY(:measures) AND {part} >= :first AND {part} < :until GROUP BY measure, key ORDER BY measure, key"""
INSERT_MONTH = _ADD_UP.format(table="monthly_total", column="month", parts="daily_total", part="day")
INSERT_YEAR = _ADD_UP.format(table="yearly_total", column="year", parts="monthly_total", part="month")


def lock_tables(source: Source) -> str:
    """Wait until nobody writes the source's tables, and let nobody write them until the transaction ends."""
    return f"LOCK TABLE {', '.join((source.name, *source.parts))} IN SHARE MODE"


def first_day(source: Source) -> str:
    """The day of the first record; NULL when there is none."""
    first = f"(min({source.day}) AT TIME ZONE :zone)::date" if source.is_instant else f"min({source.day})"
    return f"SELECT {first} FROM {source.name}"  # noqa: S608 - declarations # nosec B608


def measure_list() -> str:
    """The table `kind` of every measure and its source."""
    kinds = ", ".join(f"({_literal(measure.name)}, {_literal(measure.source.name)})" for measure in MEASURES)
    return f"(VALUES {kinds}) kind (measure, source)"


def all_days(measures: Iterable[Measure] = MEASURES) -> str:
    """The totals of every day, made from all records: measure, source, day, key, number, amount."""
    return " UNION ALL ".join(
        f"SELECT {_literal(measure.name)} AS measure, {_literal(measure.source.name)} AS source,"  # noqa: S608 - declarations # nosec B608
        f" {_day(measure.source)} AS day, {measure.key} AS key, count(*) AS number,"
        f" sum(({measure.amount})::numeric) AS amount FROM {measure.source.name} {measure.joined}"
        f" WHERE {measure.source.day} IS NOT NULL AND {measure.where} GROUP BY 1, 2, 3, 4"
        for measure in measures
    )
