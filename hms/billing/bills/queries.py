"""Reads of bills: the list, one bill, what a patient owes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, exists, func, or_, select

from hms.billing.document_numbers import BILL, parse_document
from hms.billing.models import Bill, BillLine, Payment
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.money import ZERO, Money
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.patients.identity.columns import WHO
from hms.patients.models import Patient
from hms.patients.search.queries import search_patients

UNSETTLED = ("draft", "issued", "part_paid")
PAGE = 25
STATES = {
    "to_pay": UNSETTLED,
    "draft": ("draft",),
    "issued": ("issued", "part_paid"),
    "payers": ("issued", "part_paid"),
    "paid": ("paid",),
    "void": ("void",),
    "all": ("draft", "issued", "part_paid", "paid", "void"),
}
MAX_PATIENTS = 100
OWED = Bill.total - Bill.payer_share - (Bill.paid - Bill.payer_paid) - Bill.written_off
"""What the patient has still to pay."""
PAYER_OWES = Bill.payer_share - Bill.payer_paid


def subtotal(bill_id: int) -> Money:
    """What the standing lines of a bill add up to, before any discount."""
    return db.session.execute(_subtotal(), {"bill_id": bill_id}).scalar_one() or ZERO


@cache
def _subtotal() -> Select:
    bill_id = bindparam("bill_id")
    return select(func.sum(BillLine.amount)).where(BillLine.bill_id == bill_id, BillLine.withdrawn_at.is_(None))


def owed(patient_id: int, *, but_not: int | None = None) -> Money:
    """All that a patient has still to pay: issued bills less payments, and the charges of drafts; without other payers'
    parts, and without bill `but_not`."""
    return db.session.execute(_owed(), {"patient_id": patient_id, "but_not": but_not or 0}).scalar_one() or ZERO


@cache
def _owed() -> Select:
    patient_id, but_not = bindparam("patient_id"), bindparam("but_not")
    return owed_of(patient_id).where(Bill.id != but_not)


def owed_of(patient_id: Any) -> Select:
    """`owed` as a question; it finds nothing where there is no bill."""
    return select(func.sum(OWED)).where(Bill.patient_id == patient_id, Bill.status.in_(UNSETTLED))


def owed_by(patient_ids: Iterable[int]) -> dict[int, Money]:
    """What each patient has still to pay, zero when all is paid; a patient without any bill is left out."""
    bills = select(Bill.patient_id, func.sum(OWED)).where(Bill.status != "void")
    query = bills.where(Bill.patient_id.in_(sorted(set(patient_ids)))).group_by(Bill.patient_id)
    return dict(db.session.execute(query).all())


@dataclass
class BillPage:
    """One page of the list. `newer` and `older` are the ids with which the neighbouring pages are asked for."""

    rows: list[Any]
    newer: int | None
    older: int | None


def bills(
    state: str = "to_pay",
    *,
    q: str = "",
    patient_id: int | None = None,
    before: int | None = None,
    after: int | None = None,
    who: Person,
) -> BillPage:
    """Bills, newest first, with their patients; `q` is a number of a bill or receipt, or finds a patient."""
    query = _narrowed(_with_patient(), q, who) if q else _with_patient().where(Bill.status.in_(STATES[state]))
    if patient_id is not None:
        query = query.where(Bill.patient_id == patient_id)
    if state == "to_pay" and not q:
        charged = exists().where(BillLine.bill_id == Bill.id, BillLine.withdrawn_at.is_(None))
        query = query.where(or_(and_(Bill.status != "draft", OWED > 0), and_(Bill.status == "draft", charged)))
    if state == "payers" and not q:
        query = query.where(PAYER_OWES > 0)
    return _page(query, before, after)


def _with_patient() -> Select:
    columns = (Bill.number, Bill.status, Bill.total, Bill.paid, Bill.written_off, Bill.created_at, Bill.issued_at)
    columns += (Bill.payer, Bill.payer_share, Bill.payer_paid, OWED.label("patient_owes"))
    return select(Bill.id.label("bill_id"), *columns, *WHO).join(Patient, Patient.id == Bill.patient_id)


def _narrowed(query: Select, q: str, who: Person) -> Select:
    document = bill_of_document(q)
    if document is not None:
        return query.where(Bill.id == document)
    return query.where(Bill.patient_id.in_([hit.id for hit in search_patients(q, limit=MAX_PATIENTS, who=who)]))


def _page(query: Select, before: int | None, after: int | None) -> BillPage:
    if after is not None:
        query = query.where(Bill.id > after).order_by(Bill.id)
    else:
        query = (query.where(Bill.id < before) if before is not None else query).order_by(Bill.id.desc())
    rows = list(db.session.execute(query.limit(PAGE + 1)))
    has_more, rows = len(rows) > PAGE, rows[:PAGE]
    if after is not None:
        rows.reverse()
    has_newer, has_older = (has_more, True) if after is not None else (before is not None, has_more)
    ends = (rows[0].bill_id, rows[-1].bill_id) if rows else (None, None)
    return BillPage(rows, ends[0] if has_newer else None, ends[1] if has_older else None)


def bill_of_document(text: str) -> int | None:
    """The id of the bill whose number, or whose receipt's or refund's number, was typed or scanned."""
    document = parse_document(text)
    if document is None:
        return None
    number = f"{document.series}-{document.year}-{document.n:06d}"
    if document.series == BILL:
        return db.session.execute(select(Bill.id).where(Bill.number == number)).scalar_one_or_none()
    return db.session.execute(select(Payment.bill_id).where(Payment.number == number)).scalar_one_or_none()


def bill_row(bill_id: int) -> Any | None:
    """A bill as lists show it, with its patient."""
    return db.session.execute(_with_patient().where(Bill.id == bill_id)).one_or_none()


def bill_with_patient(bill_id: int) -> tuple[Bill, Patient]:
    """A bill and whose it is; `NotFound`."""
    row = db.session.execute(_bill_with_patient(), {"bill_id": bill_id}).one_or_none()
    if row is None:
        raise NotFound(N_("This bill does not exist."))
    return row[0], row[1]


@cache
def _bill_with_patient() -> Select:
    bill_id = bindparam("bill_id")
    return select(Bill, Patient).join(Patient, Patient.id == Bill.patient_id).where(Bill.id == bill_id)
