"""Every figure of the reports is that of the records, while days are settled, changed later, and settled again."""

from __future__ import annotations

import datetime as dt
import re
from random import Random
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text, update

from hms.core import clock
from hms.core.db.session import db as database
from hms.reports import overview, queries, reconciliation
from hms.reports.models import MonthToDate, SettledDays, TotalBeforeMonth, UnsettledDay
from hms.reports.period import Period, free_period, named_period
from hms.reports.totals import jobs
from hms.reports.totals.measures import MEASURES, SOURCES
from tests.appointments import factories as appointments
from tests.billing import factories as billing
from tests.reports.random_hospital import RandomHospital, counted

STEPS = 240


@pytest.fixture
def hospital(db, person) -> RandomHospital:
    doctors = [person("doctor").id, appointments.doctor().id]
    return RandomHospital(Random(20261129), person("cashier"), person("admin"), doctors)


def settle() -> int:
    """Make all totals; the number of steps."""
    return jobs.settle_pending(run_seconds=300)


def shown(over: Period, hospital: RandomHospital) -> dict[str, Any]:
    """The same figures as `counted`, as pages and endpoints get them."""
    page, billing_figures = overview.load_overview(over, hospital.admin), queries.billing_figures()
    present, months = page["present"], {month["month"]: month for month in billing_figures["by_month"]}

    def doctors(*period: Period) -> dict[int, int]:
        return {row["doctor_id"]: row["appointment_count"] for row in queries.appointments_by_doctor(*period)}

    def amounts(pairs: Any) -> dict[str, Any]:
        return {name: amount.value for name, amount in dict(pairs).items()}

    def of_months(name: str) -> dict[str, Any]:
        return {month: figures[name].value for month, figures in months.items()}

    money = [billing_figures[name].value for name in ("total_billed", "total_paid", "outstanding")]
    return {
        "patients": queries.patient_count(),
        "new": present["new_patients"],
        "visits": present["visits"],
        "wait": present["wait"],
        "received": present["received"].value,
        "billed": present["billed"].value,
        "doctors": doctors(),
        "doctors of period": doctors(over),
        "medicines": {row["medication_name"]: row["count"] for row in queries.top_medications()},
        "medicines of period": dict(page["medicines"]),
        "diagnoses of period": dict(page["diagnoses"]),
        "issued": [(*money, billing_figures["bill_count"], billing_figures["paid_count"])],
        "methods": amounts(billing_figures["by_method"]),
        "own methods": amounts(queries.received_by_method(hospital.cashier.id)),
        "methods of period": amounts(page["by_method"]),
        "billed months": of_months("billed"),
        "paid months": of_months("paid"),
        "owing": queries.bills_to_pay(),
        "to dispense": queries.prescriptions_to_dispense(),
        "payers": amounts(page["by_payer"][1:]),
        "services": amounts(page["by_service"]),
    }


def compare(over: Period, hospital: RandomHospital) -> None:
    expected = counted(over)
    expected["wait"] = None if expected["wait"] is None else round(expected["wait"])
    for name in ("billed months", "paid months"):
        months = {*expected["billed months"], *expected["paid months"]}
        expected[name] = {month: expected[name].get(month, 0) for month in months}
    assert shown(over, hospital) == expected, over


def test_figures_are_those_of_the_records_after_everything_that_happens(hospital):
    random = hospital.random
    for step in range(STEPS):
        hospital.act()
        if random.random() < 0.1:
            jobs.settle_step(random.choice(SOURCES))
        if step % 40 == 39:
            first = hospital.day()
            compare(free_period(first, first + dt.timedelta(days=random.choice((0, 6, 33, 75)))), hospital)
        if step in (100, 200):
            settle()
            assert list(reconciliation.find_discrepancies()) == []
    compare(named_period("month", clock.today()), hospital)
    assert settle() > 0
    for days in (150, 1820):
        compare(Period(clock.today() - dt.timedelta(days=days), clock.today() + dt.timedelta(days=1)), hospital)
    assert list(reconciliation.find_discrepancies()) == []
    kept = set(database.session.scalars(select(MonthToDate.measure).distinct()))
    assert (
        kept
        == {measure.name for measure in MEASURES}
        == set(database.session.scalars(select(TotalBeforeMonth.measure).distinct()))
    )
    assert database.session.scalar(select(func.count()).select_from(UnsettledDay)) == 0


def test_the_triggers_compare_every_column_of_every_measure(db):
    """A column that no trigger compares would change a settled day unnoticed. Lines of issued bills never change (trigger
    `lines_of_drafts`); they become final with their bill."""
    columns = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
    known = {tuple(row) for row in db.session.execute(text(columns))}
    triggers = (
        "SELECT tgrelid::regclass::text, lower(pg_get_triggerdef(oid) || pg_get_functiondef(tgfoid))"
        " FROM pg_trigger WHERE tgname = 'unsettle_update'"
    )
    compared = dict(tuple(row) for row in db.session.execute(text(triggers)))
    used = set()
    for measure in MEASURES:
        declared = " ".join((measure.source.day, measure.key, measure.where, measure.amount, measure.joined))
        for table, column in re.findall(r"(?:(\w+)\.)?(\w+)", re.sub("'[^']*'", "''", declared)):
            used.add((table or measure.source.name, column))
    used = {(table, column) for table, column in used & known if column != "id" and table != "bill_line"}
    assert len(used) > 30
    assert {table for table, _column in used} == compared.keys()
    assert [f"{table}.{column}" for table, column in used if f"new.{column}" not in compared[table]] == []


def test_settled_days_are_read_from_their_totals_and_wrong_totals_are_found(db):
    """Would the figures be counted from the records, or the check compare nothing, the wrong totals would not be seen."""
    day = clock.today() - dt.timedelta(days=100)
    years_ago = day.replace(year=day.year - 2, day=1)
    for created in (day, day, years_ago):
        billing.patient(created_at=clock.day_bounds(created)[0])
    settle()
    over, ever = free_period(day, day), queries.patient_count()
    with db.session.begin_nested() as savepoint:  # a gap: the next day would find no patient of this month
        eve = day if (day + dt.timedelta(days=1)).day > 1 else years_ago
        missing = (MonthToDate.measure == "patients", MonthToDate.day == eve + dt.timedelta(days=1))
        assert db.session.execute(delete(MonthToDate).where(*missing)).rowcount == 1
        assert any("patients" in line for line in reconciliation.find_discrepancies())
        savepoint.rollback()
    for total, figure in (
        (MonthToDate, lambda: queries.new_patients(over)),
        (TotalBeforeMonth, queries.patient_count),
    ):
        before = figure()
        with db.session.begin_nested() as savepoint:
            db.session.execute(update(total).where(total.measure == "patients").values(number=total.number + 3))
            assert figure() > before
            assert any("patients" in line for line in reconciliation.find_discrepancies())
            savepoint.rollback()
    assert (queries.new_patients(over), queries.patient_count()) == (2, ever)
    assert list(reconciliation.find_discrepancies()) == []


def test_another_time_zone_makes_every_total_anew(hospital):
    for _number in range(40):
        hospital.act()
    settle()
    over = Period(clock.today() - dt.timedelta(days=60), clock.today())
    former = clock.zone().key
    try:
        for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", former):
            clock.set_zone(zone)
            compare(over, hospital)
            settle()
            assert set(database.session.scalars(select(SettledDays.zone))) == {zone}
            compare(over, hospital)
            assert list(reconciliation.find_discrepancies()) == []
    finally:
        clock.set_zone(former)


def test_a_day_that_has_not_ended_has_no_total(db):
    billing.patient()
    settle()
    assert db.session.scalar(select(func.max(MonthToDate.day)).where(MonthToDate.measure == "patients")) is None
    billing.patient()
    assert db.session.scalar(select(func.count()).select_from(UnsettledDay)) == 0
    tomorrow = clock.day_bounds(clock.today())[1]
    with clock.frozen_at(tomorrow + dt.timedelta(seconds=30)):
        settle()
        assert db.session.scalar(select(func.count()).select_from(MonthToDate)) == 0
    with clock.frozen_at(tomorrow + dt.timedelta(minutes=2)):
        settle()
    kept = select(MonthToDate.day, MonthToDate.number).where(MonthToDate.measure == "patients")
    assert [tuple(row) for row in db.session.execute(kept)] == [(clock.today(), 2)]
