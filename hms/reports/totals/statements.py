"""The SQL of the totals, made from the declarations of the measures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from sqlalchemy import TextClause, TextualSelect, text

from .measures import MEASURES, Measure, Source

# Each table is read in a LATERAL subquery, by a range of an index for each of the few parts; OFFSET 0 keeps PostgreSQL from
# joining it otherwise. The parts are materialized: they have the same estimate for every period, and PostgreSQL plans a busy
# statement only once.
_PARTS = """
WITH part AS MATERIALIZED (SELECT * FROM hms_total_parts(ARRAY[{sources}], :firsts, :untils, :zone)),
kind (measure, source, most) AS (VALUES {kinds})"""

_RUNNING = """
SELECT p.n, k.measure, t.month, t.key, p.sign * t.number AS number, p.sign * t.amount AS amount
  FROM part p JOIN kind k ON k.source = p.source AND p.n <= k.most CROSS JOIN LATERAL ({rows} OFFSET 0) t
 WHERE p.level = '{level}'"""

_TO_DATE = "SELECT {month} AS month, key, number, amount FROM month_to_date WHERE measure = k.measure AND day = p.lo"
_BEFORE_MONTH = """
SELECT NULL::date AS month, key, number, amount FROM total_before_month WHERE measure = k.measure AND month = p.lo"""
_EACH_MONTH_BEFORE = """
SELECT (month - interval '1 month')::date AS month, key, number - lag(number, 1, 0::bigint) OVER earlier AS number,
       amount - lag(amount, 1, 0::numeric) OVER earlier AS amount
  FROM total_before_month WHERE measure = k.measure AND month <= p.lo
WINDOW earlier AS (PARTITION BY key ORDER BY month)"""

_ANY_MONTH = "NULL::date"
_MONTH_OF = "date_trunc('month', ({day})::timestamp)::date"


@cache
def clause(statement: str) -> TextClause:
    """A statement that writes, kept, on one line: the driver keeps what it has parsed of short statements only."""
    return text(" ".join(statement.split()))


@cache
def selection(statement: str) -> TextualSelect:
    """The same of a SELECT. The session does not take it for a write, which a request would end with ROLLBACK."""
    return clause(statement).columns()


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
    1; measures of `first_only` are read for the first period only. What is settled is the difference of running totals, all
    other days are read from the records. `month` is NULL unless `by_month`.
    """
    wanted = [(measure, 1_000) for measure in measures] + [(measure, 1) for measure in first_only]
    sources = ", ".join(_literal(name) for name in dict.fromkeys(measure.source.name for measure, _most in wanted))
    kinds = ", ".join(f"('{measure.name}', '{measure.source.name}', {most})" for measure, most in wanted)
    month = _MONTH_OF.format(day="p.lo") if by_month else _ANY_MONTH
    running = [
        _RUNNING.format(level="month", rows=_EACH_MONTH_BEFORE if by_month else _BEFORE_MONTH),
        _RUNNING.format(level="day", rows=_TO_DATE.format(month=month)),
    ]
    records = [_of_records(measure, most, by_month=by_month) for measure, most in wanted]
    return (
        f"{_PARTS.format(sources=sources, kinds=kinds)}, total AS ("  # noqa: S608 - declarations # nosec B608
        "SELECT n, measure, month, key, sum(number)::bigint AS number, sum(amount) AS amount"
        f" FROM ({' UNION ALL '.join([*running, *records])}) t GROUP BY 1, 2, 3, 4 HAVING sum(number) <> 0)"
    )


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
    return f"{with_totals(measures, by_month=by_month)} SELECT n, measure, month, key, number, amount FROM total"  # noqa: S608 - declarations # nosec B608


_BEFORE = """
SELECT measure, {day} AS day, key, number, amount FROM month_to_date
 WHERE measure = ANY(:measures) AND day = CAST(:first AS date) - 1 AND day >= :month"""
"""The running total on the eve of `first`; none when `first` is the first of the month."""


@cache
def insert_days(source: Source) -> str:
    """Make the running totals of the days from `first` to before `until`, which are in one month, from the records."""
    before = _BEFORE.format(day="CAST(:first AS date)")
    return (
        "INSERT INTO month_to_date (measure, day, key, number, amount)"  # noqa: S608 - declarations # nosec B608
        f" SELECT measure, day + later, key, sum(number), sum(amount) FROM ({_each_day(source)} UNION ALL {before}) d"
        " CROSS JOIN LATERAL generate_series(0, CAST(:until AS date) - 1 - day) later GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )


@cache
def correct_day(source: Source) -> str:
    """Correct the running totals from the day `first` on by what its records have more, or less, than was counted of it.

    `until` is the end of the settled days of the month; running totals of months are those from `next_month` to `last_month`.
    """
    counted = (
        "SELECT measure, day, key, -number, -amount FROM month_to_date WHERE measure = ANY(:measures) AND day = :first"
    )
    add = "DO UPDATE SET number = t.number + excluded.number, amount = t.amount + excluded.amount"
    return (
        "WITH changed AS (SELECT measure, key, sum(number) AS number, sum(amount) AS amount"  # noqa: S608 - declarations # nosec B608
        f" FROM ({_each_day(source)} UNION ALL {counted} UNION ALL {_BEFORE.format(day='day')}) c"
        " GROUP BY 1, 2 HAVING sum(number) <> 0 OR sum(amount) <> 0), days AS ("
        "INSERT INTO month_to_date AS t (measure, day, key, number, amount)"
        " SELECT measure, CAST(:first AS date) + later, key, number, amount FROM changed"
        " CROSS JOIN generate_series(0, CAST(:until AS date) - 1 - CAST(:first AS date)) later"
        f" ON CONFLICT (measure, day, key) {add})"
        " INSERT INTO total_before_month AS t (measure, month, key, number, amount)"
        " SELECT measure, month::date, key, number, amount FROM changed CROSS JOIN generate_series("
        "CAST(:next_month AS timestamp), CAST(:last_month AS timestamp), interval '1 month') month"
        f" ON CONFLICT (measure, month, key) {add}"
    )


def _each_day(source: Source) -> str:
    """The totals of each day from `first` to before `end`, from the records: measure, day, key, number, amount."""
    return " UNION ALL ".join(
        _raw(
            measure,
            f"{_literal(measure.name)} AS measure, {_day(source)} AS day",
            "CAST(:first AS date)",
            "CAST(:end AS date)",
            "1, 2, 3",
        )
        for measure in of_source(source)
    )


INSERT_MONTH = """
INSERT INTO total_before_month (measure, month, key, number, amount)
SELECT measure, :until, key, sum(number), sum(amount) FROM (
    SELECT measure, key, number, amount FROM total_before_month WHERE measure = ANY(:measures) AND month = :month
    UNION ALL SELECT measure, key, number, amount FROM month_to_date
     WHERE measure = ANY(:measures) AND day = CAST(:until AS date) - 1) m
 GROUP BY measure, key ORDER BY measure, key"""
"""Make the running totals of the month `until` from those of the month before it."""


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
