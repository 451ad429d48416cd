"""Hides clinical values when the audit trail is shown: all field names are visible, clinical text is not.

The stored entries have all values; an administrator who reads the audit trail must not read charts in it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Text, cast, literal
from sqlalchemy.dialects.postgresql import ARRAY

HIDDEN = "***"
CLINICAL_TABLES = frozenset(
    (
        "addendum",
        "allergy",
        "condition",
        "death",
        "dispense",
        "encounter",
        "escalation",
        "immunization",
        "issued_document",
        "lab_order",
        "lab_result",
        "note_template",
        "observation",
        "prescription",
        "record_document",
        "saturation_scale",
        "specimen",
        "vitals_reading",
    )
)
"""Tables whose values are hidden, except statuses, ids, times and counts."""
TEXT_COLUMNS = frozenset(
    ("notes", "diagnosis", "chief_complaint", "plan", "substance", "reaction", "medication_name", "note", "description")
)
"""Columns that are hidden in every table."""
_VISIBLE = frozenset(
    ("status", "kind", "rank", "certainty", "clinical_status", "quantity", "quantity_dispensed", "count")
)
PICTURE_SHOWN = 30
_VISIBLE_ENDINGS = ("_id", "_at", "_on")


def mask_values(entity: str | None, values: dict[str, Any] | None) -> dict[str, Any]:
    """The recorded `values` of a row of the table `entity`, with `HIDDEN` for those that may not be shown."""
    return {name: _short(value) if _is_visible(entity, name) else HIDDEN for name, value in (values or {}).items()}


def _short(value: Any) -> Any:
    """The value; of a picture, which is long and tells nothing as text, only the beginning."""
    return f"{value[:PICTURE_SHOWN]}…" if isinstance(value, str) and value.startswith("data:image/") else value


def _is_visible(entity: str | None, name: str) -> bool:
    if name in TEXT_COLUMNS:
        return False
    return entity not in CLINICAL_TABLES or name in _VISIBLE or name == "id" or name.endswith(_VISIBLE_ENDINGS)


def as_text(values: Any) -> ColumnElement[str]:
    """A column of recorded values as text for searching, without `TEXT_COLUMNS`."""
    return cast(values.op("-")(cast(literal(sorted(TEXT_COLUMNS), ARRAY(Text)), ARRAY(Text))), Text)
