"""Checks of `flask prove`: printed documents, and the snapshot taken when a bill was issued, against the records.

Bills and documents from before migration 0022 have fewer snapshot columns; missing ones are not compared.
"""

from __future__ import annotations

CHECKS = {
    "an issued bill has no snapshot": """
        SELECT b.number AS subject, NULL AS stored, NULL AS recomputed FROM bill b
         WHERE b.number IS NOT NULL AND b.updated_at >= :start AND b.updated_at < :end AND b.frozen IS NULL""",
    "the patient in a bill's snapshot is not its patient": """
        SELECT b.number AS subject, b.frozen->'patient'->>'hospital_number' AS stored, p.hospital_number AS recomputed
          FROM bill b JOIN patient p ON p.id = b.patient_id
         WHERE b.number IS NOT NULL AND b.updated_at >= :start AND b.updated_at < :end
           AND b.frozen->'patient'->>'hospital_number' IS DISTINCT FROM p.hospital_number""",
    "the total or the discount in a bill's snapshot is not its own": """
        SELECT b.number AS subject, b.frozen->>'total' || ' less ' || (b.frozen->>'discount') AS stored,
               b.total || ' less ' || b.discount AS recomputed
          FROM bill b
         WHERE b.number IS NOT NULL AND b.updated_at >= :start AND b.updated_at < :end AND b.frozen ? 'total'
           AND (hms_amount(b.frozen->>'total') IS DISTINCT FROM b.total
                OR hms_amount(b.frozen->>'discount') IS DISTINCT FROM b.discount)""",
    "a stored invoice has another number, patient or total than its bill": """
        SELECT 'document ' || d.id AS subject,
               concat_ws(', ', d.facts->>'number', d.facts->>'hospital_number', d.facts->>'total') AS stored,
               concat_ws(', ', b.number, p.hospital_number, b.total) AS recomputed
          FROM printed_document d JOIN bill b ON b.id = d.ref_id JOIN patient p ON p.id = b.patient_id
         WHERE d.kind = 'invoice' AND d.made_at >= :start AND d.made_at < :end AND d.facts->>'number' IS NOT NULL
           AND (d.facts->>'number' IS DISTINCT FROM b.number
                OR d.facts->>'hospital_number' IS DISTINCT FROM p.hospital_number
                OR hms_amount(d.facts->>'total') IS DISTINCT FROM b.total)""",
    "a stored invoice shows other payments than those of its bill": """
        SELECT 'document ' || d.id AS subject, d.facts->>'paid' AS stored, q.amount AS recomputed
          FROM printed_document d CROSS JOIN LATERAL (
                SELECT coalesce(sum(r.amount), 0) AS amount
                  FROM (SELECT CASE kind WHEN 'refund' THEN -amount ELSE amount END AS amount FROM payment
                         WHERE bill_id = d.ref_id ORDER BY id LIMIT hms_amount(d.facts->>'payments')) r) q
         WHERE d.kind = 'invoice' AND d.made_at >= :start AND d.made_at < :end AND d.facts->>'number' IS NOT NULL
           AND hms_amount(d.facts->>'paid') IS DISTINCT FROM q.amount""",
    "a stored document was changed after it was made": """
        SELECT 'document ' || d.id AS subject, left(d.digest, 12) AS stored,
               left(encode(sha256(d.content), 'hex'), 12) AS recomputed
          FROM printed_document d
         WHERE d.made_at >= :start AND d.made_at < :end AND d.digest <> encode(sha256(d.content), 'hex')""",
    "a stored invoice belongs to no bill": """
        SELECT 'document ' || d.id AS subject, d.ref_id AS stored, NULL AS recomputed
          FROM printed_document d
         WHERE d.kind = 'invoice' AND d.made_at >= :start AND d.made_at < :end
           AND NOT EXISTS (SELECT FROM bill b WHERE b.id = d.ref_id)""",
}
