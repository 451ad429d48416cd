"""Reads for the pages: the list of bills, one bill, and what a patient owes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, literal_column, or_, select, true

from hms.billing.document_numbers import BILL, parse_document_number
from hms.billing.enums import CorrectionKind, CorrectionStatus
from hms.billing.models import Bill, BillLine, Correction, Payment
from hms.core.db.fixed_words import fixed_number, fixed_word, fixed_words
from hms.core.db.keyset import cut_page
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.money import ZERO, Money
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.patients.identity.columns import PATIENT_COLUMNS
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
PATIENT_OWES = Bill.total - Bill.payer_share - (Bill.paid - Bill.payer_paid) - Bill.written_off
"""The amount left to pay by the patient."""


def subtotal(bill_id: int) -> Money:
    """The sum of the active lines of a bill, before any discount."""
    return db.session.execute(_subtotal(), {"bill_id": bill_id}).scalar_one() or ZERO


@cache
def _subtotal() -> Select:
    bill_id = bindparam("bill_id")
    return select(func.sum(BillLine.amount)).where(BillLine.bill_id == bill_id, BillLine.withdrawn_at.is_(None))


def owed(patient_id: int, *, except_bill_id: int | None = None) -> Money:
    """The amount left to pay by a patient on all issued bills and drafts, without the shares of other payers."""
    values = {"patient_id": patient_id, "except_bill_id": except_bill_id or 0}
    return db.session.execute(_owed(), values).scalar_one() or ZERO


@cache
def _owed() -> Select:
    patient_id, except_bill_id = bindparam("patient_id"), bindparam("except_bill_id")
    return owed_select(patient_id).where(Bill.id != except_bill_id)


def owed_select(patient_id: Any) -> Select:
    """`owed` as a select; its value is NULL when the patient has no unpaid bill."""
    return select(func.sum(PATIENT_OWES)).where(Bill.patient_id == patient_id, Bill.status.in_(UNSETTLED))


def owed_by_patients(patient_ids: Iterable[int]) -> dict[int, Money]:
    """The amount left to pay by each patient, zero when all is paid. A patient without a bill is left out."""
    bills = select(Bill.patient_id, func.sum(PATIENT_OWES)).where(Bill.status != "void")
    query = bills.where(Bill.patient_id.in_(sorted(set(patient_ids)))).group_by(Bill.patient_id)
    return dict(db.session.execute(query).all())


@dataclass
class BillPage:
    """One page of the list. `newer` is the value of `after` for the page before it, `older` of `before` for the page after it;
    None when there is no such page."""

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
    limit: int = PAGE,
    who: Person,
) -> BillPage:
    """Bills with their patients, newest first. `q` is the number of a bill or receipt, or a search for patients; with it
    `state` is not used. `before` and `after` are ids of bills."""
    if not q and patient_id is None and before is None and after is None:
        return _to_page(db.session.execute(_newest(state), {"limit": limit + 1}).all(), limit)
    query = _search(_with_patient(), q, who) if q else _with_patient().where(*state_conditions(state))
    if patient_id is not None:
        query = query.where(Bill.patient_id == patient_id)
    return _page(query, before, after, limit)


@cache
def _newest(state: str) -> Select:
    """The first page of a tab. The state and the limit are written into the statement, so that its plan is kept."""
    query = _with_patient().where(*state_conditions(state))
    return query.order_by(Bill.id.desc()).limit(fixed_number("limit"))


def state_conditions(state: str) -> list[ColumnElement[bool]]:
    """The bills of one tab. Constants are written into the statement, so that PostgreSQL uses the partial indexes."""
    if state == "all":
        return []
    is_in, nothing = Bill.status.in_(fixed_words(STATES[state])), literal_column("0")
    if state == "payers":
        return [is_in, Bill.payer_share - Bill.payer_paid > nothing]
    if state != "to_pay":
        return [is_in]
    # A LIMIT keeps the planner from reading the lines of all bills for the sake of a page.
    line = select(true()).where(BillLine.bill_id == Bill.id, BillLine.withdrawn_at.is_(None)).limit(1)
    is_charged = line.scalar_subquery().is_not(None)
    is_draft = Bill.status == fixed_word("draft")
    return [is_in, or_(and_(~is_draft, nothing < PATIENT_OWES), and_(is_draft, is_charged))]


def is_refunded() -> ColumnElement[bool]:
    """Whether an approved refund of the bill credited its amount too, so that nobody owes it again."""
    refund = select(true()).where(
        Correction.bill_id == Bill.id,
        Correction.kind == fixed_word(CorrectionKind.REFUND.value),
        Correction.status == fixed_word(CorrectionStatus.APPROVED.value),
        Correction.is_credit,
    )
    return refund.exists()


def _with_patient() -> Select:
    columns = (Bill.number, Bill.status, Bill.total, Bill.paid, Bill.written_off, Bill.created_at, Bill.issued_at)
    columns += (
        Bill.payer,
        Bill.payer_share,
        Bill.payer_paid,
        PATIENT_OWES.label("patient_owes"),
        is_refunded().label("is_refunded"),
    )
    return select(Bill.id.label("bill_id"), *columns, *PATIENT_COLUMNS).join(Patient, Patient.id == Bill.patient_id)


def _search(query: Select, q: str, who: Person) -> Select:
    bill_id = find_bill_id(q)
    if bill_id is not None:
        return query.where(Bill.id == bill_id)
    return query.where(Bill.patient_id.in_(find_patient_ids(q, who)))


def find_patient_ids(q: str, who: Person) -> list[int]:
    """The patients of a search for bills that has no number of a bill or receipt."""
    return [hit.id for hit in search_patients(q, limit=MAX_PATIENTS, who=who)]


def _page(query: Select, before: int | None, after: int | None, limit: int) -> BillPage:
    if after is not None:
        query = query.where(Bill.id > after).order_by(Bill.id)
    else:
        query = (query.where(Bill.id < before) if before is not None else query).order_by(Bill.id.desc())
    fetched = db.session.execute(query.limit(limit + 1)).all()
    return _to_page(fetched, limit, is_first=before is None, is_backward=after is not None)


def _to_page(fetched: Sequence[Any], limit: int, *, is_first: bool = True, is_backward: bool = False) -> BillPage:
    page = cut_page(fetched, limit, is_first=is_first, is_backward=is_backward)
    newest, oldest = (page.rows[0].bill_id, page.rows[-1].bill_id) if page.rows else (None, None)
    return BillPage(page.rows, newest if page.has_previous else None, oldest if page.has_next else None)


def find_bill_id(text: str) -> int | None:
    """The id of the bill with the number `text`, or with a receipt or refund of that number; None when there is none."""
    document = parse_document_number(text)
    if document is None:
        return None
    number = f"{document.series}-{document.year}-{document.n:06d}"
    if document.series == BILL:
        return db.session.execute(select(Bill.id).where(Bill.number == number)).scalar_one_or_none()
    return db.session.execute(select(Payment.bill_id).where(Payment.number == number)).scalar_one_or_none()


def bill_row(bill_id: int) -> Any | None:
    """One row of the list of bills; None when the bill does not exist."""
    return db.session.execute(_with_patient().where(Bill.id == bill_id)).one_or_none()


def bill_with_patient(bill_id: int) -> tuple[Bill, Patient]:
    """A bill and its patient; raises `NotFound`."""
    row = db.session.execute(_bill_with_patient(), {"bill_id": bill_id}).one_or_none()
    if row is None:
        raise NotFound(N_("This bill does not exist."))
    return row[0], row[1]


@cache
def _bill_with_patient() -> Select:
    bill_id = bindparam("bill_id")
    return select(Bill, Patient).join(Patient, Patient.id == Bill.patient_id).where(Bill.id == bill_id)
