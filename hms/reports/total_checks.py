"""Checks of `flask prove`: the totals of settled days against the records of these days, and of months against their days.

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
        "the total of a month is not the sum of its days": _monthly_check(),
    }


def _daily_check() -> str:
    return f"""
        SELECT {_FIGURES}
          FROM (SELECT * FROM ({statements.all_days()}) a WHERE {_IN_DAYS}) r
          FULL JOIN (SELECT * FROM daily_total JOIN {statements.measure_list()} USING (measure) WHERE {_IN_DAYS}) t
         USING (measure, source, day, key) JOIN settled_days s USING (source)
         WHERE s.zone = :zone AND day < s.settled_until AND {_DIFFERENT}
           AND NOT EXISTS (SELECT FROM unsettled_day u WHERE u.source = s.source AND u.day = coalesce(t.day, r.day))"""  # noqa: S608 - declarations # nosec B608


def _monthly_check() -> str:
    """Compares every month, also when only one day is checked."""
    return f"""
        SELECT {_FIGURES}
          FROM (SELECT measure, source, date_trunc('month', day::timestamp)::date AS day, key,
                       sum(number)::bigint AS number, sum(amount) AS amount
                  FROM daily_total JOIN {statements.measure_list()} USING (measure) GROUP BY 1, 2, 3, 4) r
          FULL JOIN (SELECT measure, source, month AS day, key, number, amount
                       FROM monthly_total JOIN {statements.measure_list()} USING (measure)) t
         USING (measure, source, day, key) JOIN settled_days s USING (source)
         WHERE s.zone = :zone AND (day + interval '1 month')::date <= s.settled_until AND {_DIFFERENT}
           AND NOT EXISTS (SELECT FROM unsettled_day u WHERE u.source = s.source
                              AND date_trunc('month', u.day::timestamp)::date = coalesce(t.day, r.day))"""  # noqa: S608 - declarations # nosec B608
