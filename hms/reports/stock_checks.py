"""Checks of `flask prove`: batches, medicines and dispensed quantities against stock movements."""

from __future__ import annotations

CHECKS = {
    "a batch's stock is not the sum of its movements": """
        SELECT b.lot_number AS subject, b.quantity AS stored, coalesce(sum(m.quantity), 0) AS recomputed
          FROM batch b LEFT JOIN stock_movement m ON m.batch_id = b.id
         GROUP BY b.id HAVING b.quantity <> coalesce(sum(m.quantity), 0)""",
    "a medicine's stock is not the sum of its batches": """
        SELECT m.name AS subject, m.current_stock AS stored, coalesce(sum(b.quantity), 0) AS recomputed
          FROM medication m LEFT JOIN batch b ON b.medication_id = m.id
         GROUP BY m.id HAVING m.current_stock <> coalesce(sum(b.quantity), 0)""",
    "a dispensed quantity is not what left the batches": """
        SELECT 'dispense ' || d.id AS subject, d.quantity AS stored, -coalesce(sum(m.quantity), 0) AS recomputed
          FROM dispense d LEFT JOIN stock_movement m ON m.dispense_id = d.id AND m.kind = 'dispense'
         WHERE d.dispensed_at >= :start AND d.dispensed_at < :end
         GROUP BY d.id HAVING d.quantity <> -coalesce(sum(m.quantity), 0)""",
    "a medicine was dispensed to another patient than it was prescribed for": """
        SELECT 'dispense ' || d.id AS subject, d.patient_id AS stored, r.patient_id AS recomputed
          FROM dispense d JOIN prescription r ON r.id = d.prescription_id
         WHERE d.dispensed_at >= :start AND d.dispensed_at < :end AND d.patient_id <> r.patient_id""",
}
