"""What a cashier's closing paper says beside the count: how the cash adds up, and what was given back, given up or made void."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import ColumnElement, exists, func, or_, select

from hms.billing.enums import CorrectionKind, CorrectionStatus, Method
from hms.billing.models import Bill, CashShift, Correction, Payment
from hms.core import clock
from hms.core.db.session import db
from hms.core.money import ZERO, Money

from . import rules


class CashSum(NamedTuple):
    """The cash that a drawer should hold: `expected` is the float, plus what was paid, less what was given back."""

    opening_float: Money
    paid: Money
    refunded: Money

    @property
    def expected(self) -> Money:
        return self.opening_float + self.paid - self.refunded


class Tally(NamedTuple):
    """How many, and what they come to."""

    count: int = 0
    amount: Money = ZERO


class VoidBill(NamedTuple):
    """A bill made void; a draft that was given up has no number."""

    id: int
    number: str | None
    total: Money
    reason: str


class Sums(NamedTuple):
    """A shift's figures. Voids are those of bills the cashier issued, asked about or made void; `voids` lists each."""

    cash: CashSum
    refunds: Tally
    discounts: Tally
    write_offs: Tally
    voided: Tally
    voids: tuple[VoidBill, ...]


def sums(shift: CashShift) -> Sums:
    """The figures of a shift up to its closing, or up to now; those of a closed shift never change."""
    moved = _moved(shift.id)
    voids = _voids(shift)
    return Sums(
        cash=_cash(shift.float_amount, moved),
        refunds=_added(tally for (_method, kind), tally in moved.items() if kind == "refund"),
        discounts=_discounts(shift),
        write_offs=_write_offs(shift),
        voided=Tally(len(voids), Money.total(bill.total for bill in voids)),
        voids=voids,
    )


def due(shift: CashShift) -> dict[Method, Money]:
    """What must be in the till now for every way to pay."""
    moved = _moved(shift.id).items()
    takings = [(Method(way), -tally.amount if kind == "refund" else tally.amount) for (way, kind), tally in moved]
    return rules.expected(shift.float_amount, takings)


def slips(shift: CashShift) -> dict[Method, int]:
    """How many payments of each kind went through the till."""
    return {Method(way): tally.count for (way, kind), tally in _moved(shift.id).items() if kind == "payment"}


def _moved(shift_id: int) -> dict[tuple[str, str], Tally]:
    """What went through the till by way to pay and kind; both kinds above zero."""
    rows = select(Payment.method, Payment.kind, func.count(Payment.id), func.sum(Payment.amount))
    grouped = rows.where(Payment.shift_id == shift_id).group_by(Payment.method, Payment.kind)
    return {(method, kind): Tally(count, amount) for method, kind, count, amount in db.session.execute(grouped)}


def _cash(opening_float: Money, moved: dict[tuple[str, str], Tally]) -> CashSum:
    paid, refunded = (moved.get((Method.CASH.value, kind), Tally()).amount for kind in ("payment", "refund"))
    return CashSum(opening_float, paid, refunded)


def _added(tallies: Iterable[Tally]) -> Tally:
    found = list(tallies)
    return Tally(sum(one.count for one in found), Money.total(one.amount for one in found))


def _during(moment: ColumnElement, shift: CashShift) -> ColumnElement[bool]:
    return moment.between(shift.opened_at, shift.closed_at or clock.now())


def _discounts(shift: CashShift) -> Tally:
    issued = (Bill.issued_by_id == shift.cashier_id, _during(Bill.issued_at, shift), Bill.discount > ZERO)
    count, amount = db.session.execute(select(func.count(Bill.id), func.sum(Bill.discount)).where(*issued)).one()
    return Tally(count, amount or ZERO)


def _write_offs(shift: CashShift) -> Tally:
    given_up = (*_approved(CorrectionKind.WRITE_OFF, shift), _during(Correction.decided_at, shift))
    rows = select(func.count(Correction.id), func.sum(Correction.amount)).where(*given_up)
    count, amount = db.session.execute(rows).one()
    return Tally(count, amount or ZERO)


def _approved(kind: CorrectionKind, shift: CashShift) -> tuple[ColumnElement[bool], ...]:
    return (
        Correction.kind == kind.value,
        Correction.status == CorrectionStatus.APPROVED.value,
        Correction.proposed_by_id == shift.cashier_id,
    )


def _voids(shift: CashShift) -> tuple[VoidBill, ...]:
    is_approved = exists().where(Correction.bill_id == Bill.id, *_approved(CorrectionKind.VOID, shift))
    concerned = or_(Bill.voided_by_id == shift.cashier_id, Bill.issued_by_id == shift.cashier_id, is_approved)
    rows = select(Bill.id, Bill.number, Bill.total, Bill.void_reason).where(_during(Bill.voided_at, shift), concerned)
    return tuple(VoidBill(*row) for row in db.session.execute(rows.order_by(Bill.voided_at, Bill.id)))
