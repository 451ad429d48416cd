"""Checks of `flask prove`: the running totals of settled days against their records, those of months against their days.

What a running total adds to the one before it must be the total of the records of that day. Days whose records changed since are
not compared: readers count their records.
"""

from __future__ import annotations

from .totals import statements

_DAYS = "day >= (:start AT TIME ZONE :zone)::date AND day < (:end AT TIME ZONE :zone)::date"
_FIGURES = (
    "concat_ws(', ', measure, day, nullif(key, '')) AS subject, t.number || ' with ' || t.amount AS stored,"
    " r.number || ' with ' || r.amount AS recomputed"
)
_DIFFERENT = "(t.number IS DISTINCT FROM r.number OR t.amount IS DISTINCT FROM r.amount)"
_ADDED = "SELECT measure, day, key, sum(number)::bigint AS number, sum(amount) AS amount"


def checks() -> dict[str, str]:
    """The queries that find wrong totals, by what is wrong."""
    return {
        "the total of a day is not that of its records": _daily_check(),
        "the total before a month is not the sum of the months before it": _monthly_check(),
    }


def _daily_check() -> str:
    """A day adds what its running total has more than that of the day before, in the same month."""
    return f"""
        SELECT {_FIGURES}
          FROM (SELECT * FROM ({statements.all_days()}) a WHERE {_DAYS}) r
          FULL JOIN (
              SELECT a.*, source FROM (
                  {_ADDED} FROM (
                      SELECT measure, day, key, number, amount FROM month_to_date WHERE {_DAYS}
                      UNION ALL
                      SELECT measure, day, key, -number, -amount FROM (
                          SELECT measure, day + 1 AS day, key, number, amount FROM month_to_date) b
                       WHERE {_DAYS} AND extract(day FROM day) > 1) d
                   GROUP BY 1, 2, 3 HAVING sum(number) <> 0 OR sum(amount) <> 0) a
                JOIN {statements.measure_list()} USING (measure)) t
         USING (measure, source, day, key) JOIN settled_days s USING (source)
         WHERE s.zone = :zone AND day < s.settled_until AND {_DIFFERENT}
           AND NOT EXISTS (SELECT FROM unsettled_day u WHERE u.source = s.source AND u.day = coalesce(t.day, r.day))"""  # noqa: S608 - declarations # nosec B608


def _monthly_check() -> str:
    """A month adds its last day's running total. Every month is compared, also when only one day is checked."""
    return f"""
        SELECT {_FIGURES}
          FROM (SELECT measure, (day + 1) AS day, key, number, amount FROM month_to_date
                 WHERE extract(day FROM day + 1) = 1 AND (number <> 0 OR amount <> 0)) r
          FULL JOIN (
              {_ADDED} FROM (
                  SELECT measure, month AS day, key, number, amount FROM total_before_month
                  UNION ALL
                  SELECT measure, (month + interval '1 month')::date, key, -number, -amount FROM total_before_month) m
               GROUP BY 1, 2, 3 HAVING sum(number) <> 0 OR sum(amount) <> 0) t
         USING (measure, day, key) JOIN {statements.measure_list()} USING (measure) JOIN settled_days s USING (source)
         WHERE s.zone = :zone AND day <= s.settled_until AND {_DIFFERENT}"""  # noqa: S608 - declarations # nosec B608
