"""Correction requests: those to decide, a person's own, and decided ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from hms.billing.models import Bill, Correction
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.patients.identity.columns import PATIENT_COLUMNS
from hms.patients.models import Patient
from hms.staff import directory as staff

MAX_SHOWN = 50


@dataclass(frozen=True)
class CorrectionRequest:
    """A request with its bill, its patient (`who`, a row for the macros of `patient.html`), and the names of the people."""

    correction: Correction
    bill_number: str | None
    who: Any
    requested_by: str
    decided_by: str

    @property
    def is_refund_with_credit(self) -> bool:
        """Whether the amount was paid back and is not owed any more."""
        correction = self.correction
        return correction.is_credit and correction.kind == "refund" and correction.status == "approved"


def count_waiting(who: Person) -> int:
    """How many requests `who` may decide; their own are not counted."""
    return db.session.execute(_count_for(), {"person_id": who.id}).scalar_one()


@cache
def _count_for() -> Select:
    person_id = bindparam("person_id")
    return select(func.count()).where(*_may_decide(person_id))


def list_waiting_requests(who: Person, limit: int = MAX_SHOWN) -> list[CorrectionRequest]:
    """The requests that `who` may decide, oldest first."""
    return _load(_rows().where(*_may_decide(who.id)).order_by(Correction.id).limit(limit))


def list_own_requests(who: Person, limit: int = MAX_SHOWN) -> list[CorrectionRequest]:
    """The requests that `who` sent, newest first."""
    return _load(_rows().where(Correction.proposed_by_id == who.id).order_by(Correction.id.desc()).limit(limit))


def list_decided_requests(limit: int = MAX_SHOWN) -> list[CorrectionRequest]:
    """The last decisions, newest first."""
    decided = _rows().where(Correction.status.in_(("approved", "declined")))
    return _load(decided.order_by(Correction.decided_at.desc(), Correction.id.desc()).limit(limit))


def list_requests_of_bill(bill_id: int) -> list[CorrectionRequest]:
    """The requests about a bill, newest first."""
    return _with_names(db.session.execute(_requests_of_bill(), {"bill_id": bill_id}))


@cache
def _requests_of_bill() -> Select:
    bill_id = bindparam("bill_id")
    return _rows().where(Correction.bill_id == bill_id).order_by(Correction.id.desc()).limit(MAX_SHOWN)


def get_request(correction_id: int) -> CorrectionRequest:
    """One request; raises `NotFound`."""
    requests = _load(_rows().where(Correction.id == correction_id))
    if not requests:
        raise NotFound(N_("This request does not exist."))
    return requests[0]


def find_waiting(kind: str, bill_id: int, payment_id: int | None = None) -> Correction | None:
    """The undecided request of a kind about a bill, or about one of its payments."""
    query = select(Correction).filter_by(kind=kind, bill_id=bill_id, payment_id=payment_id, status="waiting")
    return db.session.scalars(query).one_or_none()


def _may_decide(person_id: Any) -> tuple[Any, ...]:
    return Correction.status == "waiting", Correction.proposed_by_id.is_distinct_from(person_id)


def _rows() -> Select:
    return (
        select(Correction, Bill.number.label("bill_number"), *PATIENT_COLUMNS)
        .join(Bill, Bill.id == Correction.bill_id)
        .join(Patient, Patient.id == Bill.patient_id)
    )


def _load(query: Select) -> list[CorrectionRequest]:
    return _with_names(db.session.execute(query))


def _with_names(result: Iterable[Any]) -> list[CorrectionRequest]:
    rows = list(result)
    ids = {row.Correction.proposed_by_id for row in rows} | {row.Correction.decided_by_id for row in rows} - {None}
    names = staff.display_names(ids)
    return [
        CorrectionRequest(
            row.Correction,
            row.bill_number,
            row,
            names.get(row.Correction.proposed_by_id, ""),
            names.get(row.Correction.decided_by_id, ""),
        )
        for row in rows
    ]
