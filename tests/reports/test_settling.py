"""Writers and the clock meet at the same day, the clock is killed between its steps: no record is left out of a total."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from hms.clinical.models import Condition, Encounter
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.patients.models import Patient
from hms.reports import queries, reconciliation
from hms.reports.models import MonthToDate, SettledDays, UnsettledDay
from hms.reports.period import free_period
from hms.reports.totals import jobs
from hms.reports.totals.measures import DIAGNOSES, PATIENT
from hms.reports.totals.queries import number_of, read_totals
from tests.billing import factories as billing

LONGEST = 20
"""Seconds after which a test fails that waits for another thread."""


class Writer:
    """Registers a patient on `day` in a thread and a transaction of its own, and commits when `may_commit` is set."""

    def __init__(self, app, day: dt.date, number: int) -> None:
        self.app, self.day, self.number = app, day, number
        self.has_written, self.may_commit = Event(), Event()

    def run(self) -> None:
        with self.app.app_context():
            try:
                with action_context("tests.seed", SYSTEM):
                    database.session.add(self.record())
                    database.session.flush()
                    self.has_written.set()
                    assert self.may_commit.wait(LONGEST)
            finally:
                self.has_written.set()
                database.session.remove()

    def record(self) -> Any:
        created_at = clock.day_bounds(self.day)[0] + dt.timedelta(hours=9)
        names = {"given_names": "Isatu", "hospital_number": f"HMS-{self.number}-0"}
        return Patient(number=self.number, created_at=created_at, **names)


class DiagnosisWriter(Writer):
    """Writes a diagnosis of the encounter `number`, which was signed on `day`."""

    def record(self) -> Any:
        patient_id = database.session.get_one(Encounter, self.number).patient_id
        return Condition(patient_id=patient_id, encounter_id=self.number, code="B54", title="Malaria")


@pytest.fixture
def days(real_app) -> list[dt.date]:
    """Five days with one patient each; the days are over, and not settled."""
    past = [clock.today() - dt.timedelta(days=days) for days in (70, 40, 3, 2, 1)]
    for day in past:
        billing.patient(created_at=clock.day_bounds(day)[0])
    return past


def settle() -> None:
    jobs.settle_pending(run_seconds=300)
    database.session.remove()


def new_patients(day: dt.date) -> int:
    try:
        return queries.new_patients(free_period(day, day))
    finally:
        database.session.remove()


def noted_days() -> list[dt.date]:
    try:
        return list(database.session.scalars(select(UnsettledDay.day).order_by(UnsettledDay.day)))
    finally:
        database.session.remove()


def settled_until() -> dt.date:
    try:
        return database.session.scalar(select(SettledDays.settled_until).filter_by(source="patient"))
    finally:
        database.session.remove()


def test_a_day_that_somebody_writes_is_settled_after_the_commit(real_app, days):
    """Of a settled day and of one that is not: without the lock, the second would be settled without its new record."""
    jobs.settle_step(PATIENT)
    while settled_until() <= days[1]:
        jobs.settle_step(PATIENT)
    settled, open_day = days[1], days[3]
    writers = [Writer(real_app, settled, 1), Writer(real_app, open_day, 2)]
    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(writer.run) for writer in writers]
        assert all(writer.has_written.wait(LONGEST) for writer in writers)
        settle()
        assert settled_until() == open_day
        assert (new_patients(settled), new_patients(open_day), noted_days()) == (1, 1, [])
        for writer in writers:
            writer.may_commit.set()
        assert [future.result(LONGEST) for future in running] == [None, None]
    assert (new_patients(settled), new_patients(open_day), noted_days()) == (2, 2, [settled])
    settle()
    assert (settled_until(), noted_days()) == (clock.today(), [])
    assert (new_patients(settled), new_patients(open_day)) == (2, 2)
    assert list(reconciliation.find_discrepancies()) == []


def test_totals_are_not_begun_while_a_diagnosis_is_written(real_app, days):
    """Before the first total the triggers know no time zone and note no day. Totals of other tables are made meanwhile."""
    day, signed_at = days[1], clock.day_bounds(days[1])[0] + dt.timedelta(hours=9)
    with action_context("tests.seed", SYSTEM):
        encounter = Encounter(
            patient_id=billing.patient().id, started_at=signed_at, status="signed", signed_at=signed_at
        )
        database.session.add(encounter)
        database.session.flush()
        writer = DiagnosisWriter(real_app, day, encounter.id)
    database.session.remove()
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(writer.run)
        assert writer.has_written.wait(LONGEST)
        settle()
        zones = dict(tuple(row) for row in database.session.execute(select(SettledDays.source, SettledDays.zone)))
        database.session.remove()
        writer.may_commit.set()
        assert running.result(LONGEST) is None
    assert (zones.pop("encounter"), set(zones.values())) == ("", {clock.zone().key})
    settle()
    rows = read_totals([DIAGNOSES], free_period(day, day))
    assert (number_of(rows, DIAGNOSES), list(reconciliation.find_discrepancies())) == (1, [])


def test_who_writes_a_day_while_it_is_settled_notes_it_again(real_app, days, monkeypatch):
    """The writer waits for the clock: it must see that the day is settled by now."""
    day, make_days, writer = days[3], jobs._make_days, Writer(real_app, days[3], 1)
    writer.may_commit.set()
    with ThreadPoolExecutor(1) as threads:
        running = []

        def write_meanwhile(*arguments):
            if not running and arguments[2] > day:
                running.append(threads.submit(writer.run))
                with database.engine.connect() as other:
                    while not _waits_for_a_lock(other):
                        assert not running[0].done()
            make_days(*arguments)

        monkeypatch.setattr(jobs, "_make_days", write_meanwhile)
        while not running:
            jobs.settle_step(PATIENT)
        assert running[0].result(LONGEST) is None
    assert (noted_days(), new_patients(day)) == ([day], 2)
    settle()
    assert (noted_days(), new_patients(day)) == ([], 2)
    assert list(reconciliation.find_discrepancies()) == []


def _waits_for_a_lock(connection) -> bool:
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    return connection.execute(text(waiting)).scalar_one() > 0


def test_a_clock_that_is_killed_leaves_no_half_totals(real_app, days, monkeypatch):
    """The connection of the clock ends after the days were made and before the step is committed, at every step."""
    make_days = jobs._make_days

    def die(*arguments):
        make_days(*arguments)
        pid = database.session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with database.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

    jobs.settle_step(PATIENT)
    while True:
        before = (settled_until(), _kept(), queries.patient_count())
        database.session.remove()
        with monkeypatch.context() as killed:
            killed.setattr(jobs, "_make_days", die)
            try:
                if not jobs.settle_step(PATIENT):
                    break
                raise AssertionError("the clock was not killed")
            except DBAPIError:
                database.session.remove()
        assert (settled_until(), _kept(), queries.patient_count()) == before
        jobs.settle_step(PATIENT)
    assert (settled_until(), [new_patients(day) for day in days]) == (clock.today(), [1] * 5)
    assert list(reconciliation.find_discrepancies()) == []


def _kept() -> int:
    return database.session.scalar(select(func.count()).select_from(MonthToDate))
