"""The SQL of the totals, made from the declarations of the measures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from .measures import MEASURES, Measure, Source

# Materialized parts have the same estimate for every period, so that PostgreSQL plans a busy statement only once. Each
# aggregate stands in a LATERAL subquery: for each of the few ranges it reads a range of an index.
_RANGES = """
WITH period AS MATERIALIZED (
    SELECT n, coalesce(f, '-infinity') AS first, coalesce(u, 'infinity') AS until
      FROM unnest(CAST(:firsts AS date[]), CAST(:untils AS date[])) WITH ORDINALITY AS p (f, u, n)),
state AS MATERIALIZED (
    SELECT source, CASE zone WHEN :zone THEN settled_until ELSE '-infinity' END AS settled_until
      FROM settled_days WHERE source IN ({sources})),
open_day AS MATERIALIZED (
    SELECT DISTINCT u.source, u.day, date_trunc('month', u.day::timestamp)::date AS month
      FROM state s JOIN unsettled_day u ON u.source = s.source AND u.day < s.settled_until),
span AS MATERIALIZED (
    SELECT p.*, s.*, least(until, settled_until) AS settled,
           (date_trunc('month', (first - 1)::timestamp) + interval '1 month')::date AS month_first,
           greatest((date_trunc('month', (first - 1)::timestamp) + interval '1 month')::date,
                    date_trunc('month', least(until, settled_until)::timestamp)::date) AS month_until
      FROM period p CROSS JOIN state s),
daily_range AS MATERIALIZED (
    SELECT n, source, first AS lo, least(month_first, settled) AS hi FROM span
    UNION ALL SELECT n, source, month_until, settled FROM span
    UNION ALL SELECT DISTINCT s.n, s.source, o.month, (o.month + interval '1 month')::date
      FROM span s JOIN open_day o ON o.source = s.source AND o.month >= s.month_first AND o.month < s.month_until),
raw_range AS MATERIALIZED (
    SELECT s.n, s.source, o.day AS lo, o.day + 1 AS hi
      FROM span s JOIN open_day o ON o.source = s.source AND o.day >= s.first AND o.day < s.until
    UNION ALL SELECT n, source, greatest(first, settled_until), until FROM span WHERE settled_until < until),
kind (measure, source) AS (VALUES {kinds})"""

_SETTLED = """
    SELECT s.n, k.measure, t.*
      FROM span s JOIN kind k ON k.source = s.source CROSS JOIN LATERAL (
           SELECT {month} AS month, key, sum(number)::bigint AS number, sum(amount) AS amount FROM monthly_total
            WHERE measure = k.measure AND month >= s.month_first AND month < s.month_until
              AND NOT EXISTS (SELECT FROM open_day o WHERE o.source = s.source AND o.month = monthly_total.month)
            GROUP BY 1, 2) t
    UNION ALL
    SELECT r.n, k.measure, t.*
      FROM daily_range r JOIN kind k ON k.source = r.source CROSS JOIN LATERAL (
           SELECT {month_of_day} AS month, key, sum(number)::bigint AS number, sum(amount) AS amount FROM daily_total
            WHERE measure = k.measure AND day >= r.lo AND day < r.hi
              AND NOT EXISTS (SELECT FROM open_day o WHERE o.source = r.source AND o.day = daily_total.day)
            GROUP BY 1, 2) t"""

_ANY_MONTH = "NULL::date"
_MONTH_OF = "date_trunc('month', ({day})::timestamp)::date"


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
def with_totals(measures: Sequence[Measure], *, by_month: bool = False) -> str:
    """The WITH clause of the table `total` (n, measure, month, key, number, amount), for periods in hospital days.

    Parameters: `firsts` and `untils` (arrays of days; None is without limit), `zone`. `n` is the number of the period, from
    1. Settled months and days are read from the totals, all other days from the records. There may be several rows for a
    key: add them up. `month` is NULL unless `by_month`.
    """
    sources = ", ".join(_literal(name) for name in dict.fromkeys(measure.source.name for measure in measures))
    kinds = ", ".join(f"({_literal(measure.name)}, {_literal(measure.source.name)})" for measure in measures)
    settled = _SETTLED.format(
        month="month" if by_month else _ANY_MONTH,
        month_of_day=_MONTH_OF.format(day="day") if by_month else _ANY_MONTH,
    )
    raw = "".join(_live_part(measure, by_month=by_month) for measure in measures)
    return f"{_RANGES.format(sources=sources, kinds=kinds)},\ntotal AS ({settled}{raw})"


def _live_part(measure: Measure, *, by_month: bool) -> str:
    month = _MONTH_OF.format(day=_day(measure.source)) if by_month else _ANY_MONTH
    records = _raw(measure, f"{month} AS month", "r.lo", "r.hi", "1, 2")
    return (
        f" UNION ALL SELECT r.n, {_literal(measure.name)}, t.* FROM raw_range r CROSS JOIN LATERAL ({records}) t"  # noqa: S608 - declarations # nosec B608
        f" WHERE r.source = {_literal(measure.source.name)}"
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
    return "INSERT INTO daily_total (measure, day, key, number, amount) " + " UNION ALL ".join(
        _raw(
            measure,
            f"{_literal(measure.name)} AS measure, {_day(source)} AS day",
            "CAST(:first AS date)",
            "CAST(:until AS date)",
            "1, 2, 3",
        )
        for measure in of_source(source)
    )


INSERT_MONTH = """
INSERT INTO monthly_total (measure, month, key, number, amount)
SELECT measure, :month, key, sum(number), sum(amount) FROM daily_total
 WHERE measure = ANY(:measures) AND day >= :month AND day < CAST(CAST(:month AS date) + interval '1 month' AS date)
 GROUP BY measure, key"""


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
