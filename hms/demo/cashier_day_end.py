"""The cashier's day in the demo: opening and closing the till, and cases left open."""

from __future__ import annotations

import datetime as dt
from random import Random

from sqlalchemy import select

from hms.billing.bills import actions as bill_actions
from hms.billing.bills import issuing
from hms.billing.corrections import actions as correction_actions
from hms.billing.enums import Method
from hms.billing.models import Bill, Payment
from hms.billing.tills import actions as till_actions
from hms.billing.tills import closing_report, queries
from hms.core import clock
from hms.core.db.session import db
from hms.core.errors import DomainError
from hms.core.money import ZERO, Money

from .visits import Team

OPENS, CLOSES = dt.time(7, 45), dt.time(17, 30)
SHORT = Money("5.00")
FLOAT = Money("200.00")


def open_till(team: Team, when: dt.datetime) -> None:
    """Open the till at `when` with the float. A till that is still open is closed first."""
    close_till(team, when)
    with clock.frozen_at(when):
        till_actions.open_till(FLOAT, by=team.cashier)


def close_till(team: Team, when: dt.datetime) -> None:
    """Count and close the till at `when`. On some days `SHORT` is missing, with a reason."""
    shift = queries.open_shift(team.cashier.id)
    if shift is None:
        return
    expected = closing_report.compute_expected_amounts(shift)
    is_short = Random(f"till {when:%Y-%m-%d}").random() < 0.15 and expected[Method.CASH] > SHORT  # noqa: S311 - demo data must be the same every time
    cash = expected.pop(Method.CASH) - (SHORT if is_short else ZERO)
    with clock.frozen_at(when):
        till_actions.count_till({}, cash, expected, by=team.cashier)
        till_actions.close_till("Gave wrong change" if is_short else "", by=team.cashier)


def leave_open_cases(team: Team, random: Random) -> None:
    """Leave a refund that waits for approval, and an issued bill of which an insurer pays 80%."""
    today = clock.day_bounds(clock.today())[0]
    paid = db.session.scalars(select(Payment.id).where(Payment.received_at >= today).order_by(Payment.id)).all()
    drafts = db.session.scalars(
        select(Bill.id).where(Bill.status == "draft", Bill.total > ZERO).order_by(Bill.id)
    ).all()
    try:
        if paid:
            correction_actions.request_refund(
                random.choice(paid), reason="The medicine was not needed", by=team.cashier
            )
        if drafts:
            bill_id = random.choice(drafts)
            bill_actions.share_bill(bill_id, payer="Insurance", payer_share="80%", by=team.cashier)
            issuing.issue(bill_id, by=team.cashier)
    except DomainError:
        db.session.rollback()
