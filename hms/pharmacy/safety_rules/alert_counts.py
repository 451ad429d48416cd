"""How often each safety rule fired in a month, and how often the medicine was given all the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import NamedTuple

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, bindparam, column, func, literal, select, true, union_all
from sqlalchemy.dialects.postgresql import JSONB

from hms.clinical.models import Prescription, RefusedAlert
from hms.core import clock
from hms.core.db.session import db
from hms.core.errors import RuleBroken
from hms.core.text.translation import N_
from hms.formulary.rule_book import current_rules, queries
from hms.formulary.rule_book.queries import ShownRule
from hms.formulary.safety.knowledge import Knowledge
from hms.formulary.safety.reasons import OVERRIDE_REASONS

MAX_MONTHS = 12
FIRST_YEAR, LAST_YEAR = 2000, 2999
"""The years that a month may have."""
DEMOTE_ABOVE = 90
"""Per cent of the alerts after which the medicine was given all the same, above which a rule is proposed for demotion."""
DEMOTE_FROM = 20
"""So many alerts a rule needs in the period, so that chance does not decide."""
DEMOTABLE = ("interactions", "combinations", "kidney", "illnesses")
CHECK_LABELS: dict[str, LazyString] = {
    "allergy": _l("Recorded allergy to the same substance"),
    "interaction": _l("Interaction of an earlier list"),
    "duplicate": _l("The same substance twice"),
    "dose": _l("Daily maximum of the medicine"),
    "dose_limit": _l("Dose limit of an earlier list"),
    "high_alert": _l("High-alert medicine of an earlier list"),
    "age_pregnancy": _l("Age, pregnancy"),
    "kidneys": _l("Kidneys, rule of an earlier list"),
    "illnesses": _l("Illnesses, rule of an earlier list"),
}
"""What is counted where an alert comes from no line that is known."""


class Month(NamedTuple):
    """A month of the hospital's calendar."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> Month:
        return cls(day.year, day.month)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    @property
    def first_day(self) -> date:
        return date(self.year, self.number, 1)

    def back(self, months: int) -> Month:
        """The month so many months before."""
        year, number = divmod(self.year * 12 + self.number - 1 - months, 12)
        return Month(year, number + 1)

    def bounds(self) -> tuple[datetime, datetime]:
        """The instants of its beginning and its end."""
        return clock.day_bounds(self.first_day)[0], clock.day_bounds(self.back(-1).first_day)[0]


def read_month(text: str | None) -> Month:
    """The month "2026-11"; the present one for nothing. Raises `RuleBroken` on `month`."""
    if not text:
        return Month.of(clock.today())
    try:
        year, dash, number = text.partition("-")
        if not (dash and len(year) == 4 and len(number) == 2 and text.replace("-", "", 1).isascii()):
            raise ValueError
        month = Month.of(date(int(year), int(number), 1))
        if not FIRST_YEAR <= month.year <= LAST_YEAR:
            raise ValueError
        return month
    except ValueError as error:
        raise RuleBroken(N_("Enter the month like 2026-11."), "month") from error


@dataclass
class AlertCount:
    """What a rule did in a month: alerts shown, alerts after which the medicine was signed all the same, and the reasons.

    An alert counts once in an encounter. `rule` is the line of the lists, None where the alert comes from no line.
    """

    month: str
    check: str
    rule: ShownRule | None
    shown: int = 0
    overridden: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def key(self) -> str:
        return self.rule.line.key if self.rule else ""

    @property
    def title(self) -> str:
        return self.rule.title if self.rule else str(CHECK_LABELS.get(self.check, self.check))

    @property
    def share(self) -> int:
        """Overridden alerts in per cent of those shown."""
        return self.overridden * 100 // self.shown if self.shown else 0

    @property
    def reason_words(self) -> str:
        """The reasons that were given, the most frequent first."""
        return ", ".join(f"{OVERRIDE_REASONS.get(code, code)} ({count})" for code, count in self.reasons.most_common())


def count_alerts(last: Month, months: int = 1) -> list[AlertCount]:
    """The figures of each rule for each of the `months` up to `last`, the newest month and the most frequent rule first."""
    counts: list[AlertCount] = []
    for back in range(min(months, MAX_MONTHS)):
        month = last.back(back)
        of_month = _count_month(month)
        counts += sorted(of_month, key=lambda each: (-each.shown, each.title, each.key, each.check))
    return counts


def _count_month(month: Month) -> Iterable[AlertCount]:
    first, end = month.bounds()
    found: dict[tuple[str, str], AlertCount] = {}
    for row in db.session.execute(_findings(), {"first": first, "end": end}):
        rule = queries.find_rule(row.line) if row.line else None
        place = (rule.line.key if rule else "", "" if rule else row.rule)
        count = found.setdefault(place, AlertCount(str(month), row.rule, rule))
        count.shown += row.shown
        count.overridden += row.overridden
        if row.reason:
            count.reasons[row.reason] += row.overridden
    return found.values()


@cache
def _findings() -> Select:
    """Alerts of a period by rule and reason: how many were shown, and after how many the medicine was signed."""
    first, end = bindparam("first"), bindparam("end")
    line, refused = Prescription, RefusedAlert
    checks = func.jsonb_array_elements(line.checks["checks"]).table_valued(column("value", JSONB), name="made")
    made = checks.c.value
    alerts = func.jsonb_array_elements(made["alerts"]).table_valued(column("value", JSONB), name="alert")
    alert = alerts.c.value
    at = func.coalesce(line.signed_at, line.created_at)
    key = func.coalesce(alert["key"].astext, func.md5(alert["message"].astext))
    reason = func.coalesce(line.reasons[key]["code"].astext, line.override_code)
    stored = select(
        line.encounter_id,
        made["rule"].astext.label("rule"),
        func.coalesce(alert["line"].astext, "").label("line"),
        key.label("finding"),
        line.signed_at.is_not(None).label("is_signed"),
        func.coalesce(reason, "").label("reason"),
    )
    stored = stored.select_from(line).join(checks, true()).join(alerts, true())
    stored = stored.where(at >= first, at < end, line.external_id.is_(None))
    shown = select(
        refused.encounter_id, refused.rule, refused.line, refused.finding, literal(False), literal("")
    ).where(refused.shown_at >= first, refused.shown_at < end)
    every = union_all(stored, shown).subquery()
    once = (
        select(
            every.c.rule,
            every.c.line,
            func.bool_or(every.c.is_signed).label("is_signed"),
            func.max(every.c.reason).filter(every.c.is_signed).label("reason"),
        )
        .group_by(every.c.encounter_id, every.c.rule, every.c.line, every.c.finding)
        .subquery()
    )
    columns = (once.c.rule, once.c.line, func.coalesce(once.c.reason, "").label("reason"))
    overridden = func.count().filter(once.c.is_signed).label("overridden")
    return select(*columns, func.count().label("shown"), overridden).group_by(*columns)


def find_demotable(counts: Iterable[AlertCount]) -> list[AlertCount]:
    """Rules that may be less severe: serious ones that were overridden in more than `DEMOTE_ABOVE` per cent of at least
    `DEMOTE_FROM` alerts of the period. Never what is about an allergy, contraindicated (a stop) or about a high-alert
    medicine."""
    sums: dict[str, AlertCount] = {}
    for each in counts:
        if each.rule is None:
            continue
        total = sums.setdefault(each.key, AlertCount("", each.check, each.rule))
        total.shown += each.shown
        total.overridden += each.overridden
        total.reasons.update(each.reasons)
    known = current_rules.load_knowledge()
    found = [each for each in sums.values() if _is_often_overridden(each) and _may_be_demoted(each, known)]
    return sorted(found, key=lambda each: (-each.shown, each.key))


def _is_often_overridden(count: AlertCount) -> bool:
    return count.shown >= DEMOTE_FROM and count.overridden * 100 > DEMOTE_ABOVE * count.shown


def _may_be_demoted(count: AlertCount, known: Knowledge) -> bool:
    rule = count.rule
    if rule is None or rule.is_retired or rule.tier != "caution" or rule.line.rule_list.name not in DEMOTABLE:
        return False
    return not (rule.substances & _high_alert_substances(known) or _high_alert_families(known) & rule.families)


def _high_alert_substances(known: Knowledge) -> frozenset[str]:
    families = {entry.code: entry.members for entry in (*known.classes, *known.families)}
    named = (
        group.substances | frozenset().union(*(families.get(code, frozenset()) for code in group.classes))
        for group in known.high_alert
    )
    return frozenset().union(*named)


def _high_alert_families(known: Knowledge) -> frozenset[str]:
    return frozenset().union(*(group.classes for group in known.high_alert))
