"""Checks of `flask prove`: batches, medicines and dispensed quantities against stock movements."""

from __future__ import annotations

CHECKS = {
    "a batch's stock is not the sum of its movements": """
        SELECT b.lot_number AS what, b.quantity AS kept, coalesce(sum(m.quantity), 0) AS added
          FROM batch b LEFT JOIN stock_movement m ON m.batch_id = b.id
         GROUP BY b.id HAVING b.quantity <> coalesce(sum(m.quantity), 0)""",
    "a medicine's stock is not the sum of its batches": """
        SELECT m.name AS what, m.current_stock AS kept, coalesce(sum(b.quantity), 0) AS added
          FROM medication m LEFT JOIN batch b ON b.medication_id = m.id
         GROUP BY m.id HAVING m.current_stock <> coalesce(sum(b.quantity), 0)""",
    "what was handed over is not what left the batches": """
        SELECT 'dispense ' || d.id AS what, d.quantity AS kept, -coalesce(sum(m.quantity), 0) AS added
          FROM dispense d LEFT JOIN stock_movement m ON m.dispense_id = d.id AND m.kind = 'dispense'
         WHERE d.dispensed_at >= :start AND d.dispensed_at < :end
         GROUP BY d.id HAVING d.quantity <> -coalesce(sum(m.quantity), 0)""",
    "a medicine was handed over to another patient than it was prescribed for": """
        SELECT 'dispense ' || d.id AS what, d.patient_id AS kept, r.patient_id AS added
          FROM dispense d JOIN prescription r ON r.id = d.prescription_id
         WHERE d.dispensed_at >= :start AND d.dispensed_at < :end AND d.patient_id <> r.patient_id""",
}
