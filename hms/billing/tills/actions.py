"""The cashier's till: opened with a float, counted before the expected amounts are shown, closed with a number."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.dialects.postgresql import Insert, insert

from hms.billing.document_numbers import CLOSING, document_number
from hms.billing.enums import Method
from hms.billing.models import CashShift
from hms.core import clock
from hms.core.actions import action, after_commit
from hms.core.audit import chain
from hms.core.db.session import db
from hms.core.errors import Conflict, RuleBroken
from hms.core.gapless_numbers import take_yearly_numbers
from hms.core.money import ZERO, Money
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.settings import store as settings
from hms.core.text.translation import N_

from . import closing_report, rules

MAX_COUNTS = 2


def lock_open_till(cashier_id: int | None) -> int | None:
    """The id of the cashier's open till, locked. A till is opened with a float of zero when the setting
    `billing.open_till_by_itself` allows it.

    None when there is no cashier (imports). Raises `RuleBroken` when no till is open, or when it is counted already.
    """
    if cashier_id is None:
        return None
    shift = (
        _find_or_open_till(cashier_id)
        if settings.value("billing.open_till_by_itself")
        else _open_till_for_update(cashier_id)
    )
    if shift is None:
        raise RuleBroken(N_("Your till is closed. Open it with a counted float first."), code="till_closed")
    if shift.counted is not None:
        raise RuleBroken(
            N_("Your till is already counted. Close it. The next payment opens a new till."),
            code="counted",
        )
    return shift.id


def _find_or_open_till(cashier_id: int) -> Any:
    """Id and count of the open till, locked; opens one when there is none. Two payments at once open only one till."""
    till = db.session.execute(_lock_till(), {"cashier_id": cashier_id}).one_or_none()
    if till is not None:
        return till
    now = clock.now()
    till = {"cashier_id": cashier_id, "opened_at": now, "float_amount": ZERO, "created_at": now, "updated_at": now}
    return db.session.execute(_insert_till(), till).one()


@cache
def _lock_till() -> Select:
    tills = CashShift.__table__.c
    open_till = select(tills.id, tills.counted).where(
        tills.cashier_id == bindparam("cashier_id"), tills.closed_at.is_(None)
    )
    return open_till.with_for_update()


@cache
def _insert_till() -> Insert:
    tills = CashShift.__table__
    upsert = insert(tills).on_conflict_do_update(
        index_elements=[tills.c.cashier_id], index_where=tills.c.closed_at.is_(None), set_={"updated_at": func.now()}
    )
    return upsert.returning(tills.c.id, tills.c.counted)


def _open_till_for_update(cashier_id: int | None) -> CashShift | None:
    query = select(CashShift).filter_by(cashier_id=cashier_id, closed_at=None).with_for_update()
    return db.session.scalars(query, execution_options={"populate_existing": True}).one_or_none()


@action(Permission.WORK_TILL, "billing.open_till")
def open_till(float_amount: Money | None = None, *, by: Person) -> CashShift:
    """Open a till with a float, zero by default. Raises `Conflict` when the person's till is open already."""
    if float_amount is not None and float_amount < ZERO:
        raise RuleBroken(N_("Enter a float of zero or more."), "float_amount")
    shift = CashShift(cashier_id=by.id, opened_at=clock.now(), float_amount=float_amount or ZERO)
    db.session.add(shift)
    db.session.flush()
    return shift


@action(Permission.WORK_TILL, "billing.count_till")
def count_till(
    pieces: Mapping[Decimal, int],
    loose: Money | None = None,
    slips: Mapping[Method, Money] | None = None,
    *,
    by: Person,
) -> CashShift:
    """Record the count of a till: how many of each note and coin, other cash (`loose`), and the amounts of the other payment
    methods (`slips`). What was not counted is not zero: raises `RuleBroken` without any cash, and without an amount of a
    method that was paid with.

    The expected amounts are stored at the same time and shown only afterwards. Raises `Conflict` after `MAX_COUNTS` counts.
    """
    shift = _own_till(by)
    tries = (shift.counted or {}).get("tries", 0) + 1
    if tries > MAX_COUNTS:
        raise Conflict(
            N_("The till was already counted twice. Close it and enter the reason for the difference."), code="counted"
        )
    slips = slips or {}
    rules.check_is_counted(pieces, loose, slips, paid_with=closing_report.payment_counts(shift))
    counted = {Method.CASH: rules.count_cash(pieces, loose or ZERO), **slips}
    expected = closing_report.compute_expected_amounts(shift)
    shift.counted = {
        "tries": tries,
        "methods": {method.value: str(amount) for method, amount in counted.items()},
        "pieces": {str(value): n for value, n in pieces.items() if n},
    }
    shift.expected = {method.value: str(amount) for method, amount in expected.items()}
    db.session.flush()
    return shift


@action(Permission.WORK_TILL, "billing.close_till")
def close_till(reason: str = "", *, by: Person) -> CashShift:
    """Close a counted till with the next closing number. Raises `RuleBroken` when there is a difference and no `reason`.

    The audit trail is sealed after the commit, because the closing report shows the seal.
    """
    shift = _own_till(by)
    if shift.counted is None:
        raise Conflict(N_("Count the till first."), code="not_counted")
    rules.check_closing(differences(shift), reason)
    shift.difference_reason = reason.strip()
    db.session.flush()
    taken = take_yearly_numbers(["closing"])[0]
    shift.number, shift.closed_at = document_number(CLOSING, taken.year, taken.number), taken.at
    db.session.flush()
    after_commit(chain.seal_pending)
    return shift


def _own_till(by: Person) -> CashShift:
    shift = _open_till_for_update(by.id)
    if shift is None:
        raise Conflict(N_("Your till is not open. Open it first."), code="till_closed")
    return shift


def differences(shift: CashShift) -> list[rules.Difference]:
    """The stored expected and counted amounts of a till, and their difference, by payment method."""
    expected = {Method(name): Money(amount) for name, amount in (shift.expected or {}).items()}
    counted = {Method(name): Money(amount) for name, amount in (shift.counted or {}).get("methods", {}).items()}
    return rules.differences(
        expected, {method: amount for method, amount in counted.items() if amount or method in expected}
    )
