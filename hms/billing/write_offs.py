"""Which approved requests write an amount off a bill."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_

from .enums import CorrectionKind
from .models import Correction


def is_written_off() -> ColumnElement[bool]:
    """The requests whose amount is written off when they are approved: write-offs, and refunds of what is not owed any more."""
    credited = and_(Correction.kind == CorrectionKind.REFUND.value, Correction.is_credit)
    return or_(Correction.kind == CorrectionKind.WRITE_OFF.value, credited)
