"""Honest waits: in a simulated month eight of ten true waits lie between the bounds, and too little is said to be too little."""

from __future__ import annotations

import datetime as dt
import heapq
from random import Random

import pytest

from hms.appointments.holidays import actions as holiday_actions
from hms.appointments.lines import actions as line_actions
from hms.appointments.models import PointEntry, QueueEntry, ServicePace
from hms.appointments.points import actions as point_actions
from hms.appointments.queue import actions as queue_actions
from hms.appointments.waits import jobs, queries, rules
from hms.appointments.waits.queries import Callers
from hms.appointments.waits.rules import BOOKED, WALK_IN, Call, Caller, Minutes, Wait, Waiting
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from tests.appointments import factories
from tests.page import words

EIGHT = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
MINUTES_OF_VISIT = 14


class Visit:
    """A patient of a simulated day; times are seconds after eight o'clock."""

    def __init__(self, number: int, random: Random, arrived: float) -> None:
        self.number, self.arrived = number, arrived
        self.kind = random.choice((BOOKED, WALK_IN))
        self.priority = 2 if random.random() < 0.1 else 3
        self.called = self.ended = 0.0

    @property
    def order(self) -> tuple[int, float, int]:
        return self.priority, self.arrived, self.number


def simulated_day(random: Random, observe) -> list[Visit]:
    """The visits of a day of one doctor, in the order of calling.

    Visits last a log-normal time, shorter with an appointment; the doctor is quicker on some days, begins late and pauses between
    visits; patients come at random. `observe(now, waiting, inside, is_free)` is called at each arrival and each call.
    """
    speed, now, comes = random.lognormvariate(0, 0.15), random.uniform(0, 1200), 0.0
    coming = [0.0] * random.randint(2, 8)
    while (comes := comes + random.expovariate(0.95 / (60 * MINUTES_OF_VISIT))) < 7 * 3600:
        coming.append(comes)
    visits = [Visit(number, random, arrived) for number, arrived in enumerate(coming)]
    waiting, called = [], []
    while visits or waiting:
        while visits and (not waiting or visits[0].arrived <= now):
            visit = visits.pop(0)
            heapq.heappush(waiting, (visit.order, visit))
            now = max(now, visit.arrived)
            if called:
                observe(visit.arrived, waiting, called[-1], visit.arrived > called[-1].ended)
        visit = heapq.heappop(waiting)[1]
        usual = 60 * MINUTES_OF_VISIT * (0.85 if visit.kind == BOOKED else 1)
        visit.called, visit.ended = now, now + max(60, usual * speed * random.lognormvariate(0, 0.55))
        called.append(visit)
        observe(now, waiting, visit, False)
        now = visit.ended + random.uniform(20, 180)
    return called


def calls_of(visits: list[Visit], day: int) -> list[Call]:
    """The calls of a simulated day, as the statement finds them in the queue."""
    calls, before, free = [], None, None
    for visit in visits:
        overtakers = sum(1 for other in visits if other.arrived > visit.arrived and other.called < visit.called)
        turn = visit.called - before.called if before and visit.arrived <= before.called else None
        gap = visit.called - free if before and visit.arrived <= free else None
        kind, waited = before and before.kind, int(visit.called - visit.arrived)
        calls.append(Call(1, EIGHT.date() + dt.timedelta(day), visit.priority, waited, overtakers, kind, turn, gap))
        before, free = visit, visit.ended
    return calls


@pytest.mark.parametrize("seed", [0, 5])
def test_eight_of_ten_waits_of_a_simulated_month_lie_between_the_bounds(seed):
    random = Random(seed)
    past = [call for day in range(20) for call in calls_of(simulated_day(random, lambda *_seen: None), day)]
    paces = rules.make_paces(past)[1]
    promised: list[tuple[Visit, float, Minutes]] = []

    def observe(now: float, waiting: list, inside: Visit, is_free: bool) -> None:
        at = EIGHT + dt.timedelta(seconds=now)
        doctor = Caller(paces, EIGHT + dt.timedelta(seconds=inside.called), inside.kind, is_free)
        order = [visit for _order, visit in sorted(waiting)]
        rows = [Waiting(visit.number, 1, visit.kind, visit.priority) for visit in order]
        waits = rules.expected_waits(rows, {1: doctor}, at)
        promised.extend((visit, now, rules.shown_minutes(waits[visit.number])) for visit in order)

    for _day in range(22):
        simulated_day(random, observe)
    true = [((visit.called - now) / 60, wait) for visit, now, wait in promised]
    inside = sum(wait.low <= minutes <= wait.high for minutes, wait in true) / len(true)
    beyond = sum(minutes > wait.high for minutes, wait in true) / len(true)
    likely = sum(minutes > wait.likely for minutes, wait in true) / len(true)
    assert len(true) > 2_000
    assert 0.8 <= inside <= 0.95, "eight of ten, without bounds so wide that they say nothing"
    assert beyond < 0.2
    assert 0.35 < likely < 0.7


PACE = rules.Pace(rules.Spread.of([600] * 30), rules.Spread.of([60] * 30), (0.0,) * 4)


def test_waits_in_small():
    """A doctor with turns of exactly ten minutes; another who is free; and patients who wait for any or for a third."""
    now = EIGHT
    busy = Caller({"": PACE}, now - dt.timedelta(minutes=4), BOOKED, False)
    free = Caller({"": PACE}, now - dt.timedelta(minutes=30), BOOKED, True)
    rows = [
        Waiting(1, 1, BOOKED, 3),
        Waiting(2, 1, WALK_IN, 3),
        Waiting(3, None, WALK_IN, 3),
        Waiting(4, 9, WALK_IN, 3),
    ]
    waits = rules.expected_waits(rows, {1: busy, 2: free}, now)
    assert {key: round(wait.likely) for key, wait in waits.items()} == {1: 360, 2: 960, 3: 60}
    assert rules.expected_waits(rows, {}, now) == {}
    assert rules.shown_minutes(Wait(0, 40, 290)) == Minutes(0, 5, 5)
    assert rules.shown_minutes(Wait(1_190, 2_050, 3_301)) == Minutes(15, 35, 60)
    few = [Call(1, EIGHT.date(), 3, 60, 0, BOOKED, 600, 0)] * (rules.MIN_TURNS - 1)
    assert rules.make_paces(few) == {}
    assert list(rules.make_paces([*few, few[0]])[1]) == ["", BOOKED]
    typed = [call._replace(kind_before="7") for call in few]
    assert list(rules.make_paces([*few, few[0], *typed, typed[0]])[1]) == ["", "7", BOOKED]
    corrections = [Call(1, EIGHT.date(), 3, 60, 0, BOOKED, seconds, None) for seconds in (5, 20_000)]
    assert rules.make_paces([*few, *corrections]) == {}
    hours = [dt.timedelta(hours=n) for n in range(6)]
    assert rules.is_here(now, now - hours[3], None, is_free=False)
    assert not rules.is_here(now, now - hours[3], now - hours[2], is_free=True)
    assert not rules.is_here(now, now - hours[5], None, is_free=False)


def past_day(doctor_id: int, day: dt.date, patients: list, minutes: int = 10) -> None:
    """A day of the past: all come at eight, and one is called every `minutes`."""
    with action_context("tests.past", SYSTEM):
        for number, patient in enumerate(patients):
            called = clock.at(day, dt.time(8, 1)) + dt.timedelta(minutes=minutes * number)
            row = QueueEntry(
                service_date=day, token=number + 1, patient_id=patient.id, doctor_id=doctor_id, status="done"
            )
            row.arrived_at, row.called_at = clock.at(day, dt.time(8)), called
            row.started_at, row.ended_at = called, called + dt.timedelta(minutes=minutes - 1)
            database.session.add(row)
        database.session.flush()


@pytest.fixture
def waiting(bah):
    """Three patients of a doctor who called every ten minutes on three days; the first of the three comes next."""
    people = [factories.patient(f"Musa {number}") for number in range(8)]
    for days in range(1, 4):
        past_day(bah.id, clock.today() - dt.timedelta(days=days), people)
    return [factories.waiting(people[number].id, doctor_id=bah.id, minutes_ago=5 - number) for number in range(3)]


def test_the_wait_is_on_the_page_the_slip_the_screen_and_in_the_api(waiting, bah, desk, program, person):
    reception, caller = desk("receptionist"), program("receptionist")
    first, second, third = waiting

    def seen(entry: QueueEntry) -> list[str]:
        addresses = ("/queue/", f"/queue/{entry.id}/slip", "/queue/display")
        return [words(reception.get(address).get_data(as_text=True)) for address in addresses]

    assert all("not known yet" in text for text in seen(second)), "the doctor has not begun"
    assert "had fewer than 20 calls with others waiting in 4 weeks" in seen(second)[0]
    queue_actions.call_patient(first.id, by=person("nurse"))
    assert all("not known yet" in text for text in seen(third)), "the paces are not made yet"
    jobs.make_service_paces()
    assert all("about 20min (15–25)" in text for text in seen(third))
    assert "not known yet" not in seen(third)[0]
    rows = {row["id"]: row["expected_wait"] for row in caller.get("/api/queue/").get_json()}
    assert rows == {
        first.id: None,
        second.id: {"low": 5, "likely": 10, "high": 10, "is_from_past_days": False},
        third.id: {"low": 15, "likely": 20, "high": 25, "is_from_past_days": False},
    }
    few = int(reception.get("/queue/rows").headers["X-Queries"])
    for number in range(5):
        factories.waiting(factories.patient(f"Foday {number}").id, doctor_id=bah.id)
    assert len(queries.expected_waits()) == 7
    assert int(reception.get("/queue/rows").headers["X-Queries"]) <= few, "however many wait"


def test_what_was_seen_is_kept_by_day_and_a_doctor_who_may_have_gone_is_not_known(waiting, bah, person):
    first, second, third = waiting
    assert jobs.make_service_paces()
    assert not jobs.make_service_paces(), "once a day"
    kinds = dict(database.session.query(ServicePace.kind, ServicePace.turns).filter_by(doctor_id=bah.id).all())
    assert kinds == {"": [600] * 21, "walk_in": [600] * 21}
    queue_actions.call_patient(first.id, by=person("nurse"))
    assert queries.expected_waits() == {second.id: Minutes(5, 10, 10), third.id: Minutes(15, 20, 25)}
    queue_actions.finish_service(first.id, by=person("nurse"))
    assert queries.expected_waits()[second.id] == Minutes(0, 5, 5), "the doctor is free: a gap of a minute is left"
    with clock.frozen_at(clock.now() + dt.timedelta(minutes=61)):
        assert queries.expected_waits() == {}, "the doctor may have gone"
    with clock.frozen_at(clock.now() + dt.timedelta(days=8)):
        assert queries.load_paces(Callers.DOCTORS, [bah.id]) == {}, "the clock stood still"


def test_before_the_first_call_the_wait_is_estimated_from_the_same_weekday_and_says_so(bah, desk, program, person):
    people = [factories.patient(f"Musa {number}") for number in range(8)]
    today = clock.today()
    for weeks in range(1, 5):
        past_day(bah.id, today - dt.timedelta(weeks=weeks), people)
    with clock.frozen_at(clock.at(today, dt.time(7, 31))):
        first, second = (factories.waiting(people[number].id, doctor_id=bah.id) for number in range(2))
        anyone = factories.waiting(people[2].id)
        assert jobs.make_service_paces()
        (row,) = database.session.query(ServicePace).filter_by(doctor_id=bah.id, kind="").all()
        assert row.first_calls == {str(today.weekday()): [8 * 3600 + 60] * 4}
        waits = queries.expected_waits()
        assert waits == {
            first.id: Minutes(30, 30, 30, is_from_past_days=True),
            second.id: Minutes(35, 40, 45, is_from_past_days=True),
            anyone.id: Minutes(45, 50, 55, is_from_past_days=True),
        }
        reception = desk("receptionist")
        for address in ("/queue/", f"/queue/{second.id}/slip", "/queue/display"):
            assert "about 40min (35–45), estimated from past days" in words(reception.get(address).text)
        rows = {row["id"]: row["expected_wait"] for row in program("receptionist").get("/api/queue/").get_json()}
        assert rows[first.id] == {"low": 30, "likely": 30, "high": 30, "is_from_past_days": True}
        queue_actions.call_patient(first.id, by=person("nurse"))
        assert not queries.expected_waits()[second.id].is_from_past_days


def test_before_the_first_call_nothing_is_said_where_past_days_say_nothing(bah, person):
    people, today = [factories.patient(f"Musa {number}") for number in range(8)], clock.today()
    for weeks in range(1, 5):
        past_day(bah.id, today - dt.timedelta(weeks=weeks), people)
    assert jobs.make_service_paces()
    with clock.frozen_at(clock.at(today + dt.timedelta(days=1), dt.time(7, 31))):
        entry = factories.waiting(people[3].id, doctor_id=bah.id)
        assert entry.id not in queries.expected_waits(), "another weekday, of which nothing is known"
    with clock.frozen_at(clock.at(today + dt.timedelta(days=7), dt.time(7, 31))):
        entry = factories.waiting(people[4].id, doctor_id=bah.id)
        assert entry.id in queries.expected_waits()
        with clock.frozen_at(clock.at(today + dt.timedelta(days=7), dt.time(8, 2))):
            assert queries.expected_waits() == {}, "later than on every past day"
        holiday_actions.add_holiday(date=clock.today(), name="Founders' day", by=person("admin"))
        assert queries.expected_waits() == {}


def past_day_at_point(point_id: int, day: dt.date, patients: list) -> None:
    """A day of the past at a service point: all come at eight, and one is called every ten minutes."""
    with action_context("tests.past", SYSTEM):
        for number, patient in enumerate(patients):
            called = clock.at(day, dt.time(8, 1)) + dt.timedelta(minutes=10 * number)
            values = {"patient_id": patient.id, "point_id": point_id, "service_date": day, "status": "done"}
            row = PointEntry(**values, prefix="L", token=number + 1, arrived_at=clock.at(day, dt.time(8)))
            row.called_at = row.started_at = called
            row.ended_at = called + dt.timedelta(minutes=9)
            database.session.add(row)
        database.session.flush()


def test_the_wait_at_a_service_point_is_in_its_line_on_the_slip_the_screen_and_in_the_api(db, desk, program, person):
    point = point_actions.save_service_point(
        code="LAB", name="Laboratory", kind="laboratory", prefix="L", by=person("admin")
    )
    people = [factories.patient(f"Musa {number}") for number in range(8)]
    for days in range(1, 4):
        past_day_at_point(point.id, clock.today() - dt.timedelta(days=days), people)
    first, second, third = (
        line_actions.add_to_point(people[number].id, point.id, by=person("receptionist")) for number in range(3)
    )
    reception = desk("receptionist")

    def seen(entry: PointEntry) -> list[str]:
        addresses = (f"/queue/points/{point.id}", f"/queue/places/{entry.id}/slip", "/queue/display")
        return [words(reception.get(address).get_data(as_text=True)) for address in addresses]

    assert all("not known yet" in text for text in seen(second)), "nobody was called today"
    line_actions.call_to_point(first.id, by=person("lab"))
    jobs.make_service_paces()
    assert all("about 20min (15–25)" in text for text in seen(third))
    rows = {row["id"]: row["expected_wait"] for row in program("lab").get("/api/point-queue/").get_json()}
    assert rows == {
        first.id: None,
        second.id: {"low": 5, "likely": 10, "high": 10, "is_from_past_days": False},
        third.id: {"low": 15, "likely": 20, "high": 25, "is_from_past_days": False},
    }
    assert queries.expected_waits() == {}, "nobody waits for a doctor"
