"""Checks of `flask prove`: cash shifts with their float, payments and counts.

A count is a JSON object of amounts by method; `hms_amount` (migration 0022) returns NULL for anything that is no amount,
which then does not match.
"""

from __future__ import annotations

CHECKS = {
    "the expected amount of a counted till is not its float and its payments": """
        SELECT coalesce(s.number, 'till ' || s.id) || ', ' || m.method AS subject,
               s.expected->>m.method AS stored, m.amount AS recomputed
          FROM cash_shift s CROSS JOIN LATERAL (
                SELECT n.method, coalesce(t.amount, 0) + CASE n.method WHEN 'Cash' THEN s.float_amount ELSE 0 END AS amount
                  FROM (SELECT jsonb_object_keys(hms_object(s.expected)) UNION SELECT 'Cash'
                        UNION SELECT q.method FROM payment q WHERE q.shift_id = s.id) AS n (method)
                  LEFT JOIN (SELECT p.method, sum(CASE p.kind WHEN 'refund' THEN -p.amount ELSE p.amount END) AS amount
                               FROM payment p WHERE p.shift_id = s.id GROUP BY p.method) t ON t.method = n.method) m
         WHERE s.counted IS NOT NULL
           AND coalesce(s.closed_at, s.updated_at) >= :start AND coalesce(s.closed_at, s.updated_at) < :end
           AND hms_amount(coalesce(s.expected->>m.method, '0')) IS DISTINCT FROM m.amount""",
    "a closed till was not counted, or has no number": """
        SELECT coalesce(s.number, 'till ' || s.id) AS subject, NULL AS stored, NULL AS recomputed FROM cash_shift s
         WHERE s.closed_at >= :start AND s.closed_at < :end
           AND (s.counted IS NULL OR s.expected IS NULL OR s.number IS NULL OR s.closed_at < s.opened_at)""",
    "a till was closed with a difference without a reason": """
        SELECT coalesce(s.number, 'till ' || s.id) || ', ' || n.method AS subject,
               s.expected->>n.method AS stored, s.counted->'methods'->>n.method AS recomputed
          FROM cash_shift s CROSS JOIN LATERAL
               (SELECT jsonb_object_keys(hms_object(s.expected))
                UNION SELECT jsonb_object_keys(hms_object(s.counted->'methods'))) AS n (method)
         WHERE s.closed_at >= :start AND s.closed_at < :end AND btrim(s.difference_reason) = ''
           AND hms_amount(coalesce(s.expected->>n.method, '0')) IS DISTINCT FROM
               hms_amount(coalesce(s.counted->'methods'->>n.method, '0'))""",
    "the cash count of a till is less than its notes and coins": """
        SELECT coalesce(s.number, 'till ' || s.id) AS subject, s.counted->'methods'->>'Cash' AS stored, c.worth AS recomputed
          FROM cash_shift s CROSS JOIN LATERAL
               (SELECT sum(hms_amount(k.key) * hms_amount(k.value)) AS worth
                  FROM jsonb_each_text(hms_object(s.counted->'pieces')) k) c
         WHERE s.closed_at >= :start AND s.closed_at < :end
           AND c.worth > coalesce(hms_amount(s.counted->'methods'->>'Cash'), 0)""",
    "money went through a till that was not open": """
        SELECT p.number AS subject, coalesce(s.number, 'till ' || s.id) AS stored,
               to_char(p.received_at, 'YYYY-MM-DD HH24:MI:SS') AS recomputed
          FROM payment p JOIN cash_shift s ON s.id = p.shift_id
         WHERE p.received_at >= :start AND p.received_at < :end
           AND (p.received_at > s.closed_at OR p.received_at < s.opened_at)""",
    "a payment is not in a till of the person who took it": """
        SELECT p.number AS subject, s.cashier_id AS stored, p.received_by_id AS recomputed
          FROM payment p LEFT JOIN cash_shift s ON s.id = p.shift_id
         WHERE p.received_at >= :start AND p.received_at < :end
           AND s.cashier_id IS DISTINCT FROM p.received_by_id""",
}
