"""The cashier's till: opened with a float, counted blind, closed with a number."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from hms.billing.document_numbers import CLOSING, document_number
from hms.billing.enums import Method
from hms.billing.models import CashShift
from hms.core import clock
from hms.core.actions import action
from hms.core.db.session import db
from hms.core.errors import Conflict, RuleBroken
from hms.core.gapless_numbers import next_number
from hms.core.money import ZERO, Money
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.settings import store as settings
from hms.core.text.translation import N_

from . import closing_report, rules

MAX_COUNTS = 2


def till_of(cashier_id: int | None) -> int | None:
    """The id of the open till that money of that person goes through, locked; opened with no float when the hospital
    allows it.

    None for the hospital itself (imports). Raises `RuleBroken` when there is none, or when it is counted already.
    """
    if cashier_id is None:
        return None
    shift = _opened(cashier_id) if settings.value("billing.open_till_by_itself") else _open_till(cashier_id)
    if shift is None:
        raise RuleBroken(N_("Your till is closed. Open it with a counted float first."), code="till_closed")
    if shift.counted is not None:
        raise RuleBroken(
            N_("Your till is already counted. Close it. The next payment opens a new till."),
            code="counted",
        )
    return shift.id


def _opened(cashier_id: int) -> Any:
    """Id and count of the open till; two payments at once open one."""
    return db.session.execute(_opening(cashier_id, clock.now(), ZERO)).one()


def _opening(whose: Any, now: Any, float_amount: Any) -> Any:
    tills = CashShift.__table__
    new = insert(tills).values(
        cashier_id=whose, opened_at=now, float_amount=float_amount, difference_reason="", created_at=now, updated_at=now
    )
    return new.on_conflict_do_update(
        index_elements=[tills.c.cashier_id], index_where=tills.c.closed_at.is_(None), set_={"updated_at": func.now()}
    ).returning(tills.c.id, tills.c.counted)


def _open_till(cashier_id: int | None) -> CashShift | None:
    query = select(CashShift).filter_by(cashier_id=cashier_id, closed_at=None).with_for_update()
    return db.session.scalars(query, execution_options={"populate_existing": True}).one_or_none()


@action(Permission.WORK_TILL, "billing.open_till")
def open_till(float_amount: Money | None = None, *, by: Person) -> CashShift:
    """Begin a shift with the cash that lies in the drawer."""
    if float_amount is not None and float_amount < ZERO:
        raise RuleBroken(N_("Enter a float of zero or more."), "float_amount")
    shift = CashShift(cashier_id=by.id, opened_at=clock.now(), float_amount=float_amount or ZERO)
    db.session.add(shift)
    db.session.flush()
    return shift


@action(Permission.WORK_TILL, "billing.count_till")
def count_till(
    pieces: Mapping[Decimal, int], loose: Money = ZERO, slips: Mapping[Method, Money] | None = None, *, by: Person
) -> CashShift:
    """Record what was counted: notes and coins, a `loose` amount, and the slips of every other way to pay.

    What is expected is worked out at this moment and shown only afterwards. A count may be made once more, not oftener.
    """
    shift = _mine(by)
    tries = (shift.counted or {}).get("tries", 0) + 1
    if tries > MAX_COUNTS:
        raise Conflict(
            N_("The till was already counted twice. Close it and enter the reason for the difference."), code="counted"
        )
    found = {Method.CASH: rules.counted(pieces, loose), **(slips or {})}
    due = closing_report.due(shift)
    shift.counted = {
        "tries": tries,
        "methods": {method.value: str(amount) for method, amount in found.items()},
        "pieces": {str(value): n for value, n in pieces.items() if n},
    }
    shift.expected = {method.value: str(amount) for method, amount in due.items()}
    db.session.flush()
    return shift


@action(Permission.WORK_TILL, "billing.close_till")
def close_till(reason: str = "", *, by: Person) -> CashShift:
    """Close a counted till under the next closing number; every difference has a `reason`."""
    shift = _mine(by)
    if shift.counted is None:
        raise Conflict(N_("Count the till first."), code="not_counted")
    rules.check_closing(differences(shift), reason)
    year = clock.today().year
    shift.difference_reason = reason.strip()
    db.session.flush()
    shift.number = document_number(CLOSING, year, next_number(f"closing:{year}"))
    shift.closed_at = clock.now()
    db.session.flush()
    return shift


def _mine(by: Person) -> CashShift:
    shift = _open_till(by.id)
    if shift is None:
        raise Conflict(N_("Your till is not open."), code="till_closed")
    return shift


def differences(shift: CashShift) -> list[rules.Difference]:
    """Expected, counted and difference of a counted till."""
    due = {Method(name): Money(amount) for name, amount in (shift.expected or {}).items()}
    found = {Method(name): Money(amount) for name, amount in (shift.counted or {}).get("methods", {}).items()}
    return rules.differences(due, {m: amount for m, amount in found.items() if amount or m in due})
