"""Checks of `flask prove`: the totals of settled days against their records, of months and years against their days.

Days whose records changed since are not compared: readers count their records.
"""

from __future__ import annotations

from .totals import statements

_IN_DAYS = "day >= (:start AT TIME ZONE :zone)::date AND day < (:end AT TIME ZONE :zone)::date"
_FIGURES = (
    "concat_ws(', ', measure, day, nullif(key, '')) AS subject, t.number || ' with ' || t.amount AS stored,"
    " r.number || ' with ' || r.amount AS recomputed"
)
_DIFFERENT = "(t.number IS DISTINCT FROM r.number OR t.amount IS DISTINCT FROM r.amount)"


def checks() -> dict[str, str]:
    """The queries that find wrong totals, by what is wrong."""
    return {
        "the total of a day is not that of its records": _daily_check(),
        "the total of a month is not the sum of its days": _sum_check("monthly_total", "month", "daily_total", "day"),
        "the total of a year is not the sum of its months": _sum_check(
            "yearly_total", "year", "monthly_total", "month"
        ),
    }


def _daily_check() -> str:
    return f"""
        SELECT {_FIGURES}
          FROM (SELECT * FROM ({statements.all_days()}) a WHERE {_IN_DAYS}) r
          FULL JOIN (SELECT * FROM daily_total JOIN {statements.measure_list()} USING (measure) WHERE {_IN_DAYS}) t
         USING (measure, source, day, key) JOIN settled_days s USING (source)
         WHERE s.zone = :zone AND day < s.settled_until AND {_DIFFERENT}
           AND NOT EXISTS (SELECT FROM unsettled_day u WHERE u.source = s.source AND u.day = coalesce(t.day, r.day))"""  # noqa: S608 - declarations # nosec B608


def _sum_check(table: str, unit: str, parts: str, part: str) -> str:
    """Compares every month or year, also when only one day is checked."""
    return f"""
        SELECT {_FIGURES}
          FROM (SELECT measure, source, date_trunc('{unit}', {part}::timestamp)::date AS day, key,
                       sum(number)::bigint AS number, sum(amount) AS amount
                  FROM {parts} JOIN {statements.measure_list()} USING (measure) GROUP BY 1, 2, 3, 4) r
          FULL JOIN (SELECT measure, source, {unit} AS day, key, number, amount
                       FROM {table} JOIN {statements.measure_list()} USING (measure)) t
         USING (measure, source, day, key) JOIN settled_days s USING (source)
         WHERE s.zone = :zone AND (day + interval '1 {unit}')::date <= s.settled_until AND {_DIFFERENT}
           AND NOT EXISTS (SELECT FROM unsettled_day u WHERE u.source = s.source
                              AND date_trunc('{unit}', u.day::timestamp)::date = coalesce(t.day, r.day))"""  # noqa: S608 - declarations # nosec B608
