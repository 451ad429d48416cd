"""The page of figures: a period beside the one before, and what the period is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from hms.core.money import Money
from hms.core.permissions import Permission
from hms.core.person import Person

from . import queries
from .period import Period
from .totals import queries as totals
from .totals import statements
from .totals.measures import (
    BILLS,
    DIAGNOSES,
    PATIENTS,
    PAYER_SHARES,
    PAYMENTS,
    PRESCRIPTIONS,
    SERVICES,
    VISITS,
    WAITS,
)
from .totals.queries import amount_of, by_key, median_of, number_of, read_totals

MOST = 10
_COUNTS, _MONEY = (PATIENTS, VISITS, WAITS), (BILLS, PAYMENTS, PAYER_SHARES)

_BY_DEPARTMENT = """
SELECT d.name, sum(t.number)::bigint AS number
  FROM total t LEFT JOIN app_user u ON u.id = nullif(t.key, '')::bigint LEFT JOIN department d ON d.id = u.department_id
 GROUP BY d.id, d.name ORDER BY number DESC, hms_fold(d.name)"""
_BY_SERVICE = """
SELECT i.name, s.amount
  FROM (SELECT nullif(key, '')::bigint AS price_item_id, sum(amount) AS amount FROM total
         GROUP BY key ORDER BY 2 DESC LIMIT :most) s
  LEFT JOIN price_item i ON i.id = s.price_item_id ORDER BY s.amount DESC, i.id"""


def load_overview(over: Period, who: Person) -> dict[str, Any]:
    """The figures of the period `over` and of the one before, limited to those that `who` may see."""
    sees_money = who.may(Permission.READ_REVENUE)
    rows = read_totals(_COUNTS + (_MONEY if sees_money else ()), over, over.previous())
    page: dict[str, Any] = {
        "present": _figures(rows, 1, sees_money=sees_money),
        "earlier": _figures(rows, 2, sees_money=sees_money),
        "by_doctor": [(row["doctor_name"], row["appointment_count"]) for row in queries.appointments_by_doctor(over)],
        "by_department": _by_department(over),
    }
    if who.may(Permission.READ_CLINICAL_FIGURES):
        page["medicines"] = queries.most_common((PRESCRIPTIONS,), over, MOST)
        page["diagnoses"] = queries.most_common((DIAGNOSES,), over, MOST)
    if sees_money:
        page["by_method"] = sorted(by_key(rows, PAYMENTS).items())
        page["by_payer"] = _by_payer(rows)
        page["by_service"] = _by_service(over)
    return page


def _by_department(over: Period) -> list[tuple[str, int]]:
    """Visits by the present department of the doctor; those without one under ""."""
    rows = totals.execute(statements.with_totals((VISITS,)) + _BY_DEPARTMENT, over)
    return [(row.name or "", row.number) for row in rows]


def _by_service(over: Period) -> list[tuple[str, Money]]:
    """The items of the price list with the largest sums, before discounts; lines without an item under ""."""
    rows = totals.execute(statements.with_totals((SERVICES,)) + _BY_SERVICE, over, most=MOST)
    return [(row.name or "", Money(row.amount)) for row in rows]


def _figures(rows: Sequence[Row], n: int, *, sees_money: bool) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "visits": number_of(rows, VISITS, n),
        "new_patients": number_of(rows, PATIENTS, n),
        "wait": median_of(rows, WAITS, n),
    }
    if sees_money:
        figures |= {"billed": _billed(rows, n), "received": amount_of(rows, PAYMENTS, n)}
    return figures


def _billed(rows: Sequence[Row], n: int) -> Money:
    """The totals of the bills issued in a period, without void ones."""
    return amount_of(rows, BILLS, n, keys=queries.ISSUED)


def _by_payer(rows: Sequence[Row]) -> list[tuple[str, Money]]:
    """What is billed to each payer, most first; the patients pay what is no other payer's share."""
    shares = by_key(rows, PAYER_SHARES)
    patients = _billed(rows, 1) - Money.total(shares.values())
    return [("", patients), *sorted(shares.items(), key=lambda share: (-share[1].value, share[0]))]
