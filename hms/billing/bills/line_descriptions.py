"""The description of a bill line, depending on who reads it.

A line that was charged by a care desk names the medicine or the test. On a restricted record this would reveal clinical data
to people who may not open the record, and so would many labels of the price list ("Blood film"). For them the line shows only
the kind of charge.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case, null, or_, select

from hms.billing.models import Bill, BillLine
from hms.patients.access import policy
from hms.patients.access.reader import Reader
from hms.patients.models import Patient

KIND_OF_CHARGE = {"dispense": "Medicine", "lab_order": "Laboratory test"}
"""By `BillLine.source`, in the language of the price list. Lines of other sources name nothing clinical."""

_LINE = BillLine.__table__.c


def description(who: Reader | None, line: Any = _LINE) -> ColumnElement[str]:
    """The description of a line for the reader `who`; None is for documents, which many people may read."""
    return case((_may_read_line(who, line), line.description), else_=case(KIND_OF_CHARGE, value=line.source))


def price_item_id(who: Reader | None, line: Any = _LINE) -> ColumnElement[int]:
    """The price-list item of a line; NULL where `who` may not read its description."""
    return case((_may_read_line(who, line), line.price_item_id), else_=null())


def _may_read_line(who: Reader | None, line: Any) -> ColumnElement[bool]:
    restricted = select(Patient.id).where(Patient.is_restricted)
    is_open = policy.readable_by(who, Bill.patient_id) if who is not None else Bill.patient_id.not_in(restricted)
    return or_(line.source.not_in(list(KIND_OF_CHARGE)), is_open)
