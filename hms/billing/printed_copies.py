"""Counts the prints of a document, so that a reprint says COPY."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert

from hms.billing.models import PrintedCopy
from hms.core.db.session import db


def count_print(kind: str, ref_id: int) -> int:
    """Count one more print of a document and return how many there are now."""
    first = insert(PrintedCopy).values(kind=kind, ref_id=ref_id, copies=1)
    again = first.on_conflict_do_update(
        index_elements=[PrintedCopy.kind, PrintedCopy.ref_id], set_={"copies": PrintedCopy.copies + 1}
    )
    return db.session.execute(again.returning(PrintedCopy.copies)).scalar_one()
