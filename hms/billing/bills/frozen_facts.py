"""The facts that are stored with a bill when it is issued, and its active lines."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Row, Select, bindparam, func, select

from hms.billing.models import Bill, BillLine
from hms.core.db.session import db
from hms.core.settings import store as settings
from hms.core.text.formatting import spoken_name
from hms.patients.access.reader import Reader
from hms.patients.models import Patient

from . import line_descriptions

INVOICE = "billing.invoice"


PATIENT_COLUMNS = (
    Patient.family_name,
    Patient.given_names.label("given_name"),
    Patient.title,
    Patient.hospital_number,
    Patient.address,
)
"""The columns of the patient that are stored with an issued bill."""


def bill_snapshot(patient: Any, clerk: str) -> dict[str, Any]:
    """Hospital, patient (a row with `PATIENT_COLUMNS`) and the clerk's name as they are today."""
    return {
        "hospital": {name: settings.value(f"hospital.{name}") for name in ("name", "address", "phone", "tax_number")},
        "patient": {
            "spoken_name": spoken_name(patient.family_name, patient.given_name, patient.title),
            "family_name": patient.family_name,
            "given_name": patient.given_name,
            "hospital_number": patient.hospital_number,
            "address": patient.address,
        },
        "issued_by": clerk,
    }


def document_facts(bill: Bill, clerk: str) -> dict[str, Any]:
    """The facts for the documents of a bill: those stored when it was issued, or for a draft those of today."""
    return bill.frozen or bill_snapshot(db.session.execute(_patient(), {"patient_id": bill.patient_id}).one(), clerk)


@cache
def _patient() -> Select:
    patient_id = bindparam("patient_id")
    return select(*PATIENT_COLUMNS).where(Patient.id == patient_id)


def lines_for_documents(bill_id: int, *, limit: int | None = None) -> list[Row]:
    """The lines of a bill that are not withdrawn (at most `limit`), oldest first, with their descriptions for documents."""
    return db.session.execute(_lines_for_documents(), {"bill_id": bill_id, "limit": limit}).all()


def count_lines(bill_id: int) -> int:
    """How many lines of a bill are not withdrawn."""
    lines = select(func.count(BillLine.id)).where(BillLine.bill_id == bill_id, BillLine.withdrawn_at.is_(None))
    return db.session.execute(lines).scalar_one()


@cache
def _lines_for_documents() -> Select:
    return lines_query(bindparam("bill_id"), None).limit(bindparam("limit", type_=BigInteger))


def lines_query(bill_id: Any, who: Reader | None) -> Select:
    """The active lines of a bill, oldest first, with the descriptions that `who` may read; without `who` those for documents."""
    line = BillLine.__table__.c
    columns = (
        line[name] for name in ("id", "quantity", "unit_price", "amount", "source", "price_item_id", "created_at")
    )
    query = select(*columns, line_descriptions.description(who).label("description")).join(
        Bill, Bill.id == line.bill_id
    )
    return query.where(line.bill_id == bill_id, line.withdrawn_at.is_(None)).order_by(line.id)
