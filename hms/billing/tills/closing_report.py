"""The figures of the closing report beside the count: cash, refunds, discounts, write-offs and voids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import ColumnElement, exists, func, or_, select

from hms.billing.enums import CorrectionKind, CorrectionStatus, Method
from hms.billing.models import Bill, CashShift, Correction, Payment
from hms.billing.write_offs import is_written_off
from hms.core import clock
from hms.core.db.session import db
from hms.core.money import ZERO, Money

from . import rules


class CashSum(NamedTuple):
    """The cash that the drawer should hold: float plus payments less refunds."""

    opening_float: Money
    paid: Money
    refunded: Money

    @property
    def expected(self) -> Money:
        return self.opening_float + self.paid - self.refunded


class Tally(NamedTuple):
    """A number of entries and the sum of their amounts."""

    count: int = 0
    amount: Money = ZERO


class DocumentRange(NamedTuple):
    """The first and last number of a shift's receipts or refunds, and how many there are."""

    count: int = 0
    first: str = ""
    last: str = ""


class VoidBill(NamedTuple):
    """A void bill; a voided draft has no number."""

    id: int
    number: str | None
    total: Money
    reason: str


class Sums(NamedTuple):
    """The figures of a shift. `voids` lists the void bills that the cashier issued, voided or requested to void."""

    cash: CashSum
    refunds: Tally
    discounts: Tally
    write_offs: Tally
    voided: Tally
    voids: tuple[VoidBill, ...]


def sums(shift: CashShift) -> Sums:
    """The figures of a shift up to its closing, or up to now. Those of a closed shift never change."""
    tallies = _tallies(shift.id)
    voids = _voids(shift)
    return Sums(
        cash=_cash(shift.float_amount, tallies),
        refunds=_add_tallies(tally for (_method, kind), tally in tallies.items() if kind == "refund"),
        discounts=_discounts(shift),
        write_offs=_write_offs(shift),
        voided=Tally(len(voids), Money.total(bill.total for bill in voids)),
        voids=voids,
    )


def compute_expected_amounts(shift: CashShift) -> dict[Method, Money]:
    """The amounts that must be in the till now, by payment method."""
    takings = [
        (Method(method), -tally.amount if kind == "refund" else tally.amount)
        for (method, kind), tally in _tallies(shift.id).items()
    ]
    return rules.expected_amounts(shift.float_amount, takings)


def document_ranges(shift_id: int) -> dict[str, DocumentRange]:
    """The numbers that the shift gave out: its receipts under "payment", its credit notes under "refund"."""
    numbers: dict[str, list[str]] = {"payment": [], "refund": []}
    rows = select(Payment.kind, Payment.number).where(Payment.shift_id == shift_id).order_by(Payment.id)
    for kind, number in db.session.execute(rows):
        numbers[kind].append(number)
    return {kind: DocumentRange(len(n), n[0], n[-1]) if n else DocumentRange() for kind, n in numbers.items()}


def payment_counts(shift: CashShift) -> dict[Method, int]:
    """The number of payments through the till, by payment method."""
    return {Method(method): tally.count for (method, kind), tally in _tallies(shift.id).items() if kind == "payment"}


def _tallies(shift_id: int) -> dict[tuple[str, str], Tally]:
    """The payments and refunds through the till by method and kind; amounts of both kinds are above zero."""
    rows = select(Payment.method, Payment.kind, func.count(Payment.id), func.sum(Payment.amount))
    grouped = rows.where(Payment.shift_id == shift_id).group_by(Payment.method, Payment.kind)
    return {(method, kind): Tally(count, amount) for method, kind, count, amount in db.session.execute(grouped)}


def _cash(opening_float: Money, tallies: dict[tuple[str, str], Tally]) -> CashSum:
    paid, refunded = (tallies.get((Method.CASH.value, kind), Tally()).amount for kind in ("payment", "refund"))
    return CashSum(opening_float, paid, refunded)


def _add_tallies(tallies: Iterable[Tally]) -> Tally:
    listed = list(tallies)
    return Tally(sum(tally.count for tally in listed), Money.total(tally.amount for tally in listed))


def _during(moment: ColumnElement, shift: CashShift) -> ColumnElement[bool]:
    return moment.between(shift.opened_at, shift.closed_at or clock.now())


def _discounts(shift: CashShift) -> Tally:
    issued = (Bill.issued_by_id == shift.cashier_id, _during(Bill.issued_at, shift), Bill.discount > ZERO)
    count, amount = db.session.execute(select(func.count(Bill.id), func.sum(Bill.discount)).where(*issued)).one()
    return Tally(count, amount or ZERO)


def _write_offs(shift: CashShift) -> Tally:
    conditions = (is_written_off(), *_approved_of(shift), _during(Correction.decided_at, shift))
    rows = select(func.count(Correction.id), func.sum(Correction.amount)).where(*conditions)
    count, amount = db.session.execute(rows).one()
    return Tally(count, amount or ZERO)


def _approved(kind: CorrectionKind, shift: CashShift) -> tuple[ColumnElement[bool], ...]:
    return Correction.kind == kind.value, *_approved_of(shift)


def _approved_of(shift: CashShift) -> tuple[ColumnElement[bool], ...]:
    return Correction.status == CorrectionStatus.APPROVED.value, Correction.proposed_by_id == shift.cashier_id


def _voids(shift: CashShift) -> tuple[VoidBill, ...]:
    is_approved = exists().where(Correction.bill_id == Bill.id, *_approved(CorrectionKind.VOID, shift))
    is_of_cashier = or_(Bill.voided_by_id == shift.cashier_id, Bill.issued_by_id == shift.cashier_id, is_approved)
    rows = select(Bill.id, Bill.number, Bill.total, Bill.void_reason).where(
        _during(Bill.voided_at, shift), is_of_cashier
    )
    return tuple(VoidBill(*row) for row in db.session.execute(rows.order_by(Bill.voided_at, Bill.id)))
