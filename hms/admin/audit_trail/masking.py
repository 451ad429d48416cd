"""What of a change the trail shows to people: the names of all fields, the values without what was written in care.

The trail itself keeps everything; an administrator reading it must not read charts by the way.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Text, cast, literal
from sqlalchemy.dialects.postgresql import ARRAY

HIDDEN = "***"
WRITTEN_IN_CARE = frozenset(
    ("addendum", "allergy", "condition", "dispense", "encounter", "immunization", "lab_order", "lab_result")
    + ("note_template", "observation", "prescription", "specimen", "vitals_reading")
)
"""Tables whose values are hidden but for states, links, times and counts."""
TEXT = frozenset(
    ("notes", "diagnosis", "chief_complaint", "plan", "substance", "reaction", "medication_name", "note", "description")
)
"""Columns that are hidden in whatever table."""
_PLAIN = frozenset(
    ("status", "kind", "rank", "certainty", "clinical_status", "quantity", "quantity_dispensed", "count")
)
_PLAIN_ENDS = ("_id", "_at", "_on")


def masked(entity: str | None, values: dict[str, Any] | None) -> dict[str, Any]:
    """`values` of a row of `entity` as people may see them."""
    return {name: value if _is_plain(entity, name) else HIDDEN for name, value in (values or {}).items()}


def _is_plain(entity: str | None, name: str) -> bool:
    if name in TEXT:
        return False
    return entity not in WRITTEN_IN_CARE or name in _PLAIN or name == "id" or name.endswith(_PLAIN_ENDS)


def as_text(values: Any) -> ColumnElement[str]:
    """A column of recorded values as text that may be searched: without the columns that are hidden in any table."""
    return cast(values.op("-")(cast(literal(sorted(TEXT), ARRAY(Text)), ARRAY(Text))), Text)
