"""Checks of `flask prove`: document numbers against the counters of their series, for all days.

The view `paper_number` (migration 0022) has every number with its series; `n` is its number there, NULL when the number
has the wrong format.
"""

from __future__ import annotations

CHECKS = {
    "numbers are missing in a series of documents": """
        SELECT g.series || ', ' || g.before + 1 || ' to ' || g.n - 1 AS subject, g.n - g.before - 1 AS stored, 0 AS recomputed
          FROM (SELECT u.series, u.n, lag(u.n, 1, 0::bigint) OVER (PARTITION BY u.series ORDER BY u.n) AS before
                  FROM (SELECT series, n FROM paper_number WHERE n IS NOT NULL
                        UNION ALL
                        SELECT series, last_number + 1 FROM number_series
                         WHERE split_part(series, ':', 1) IN ('bill', 'payment', 'refund', 'closing', 'goods')) u) g
         WHERE g.n - g.before > 1""",
    "a number is on several documents": """
        SELECT min(u.number) AS subject, 1 AS stored, count(*) AS recomputed
          FROM paper_number u WHERE u.n IS NOT NULL GROUP BY u.series, u.n HAVING count(*) > 1""",
    "a document has a number that its series has not reached": """
        SELECT u.number AS subject, coalesce(s.last_number, 0) AS stored, u.n AS recomputed
          FROM paper_number u LEFT JOIN number_series s ON s.series = u.series
         WHERE u.n > coalesce(s.last_number, 0) OR u.n = 0""",
    "a document has a number of another kind of document": """
        SELECT u.number AS subject, NULL AS stored, NULL AS recomputed FROM paper_number u WHERE u.n IS NULL""",
}
