"""Correction requests: those to decide, a person's own, and decided ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Label, Row, Select, Text, bindparam, cast, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from hms.billing.bills import line_descriptions
from hms.billing.enums import CorrectionKind, CorrectionStatus
from hms.billing.models import Bill, BillLine, Correction, CreditLine
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.money import Money
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.patients.identity.columns import PATIENT_COLUMNS
from hms.patients.models import Patient
from hms.staff import directory as staff

MAX_SHOWN = 50
COUNTED = (CorrectionStatus.WAITING.value, CorrectionStatus.APPROVED.value)
"""The statuses of requests whose credits count: the others came to nothing."""


@dataclass(frozen=True)
class CreditedLine:
    """What a request credits of one line: its description as on documents, the units, and their amount."""

    line: int
    description: str
    quantity: int
    amount: Money


@dataclass(frozen=True)
class CorrectionRequest:
    """A request with its bill, its patient (`who`, a row for the macros of `patient.html`), the names of the people, and the
    lines that it credits."""

    correction: Correction
    bill_number: str | None
    who: Any
    requested_by: str
    decided_by: str
    credited: list[CreditedLine]

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


def list_credit_lines(correction_id: int) -> list[CreditLine]:
    """The lines that a request credits, in the order of the bill."""
    lines = select(CreditLine).filter_by(correction_id=correction_id).order_by(CreditLine.bill_line_id)
    return list(db.session.scalars(lines))


def list_credited(correction_id: int) -> list[CreditedLine]:
    """What a request credits, in the order of the bill."""
    query = select(credited()).join_from(Correction, Bill, Bill.id == Correction.bill_id)
    return read_credited(db.session.execute(query.where(Correction.id == correction_id)).scalar_one())


class Credited(NamedTuple):
    """How many units of a line waiting and approved requests credit, the sum of their amounts, and the units that are left."""

    units: int
    amount: Money
    left: int


def sum_of_credits(line: BillLine | Row) -> Credited:
    """What waiting and approved requests credit of a line."""
    sums = (func.coalesce(func.sum(CreditLine.quantity), 0), func.coalesce(func.sum(CreditLine.amount), 0))
    asked = select(*sums).join(Correction, Correction.id == CreditLine.correction_id)
    asked = asked.where(CreditLine.bill_line_id == line.id, Correction.status.in_(COUNTED))
    units, amount = db.session.execute(asked).one()
    return Credited(int(units), Money(amount), line.quantity - int(units))


def statuses_of_credits(line: BillLine, reason: str) -> set[str]:
    """The statuses of the requests with this `reason` that credit units of a line. Requests from before lines were stored
    count by their reason alone."""
    lines = select(CreditLine.id).where(CreditLine.correction_id == Correction.id)
    asked = select(Correction.status).where(
        Correction.kind == CorrectionKind.WRITE_OFF.value,
        Correction.bill_id == line.bill_id,
        Correction.reason.contains(reason, autoescape=True),
        or_(lines.where(CreditLine.bill_line_id == line.id).exists(), ~lines.exists()),
    )
    return set(db.session.scalars(asked))


def count_credited(bill_id: int, requests: Sequence[CorrectionRequest]) -> dict[str, dict[int, int]]:
    """By status of the request (`COUNTED`) and line, how many units of a bill are credited; without a statement when the bill
    has no `requests`."""
    counts: dict[str, dict[int, int]] = {status: {} for status in COUNTED}
    if not requests:
        return counts
    units = select(Correction.status, CreditLine.bill_line_id, func.sum(CreditLine.quantity)).join(
        CreditLine, CreditLine.correction_id == Correction.id
    )
    units = units.where(Correction.bill_id == bill_id, Correction.status.in_(COUNTED))
    for status, line_id, count in db.session.execute(units.group_by(Correction.status, CreditLine.bill_line_id)):
        counts[status][line_id] = int(count)
    return counts


def credited() -> Label[Any]:
    """The column "credited" for `read_credited`, in a query of `Correction` and its `Bill`."""
    parts = {
        "line": BillLine.id,
        "description": line_descriptions.description(None),
        "quantity": CreditLine.quantity,
        "amount": cast(CreditLine.amount, Text),
    }
    line = func.jsonb_build_object(
        *(part for name, value in parts.items() for part in (literal_column(f"'{name}'"), value))
    )
    lines = select(func.jsonb_agg(aggregate_order_by(line, BillLine.id)))
    lines = lines.join_from(CreditLine, BillLine, BillLine.id == CreditLine.bill_line_id)
    lines = lines.where(CreditLine.correction_id == Correction.id).correlate(Correction, Bill)
    return lines.scalar_subquery().label("credited")


def read_credited(column: list[dict[str, Any]] | None) -> list[CreditedLine]:
    """The lines of the column `credited`, in the order of the bill."""
    return [CreditedLine(**line | {"amount": Money(line["amount"])}) for line in column or ()]


def _may_decide(person_id: Any) -> tuple[Any, ...]:
    return Correction.status == "waiting", Correction.proposed_by_id.is_distinct_from(person_id)


def _rows() -> Select:
    return (
        select(Correction, Bill.number.label("bill_number"), credited(), *PATIENT_COLUMNS)
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
            read_credited(row.credited),
        )
        for row in rows
    ]
