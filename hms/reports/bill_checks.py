"""Checks of `flask prove`: bills against their lines, payments and approved corrections."""

from __future__ import annotations

CHECKS = {
    "a bill's total is not the sum of its lines less the discount": """
        SELECT coalesce(b.number, 'draft ' || b.id) AS subject, b.total AS stored,
               coalesce(sum(l.amount), 0) - b.discount AS recomputed
          FROM bill b LEFT JOIN bill_line l ON l.bill_id = b.id AND l.withdrawn_at IS NULL
         WHERE b.updated_at >= :start AND b.updated_at < :end AND NOT (b.status = 'void' AND b.number IS NULL)
         GROUP BY b.id HAVING b.total <> greatest(coalesce(sum(l.amount), 0) - b.discount, 0)""",
    "a bill's paid amount is not the sum of its payments less refunds": """
        SELECT coalesce(b.number, 'draft ' || b.id) AS subject, b.paid AS stored,
               coalesce(sum(CASE p.kind WHEN 'refund' THEN -p.amount ELSE p.amount END), 0) AS recomputed
          FROM bill b LEFT JOIN payment p ON p.bill_id = b.id
         WHERE b.updated_at >= :start AND b.updated_at < :end
         GROUP BY b.id HAVING b.paid <> coalesce(sum(CASE p.kind WHEN 'refund' THEN -p.amount ELSE p.amount END), 0)""",
    "a bill's state does not fit what is paid": """
        SELECT coalesce(number, 'draft ' || id) AS subject, paid AS stored, total AS recomputed FROM bill
         WHERE updated_at >= :start AND updated_at < :end
           AND ((status = 'paid' AND paid + written_off <> total)
                OR (status = 'part_paid' AND (paid = 0 OR paid + written_off >= total))
                OR (status IN ('draft', 'issued', 'void') AND paid <> 0))""",
    "what another payer paid on a bill is not the sum of their payments": """
        SELECT b.number AS subject, b.payer_paid AS stored,
               coalesce(sum(CASE p.kind WHEN 'refund' THEN -p.amount ELSE p.amount END), 0) AS recomputed
          FROM bill b LEFT JOIN payment p ON p.bill_id = b.id AND p.payer <> 'self'
         WHERE b.updated_at >= :start AND b.updated_at < :end
         GROUP BY b.id
        HAVING b.payer_paid <> coalesce(sum(CASE p.kind WHEN 'refund' THEN -p.amount ELSE p.amount END), 0)""",
    "what is written off a bill is not the approved amount": """
        SELECT b.number AS subject, b.written_off AS stored, coalesce(sum(c.amount), 0) AS recomputed
          FROM bill b LEFT JOIN correction c ON c.bill_id = b.id AND c.status = 'approved'
               AND (c.kind = 'write_off' OR c.kind = 'refund' AND c.is_credit)
         WHERE b.updated_at >= :start AND b.updated_at < :end
         GROUP BY b.id HAVING b.written_off <> coalesce(sum(c.amount), 0)""",
    "the lines that a request credits come to more than its amount": """
        SELECT 'request ' || c.id AS subject, c.amount AS stored, sum(l.amount) AS recomputed
          FROM correction c JOIN credit_line l ON l.correction_id = c.id
         WHERE c.created_at >= :start AND c.created_at < :end GROUP BY c.id HAVING sum(l.amount) > c.amount""",
    "more units of a line are credited than were charged": """
        SELECT 'line ' || b.id AS subject, b.quantity AS stored, sum(l.quantity) AS recomputed
          FROM bill_line b JOIN credit_line l ON l.bill_line_id = b.id
          JOIN correction c ON c.id = l.correction_id AND c.status IN ('waiting', 'approved')
         WHERE b.id IN (SELECT n.bill_line_id FROM credit_line n WHERE n.created_at >= :start AND n.created_at < :end)
         GROUP BY b.id HAVING sum(l.quantity) > b.quantity""",
    # Before migration 0021 a person other than the cashier could refund money or void a bill without a request; such old
    # rows are correct. The triggers of 0021 refuse new rows without an approved request.
    "a refund is not the approved one": """
        SELECT r.number AS subject, r.amount AS stored, c.amount AS recomputed
          FROM payment r LEFT JOIN payment p ON p.id = r.refunds_id LEFT JOIN correction c ON c.id = r.correction_id
         WHERE r.kind = 'refund' AND r.received_at >= :start AND r.received_at < :end
           AND (p.bill_id IS DISTINCT FROM r.bill_id OR p.kind <> 'payment'
                OR (c.id IS NULL AND r.received_by_id IS NOT DISTINCT FROM p.received_by_id)
                OR (c.id IS NOT NULL AND (c.kind <> 'refund' OR c.status <> 'approved' OR c.amount <> r.amount
                     OR c.payment_id <> r.refunds_id OR c.decided_by_id IS NOT DISTINCT FROM c.proposed_by_id)))""",
    "more of a payment was refunded than was paid": """
        SELECT p.number AS subject, p.amount AS stored, sum(r.amount) AS recomputed
          FROM payment p JOIN payment r ON r.refunds_id = p.id
         WHERE p.id IN (SELECT n.refunds_id FROM payment n WHERE n.received_at >= :start AND n.received_at < :end)
         GROUP BY p.id HAVING sum(r.amount) > p.amount""",
    # Old rows as above.
    "an issued bill was voided without approval": """
        SELECT b.number AS subject, NULL AS stored, NULL AS recomputed FROM bill b
         WHERE b.updated_at >= :start AND b.updated_at < :end AND b.status = 'void' AND b.number IS NOT NULL
           AND b.voided_by_id IS NOT DISTINCT FROM b.issued_by_id
           AND NOT EXISTS (SELECT FROM correction c WHERE c.bill_id = b.id AND c.kind = 'void' AND c.status = 'approved'
                              AND c.decided_by_id <> c.proposed_by_id)""",
    "an approved correction was not done": """
        SELECT 'request ' || c.id AS subject, c.amount AS stored, NULL AS recomputed
          FROM correction c JOIN bill b ON b.id = c.bill_id
         WHERE c.status = 'approved' AND c.decided_at >= :start AND c.decided_at < :end
           AND ((c.kind = 'void' AND b.status <> 'void')
                OR (c.kind = 'refund' AND NOT EXISTS (SELECT FROM payment p WHERE p.correction_id = c.id)))""",
    "a bill and its encounter belong to different patients": """
        SELECT coalesce(b.number, 'draft ' || b.id) AS subject, NULL AS stored, NULL AS recomputed
          FROM bill b JOIN encounter e ON e.id = b.encounter_id
         WHERE b.updated_at >= :start AND b.updated_at < :end AND e.patient_id <> b.patient_id""",
}
