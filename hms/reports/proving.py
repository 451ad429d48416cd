"""Re-adds every total of money and stock from its single entries, and looks for holes in numbered papers.

Each check is one query whose rows are the faults, in words. A hospital whose books fit returns none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import text

from hms.core import clock
from hms.core.db import db

CHECKS = {
    "a bill's total is not the sum of its lines less the discount": """
        SELECT b.id, coalesce(b.number, 'draft ' || b.id) AS what, b.total AS kept,
               coalesce(sum(l.amount), 0) - b.discount AS added
          FROM bill b LEFT JOIN bill_line l ON l.bill_id = b.id AND l.withdrawn_at IS NULL
         WHERE b.updated_at >= :start AND b.updated_at < :end
         GROUP BY b.id HAVING b.total <> greatest(coalesce(sum(l.amount), 0) - b.discount, 0)""",
    "a bill's paid amount is not the sum of its payments less refunds": """
        SELECT b.id, coalesce(b.number, 'draft ' || b.id) AS what, b.paid AS kept,
               coalesce(sum(CASE p.kind WHEN 'refund' THEN -p.amount ELSE p.amount END), 0) AS added
          FROM bill b LEFT JOIN payment p ON p.bill_id = b.id
         WHERE b.updated_at >= :start AND b.updated_at < :end
         GROUP BY b.id HAVING b.paid <> coalesce(sum(CASE p.kind WHEN 'refund' THEN -p.amount ELSE p.amount END), 0)""",
    "a bill's state does not fit what is paid": """
        SELECT id, number AS what, paid AS kept, total AS added FROM bill
         WHERE updated_at >= :start AND updated_at < :end
           AND ((status = 'paid' AND paid + written_off <> total)
                OR (status = 'part_paid' AND (paid = 0 OR paid + written_off >= total))
                OR (status IN ('draft', 'issued') AND paid <> 0))""",
    "what another payer paid on a bill is not the sum of their payments": """
        SELECT b.id, b.number AS what, b.payer_paid AS kept,
               coalesce(sum(CASE p.kind WHEN 'refund' THEN -p.amount ELSE p.amount END), 0) AS added
          FROM bill b LEFT JOIN payment p ON p.bill_id = b.id AND p.payer <> 'self'
         WHERE b.updated_at >= :start AND b.updated_at < :end
         GROUP BY b.id
        HAVING b.payer_paid <> coalesce(sum(CASE p.kind WHEN 'refund' THEN -p.amount ELSE p.amount END), 0)""",
    "what is written off a bill is not what second persons agreed to": """
        SELECT b.id, b.number AS what, b.written_off AS kept, coalesce(sum(c.amount), 0) AS added
          FROM bill b LEFT JOIN correction c ON c.bill_id = b.id AND c.kind = 'write_off' AND c.status = 'approved'
         WHERE b.updated_at >= :start AND b.updated_at < :end
         GROUP BY b.id HAVING b.written_off <> coalesce(sum(c.amount), 0)""",
    "a batch's stock is not the sum of its movements": """
        SELECT b.id, b.lot_number AS what, b.quantity AS kept, coalesce(sum(m.quantity), 0) AS added
          FROM batch b LEFT JOIN stock_movement m ON m.batch_id = b.id
         GROUP BY b.id HAVING b.quantity <> coalesce(sum(m.quantity), 0)""",
    "a medicine's stock is not the sum of its batches": """
        SELECT m.id, m.name AS what, m.current_stock AS kept, coalesce(sum(b.quantity), 0) AS added
          FROM medication m LEFT JOIN batch b ON b.medication_id = m.id
         GROUP BY m.id HAVING m.current_stock <> coalesce(sum(b.quantity), 0)""",
    "what was handed over is not what left the batches": """
        SELECT d.id, 'dispense ' || d.id AS what, d.quantity AS kept, -coalesce(sum(m.quantity), 0) AS added
          FROM dispense d LEFT JOIN stock_movement m ON m.dispense_id = d.id AND m.kind = 'dispense'
         WHERE d.dispensed_at >= :start AND d.dispensed_at < :end
         GROUP BY d.id HAVING d.quantity <> -coalesce(sum(m.quantity), 0)""",
    "numbers are missing in a series of papers": """
        SELECT 0 AS id, s.series AS what, s.last_number AS kept, count(n.number) AS added
          FROM (SELECT series, last_number, split_part(series, ':', 2) AS year,
                       CASE split_part(series, ':', 1) WHEN 'bill' THEN 'B' WHEN 'payment' THEN 'R' WHEN 'refund' THEN 'C'
                            WHEN 'closing' THEN 'Z' WHEN 'goods' THEN 'G' END AS letter
                  FROM number_series) s
          LEFT JOIN (SELECT number FROM bill UNION ALL SELECT number FROM payment UNION ALL SELECT number FROM goods_receipt
                     UNION ALL SELECT number FROM cash_shift) n
            ON n.number LIKE s.letter || '-' || s.year || '-%'
         WHERE s.letter IS NOT NULL
         GROUP BY s.series, s.last_number HAVING s.last_number <> count(n.number)""",
}


def faults(day: date | None = None) -> Iterator[str]:
    """Every figure that does not fit, in words; of bills and dispensing of hospital day `day` only, when given."""
    start, end = (
        clock.day_bounds(day)
        if day
        else clock.day_bounds(date(1900, 1, 1))[:1] + clock.day_bounds(date(2199, 1, 1))[1:]
    )
    db.session.execute(text("SET LOCAL statement_timeout = 0"))
    for said, query in CHECKS.items():
        for row in db.session.execute(text(query), {"start": start, "end": end}).mappings():
            yield _in_words(said, row)


def _in_words(said: str, row: Any) -> str:
    return f"{row['what']}: {said} (kept {row['kept']}, re-added {row['added']})"
