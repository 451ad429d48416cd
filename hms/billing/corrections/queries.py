"""What waits for a second person, and what such persons decided."""

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
from hms.patients.identity.columns import WHO
from hms.patients.models import Patient
from hms.staff import directory as staff

MAX_SHOWN = 50


@dataclass(frozen=True)
class CorrectionRequest:
    """An ask with its bill, its patient (`who`, as the macros of `patient.html` read it) and the people concerned."""

    correction: Correction
    bill_number: str | None
    who: Any
    asked_by: str
    decided_by: str


def waiting_count(who: Person) -> int:
    """How many asks wait that `who` may decide: their own are not among them."""
    return db.session.execute(_count_for(), {"person_id": who.id}).scalar_one()


@cache
def _count_for() -> Select:
    person_id = bindparam("person_id")
    return select(func.count()).where(*_for(person_id))


def waiting(who: Person, limit: int = MAX_SHOWN) -> list[CorrectionRequest]:
    """The asks that `who` may decide, the oldest first."""
    return _asks(_rows().where(*_for(who.id)).order_by(Correction.id).limit(limit))


def own(who: Person, limit: int = MAX_SHOWN) -> list[CorrectionRequest]:
    """What `who` asked for, the newest first."""
    return _asks(_rows().where(Correction.proposed_by_id == who.id).order_by(Correction.id.desc()).limit(limit))


def decided(limit: int = MAX_SHOWN) -> list[CorrectionRequest]:
    """The last decisions, the newest first."""
    done = _rows().where(Correction.status.in_(("approved", "declined")))
    return _asks(done.order_by(Correction.decided_at.desc(), Correction.id.desc()).limit(limit))


def of_bill(bill_id: int) -> list[CorrectionRequest]:
    """Every ask about a bill, the newest first."""
    return _as_asks(db.session.execute(_of_bill(), {"bill_id": bill_id}))


@cache
def _of_bill() -> Select:
    bill_id = bindparam("bill_id")
    return _rows().where(Correction.bill_id == bill_id).order_by(Correction.id.desc()).limit(MAX_SHOWN)


def one(correction_id: int) -> CorrectionRequest:
    """One ask; `NotFound`."""
    found = _asks(_rows().where(Correction.id == correction_id))
    if not found:
        raise NotFound(N_("This record does not exist."))
    return found[0]


def waiting_for(kind: str, bill_id: int, payment_id: int | None = None) -> Correction | None:
    """The undecided ask of that kind about a bill, or about one of its payments."""
    open_ = select(Correction).filter_by(kind=kind, bill_id=bill_id, payment_id=payment_id, status="waiting")
    return db.session.scalars(open_).one_or_none()


def _for(person_id: Any) -> tuple[Any, ...]:
    return Correction.status == "waiting", Correction.proposed_by_id.is_distinct_from(person_id)


def _rows() -> Select:
    return (
        select(Correction, Bill.number.label("bill_number"), *WHO)
        .join(Bill, Bill.id == Correction.bill_id)
        .join(Patient, Patient.id == Bill.patient_id)
    )


def _asks(query: Select) -> list[CorrectionRequest]:
    return _as_asks(db.session.execute(query))


def _as_asks(found: Iterable[Any]) -> list[CorrectionRequest]:
    rows = list(found)
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
