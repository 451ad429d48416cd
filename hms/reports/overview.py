"""The page of figures: a period beside the one before, and what the period is made of."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hms.core.money import Money
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import fold

from . import queries
from .period import Period
from .totals import queries as totals
from .totals import statements
from .totals.measures import (
    APPOINTMENTS,
    BILLS,
    DIAGNOSES,
    PATIENTS,
    PAYER_SHARES,
    PAYMENTS,
    PRESCRIPTIONS,
    SERVICES,
    VISITS,
    WAITS,
    Measure,
)
from .totals.queries import amount_of, by_key, median_of, number_of

MOST = 10

# One statement for the page. A count of a clinical measure below `smallest` never leaves the database.
_FIGURES = """, shown AS (
    SELECT *, CASE WHEN measure IN ('appointments', 'visits') THEN nullif(key, '')::bigint END AS doctor_id,
           CASE measure WHEN 'services' THEN nullif(key, '')::bigint END AS item_id
      FROM (SELECT *, CASE WHEN measure IN ('prescriptions', 'diagnoses', 'services') THEN
                   rank() OVER (PARTITION BY measure ORDER BY CASE measure WHEN 'services' THEN amount ELSE number END DESC)
                   ELSE 0 END AS place FROM total) s
     WHERE place <= :most AND (number >= :smallest OR measure NOT IN ('prescriptions', 'diagnoses')))
SELECT s.n, s.measure, s.key, s.number, s.amount, concat_ws(' ', nullif(u.title, ''), nullif(u.first_name, ''),
       nullif(u.last_name, '')) AS doctor, coalesce(d.name, '') AS department, coalesce(i.name, '') AS item
  FROM shown s LEFT JOIN app_user u ON u.id = s.doctor_id LEFT JOIN department d ON d.id = u.department_id
  LEFT JOIN price_item i ON i.id = s.item_id"""


def load_overview(over: Period, who: Person) -> dict[str, Any]:
    """The figures of the period `over` and of the one before, limited to those that `who` may see."""
    sees_money, sees_care = who.may(Permission.READ_REVENUE), who.may(Permission.READ_CLINICAL_FIGURES)
    compared = (PATIENTS, VISITS, WAITS) + ((BILLS, PAYMENTS) if sees_money else ())
    parts = (APPOINTMENTS,) + ((PRESCRIPTIONS, DIAGNOSES) if sees_care else ())
    parts += (PAYER_SHARES, SERVICES) if sees_money else ()
    statement = statements.with_totals(compared, parts) + _FIGURES
    found = totals.execute(statement, over, over.previous(), most=MOST, smallest=queries.SMALLEST_CELL)
    rows = totals.TotalRows(found)
    page: dict[str, Any] = {
        "present": _figures(rows, 1, sees_money=sees_money),
        "earlier": _figures(rows, 2, sees_money=sees_money),
        "by_doctor": _counts(rows, APPOINTMENTS, "doctor"),
        "by_department": _by_department(rows),
    }
    if sees_care:
        page |= {"medicines": _counts(rows, PRESCRIPTIONS)[:MOST], "diagnoses": _counts(rows, DIAGNOSES)[:MOST]}
    if sees_money:
        page["by_method"] = sorted(by_key(rows, PAYMENTS).items())
        page["by_payer"] = _by_payer(rows)
        services = [(row.item, Money(row.amount)) for row in rows.of(SERVICES)]
        page["by_service"] = sorted(services, key=_largest_first)[:MOST]
    return page


def _counts(rows: totals.TotalRows, measure: Measure, name: str = "key") -> list[tuple[str, int]]:
    """The numbers of a measure of the first period with the column `name` as label, largest first."""
    counts = [(getattr(row, name), row.number) for row in rows.of(measure)]
    return sorted(counts, key=lambda count: (-count[1], fold(count[0])))


def _by_department(rows: totals.TotalRows) -> list[tuple[str, int]]:
    """Visits by the present department of the doctor, most first; those without a department under ""."""
    counts: Counter[str] = Counter()
    for row in rows.of(VISITS):
        counts[row.department] += row.number
    return counts.most_common()


def _largest_first(amount: tuple[str, Money]) -> tuple[Any, str]:
    return -amount[1].value, fold(amount[0])


def _figures(rows: totals.TotalRows, n: int, *, sees_money: bool) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "visits": number_of(rows, VISITS, n),
        "new_patients": number_of(rows, PATIENTS, n),
        "wait": median_of(rows, WAITS, n),
    }
    if sees_money:
        figures |= {"billed": _billed(rows, n), "received": amount_of(rows, PAYMENTS, n)}
    return figures


def _billed(rows: totals.TotalRows, n: int) -> Money:
    """The totals of the bills issued in a period, without void ones."""
    return amount_of(rows, BILLS, n, keys=queries.ISSUED)


def _by_payer(rows: totals.TotalRows) -> list[tuple[str, Money]]:
    """What is billed to each payer, the patients first; they pay what is no other payer's share."""
    shares = by_key(rows, PAYER_SHARES)
    patients = _billed(rows, 1) - Money.total(shares.values())
    return [("", patients), *sorted(shares.items(), key=_largest_first)]
