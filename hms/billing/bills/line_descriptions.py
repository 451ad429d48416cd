"""The description of a bill's line, by who reads it.

A line that care charged names the medicine or the test. On the bill of a restricted record that would tell the money desk
what the record keeps closed, and so would many labels of the price list ("Blood film"): there the line says only what kind
of thing it is.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case, null, or_, select

from hms.billing.models import Bill, BillLine
from hms.patients.access import policy
from hms.patients.access.reader import Reader
from hms.patients.models import Patient

KIND_OF_CHARGE = {"dispense": "Medicine", "lab_order": "Laboratory test"}
"""By the desk that charged (`BillLine.source`), in the language of the price list; other lines name nothing clinical."""

_LINE = BillLine.__table__.c


def description(who: Reader | None, line: Any = _LINE) -> ColumnElement[str]:
    """The words of a line of `Bill` for `who`; None stands for papers, which pass through many hands."""
    return case((_is_named(who, line), line.description), else_=case(KIND_OF_CHARGE, value=line.source))


def service(who: Reader | None, line: Any = _LINE) -> ColumnElement[int]:
    """The item of the price list behind a line of `Bill`; NULL where its words are kept from `who`."""
    return case((_is_named(who, line), line.price_item_id), else_=null())


def _is_named(who: Reader | None, line: Any) -> ColumnElement[bool]:
    restricted = select(Patient.id).where(Patient.is_restricted)
    is_open = policy.readable_by(who, Bill.patient_id) if who is not None else Bill.patient_id.not_in(restricted)
    return or_(line.source.not_in(list(KIND_OF_CHARGE)), is_open)
