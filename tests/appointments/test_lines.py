"""Lines of service points, and steps that are undone: actions, pages and API together."""

from __future__ import annotations

import datetime as dt

import pytest

from hms.appointments.bookings import actions as booking_actions
from hms.appointments.journeys import queries as journeys
from hms.appointments.lines import actions, queries, tokens
from hms.appointments.models import PointEntry, QueueEntry, ServicePoint
from hms.appointments.points import actions as points
from hms.appointments.queue import actions as queue
from hms.appointments.queue import queries as queue_queries
from hms.appointments.queue import transitions
from hms.appointments.screens import actions as screens
from hms.core import clock
from hms.core.errors import Conflict, DomainError, NotAllowed, RuleBroken, StaleVersion
from hms.core.person import SYSTEM
from tests.appointments import factories


def made_point(name: str = "Laboratory", prefix: str = "L", **more: object) -> ServicePoint:
    values = {"code": name[:5], "name": name, "kind": "laboratory", "prefix": prefix} | more
    return points.save_service_point(**values, by=SYSTEM)


@pytest.fixture
def laboratory(db):
    return made_point()


def waiting(number: int = 1, **more: object) -> list[QueueEntry]:
    """Patients in the queue; the first came first."""
    return [factories.waiting(factories.patient().id, minutes_ago=60 - n, **more) for n in range(number)]


def order(**more: object) -> list[int]:
    return [entry.id for entry in queue_queries.list_entries(**more)]


def test_what_a_service_point_may_be(laboratory, person):
    admin, values = person("admin"), {"code": "ph-1", "name": "Pharmacy", "kind": "pharmacy", "prefix": "p"}
    made = points.save_service_point(**values, by=admin)
    assert (made.code, made.prefix) == ("PH-1", "P")
    for wrong in ({"name": " "}, {"code": "A B"}, {"code": ""}, {"prefix": "P1"}, {"prefix": ""}, {"kind": "bar"}):
        with pytest.raises(RuleBroken) as refused:
            points.save_service_point(**(values | {"name": "Other", "code": "X"} | wrong), by=admin)
        assert refused.value.field == next(iter(wrong))
    with pytest.raises(RuleBroken):
        points.save_service_point(**values | {"name": "Other", "code": "X", "department_id": 999_999}, by=admin)
    with pytest.raises(Conflict):
        points.save_service_point(**values | {"code": "NEW"}, by=admin)
    with pytest.raises(StaleVersion):
        points.save_service_point(made.id, **values, version=7, by=admin)
    with pytest.raises(NotAllowed):
        points.save_service_point(**values, by=person("receptionist"))
    entry = actions.add_to_point(factories.patient().id, made.id, by=person("pharmacist"))
    with pytest.raises(Conflict, match="Patients are in the line"):
        points.set_service_point_open(made.id, is_active=False, by=admin)
    actions.finish_at_point(entry.id, by=person("pharmacist"))
    points.set_service_point_open(made.id, is_active=False, by=admin)
    with pytest.raises(RuleBroken, match="closed"):
        actions.add_to_point(factories.patient().id, made.id, by=person("pharmacist"))


def test_who_does_not_come_when_called_is_absent_and_may_come_back(laboratory, person, program):
    lab, caller, (visit,) = person("lab"), program("lab"), waiting(1)
    place = actions.send_on(visit.id, laboratory.id, by=person("nurse"))
    with pytest.raises(RuleBroken, match="now: waiting"):
        actions.mark_as_absent(place.id, by=lab)
    for _time in range(3):
        actions.call_to_point(place.id, by=lab)

    def step(name: str) -> tuple[str, int, bool]:
        answer = caller.post(f"/api/point-queue/{place.id}/steps/", json={"step": name}).get_json()
        return answer["status"], answer["call_count"], queue_queries.get_entry(visit.id).held_at is not None

    assert step("absent") == ("absent", 3, False), "the place in the doctor's line counts again"
    for query in ("show=absent", "status=absent"):
        assert [row["id"] for row in caller.get(f"/api/point-queue/?{query}").get_json()] == [place.id]
    assert queries.count_places(laboratory.id) == (0, 0, 0, 1)
    assert step("come_back") == ("waiting", 0, True)
    assert step("undo") == ("waiting", 3, True), "who is back cannot be sent away by an undo"


def test_hold_skip_and_undo_in_the_queue_of_doctors(db, person):
    nurse, (first, second, third) = person("nurse"), waiting(3)
    queue.call_patient(first.id, by=nurse)
    queue.skip_patient(first.id, by=nurse)
    assert (first.status, first.called_at, order()) == ("waiting", None, [second.id, first.id, third.id])
    actions.undo_step(first.id, by=nurse)
    assert (first.status, order()) == ("called", [first.id, second.id, third.id])
    assert first.called_by_id == nurse.id
    with pytest.raises(Conflict, match="no step to undo"):
        actions.undo_step(first.id, by=nurse)
    for reason, error in (("", RuleBroken), ("x" * 101, RuleBroken)):
        with pytest.raises(error):
            queue.hold_patient(second.id, reason, by=nurse)
    queue.hold_patient(second.id, "Gone to the toilet", by=nurse)
    assert order() == [first.id, third.id, second.id]
    assert queue.call_next(by=nurse).id == third.id
    assert queue.call_next(by=nurse) is None
    assert queue_queries.list_next_tokens() == []
    arrived = second.arrived_at
    queue.release_patient(second.id, by=nurse)
    assert (second.held_at, second.arrived_at, queue_queries.count_ahead(second.id)) == (None, arrived, 0)
    actions.undo_step(second.id, by=nurse)
    assert second.hold_reason == "Gone to the toilet"


def test_priority_goes_before_a_place_after_a_skip(db, person):
    nurse, (second, third) = person("nurse"), waiting(2)
    queue.set_priority(second.id, 1, by=nurse)
    actions.undo_step(second.id, by=nurse)
    assert second.priority == 3
    queue.hold_patient(second.id, "Eats", by=nurse)
    transitions.raise_priority(second.patient_id, 2)
    with pytest.raises(Conflict):
        actions.undo_step(second.id, by=nurse)
    with pytest.raises(Conflict, match="does not wait"):
        queue.hold_patient(queue.finish_service(third.id, by=nurse).id, "Late", by=nurse)
    urgent = factories.waiting(factories.patient().id, priority=1)
    queue.skip_patient(urgent.id, by=nurse)
    queue.release_patient(second.id, by=nurse)
    queue.skip_patient(urgent.id, by=nurse)
    assert queue.call_next(by=nurse).id == second.id
    with pytest.raises(NotAllowed):
        queue.skip_patient(second.id, by=person("cashier"))


def test_undoing_that_a_patient_left_opens_the_booking(db, bah, person):
    booking = booking_actions.book(
        patient_id=factories.patient().id, doctor_id=bah.id, date=clock.today(), time=dt.time(9), by=SYSTEM
    )
    entry = transitions.check_in(booking.id, by=person("nurse"))
    queue.mark_as_left(entry.id, by=person("nurse"))
    actions.undo_step(entry.id, by=person("nurse"))
    assert (entry.status, booking.status) == ("waiting", "checked_in")
    queue.mark_as_left(entry.id, by=person("nurse"))
    queue.return_to_queue(entry.id, by=person("nurse"))
    with pytest.raises(Conflict, match="no step to undo"):
        actions.undo_step(entry.id, by=person("nurse"))
    queue.mark_as_left(entry.id, by=person("nurse"))
    transitions.withdraw_appointment(booking.id, by=person("admin"))
    for action in (actions.undo_step, queue.return_to_queue):
        with pytest.raises(Conflict, match="was withdrawn"):
            action(entry.id, by=person("nurse"))
    db.session.expire_all()
    assert (entry.status, booking.status) == ("left", "no_show")


def test_a_patient_goes_to_the_laboratory_and_comes_back_to_the_old_place(laboratory, bah, person):
    nurse, lab = person("nurse"), person("lab")
    first, second = waiting(2, doctor_id=bah.id)
    place = actions.send_on(first.id, laboratory.id, by=nurse)
    assert (place.prefix, place.token, place.queue_entry_id, place.priority) == ("L", 1, first.id, 3)
    assert (first.held_at is not None, first.hold_reason, order()) == (True, "Laboratory", [second.id, first.id])
    row = queries.list_places(laboratory.id)[0]
    assert (row.token, row.origin, row.can_undo) == ("L1", bah.display_name, True)
    stops = journeys.find_journeys([first.patient_id])[first.patient_id]
    assert [(stop.kind, stop.token, stop.is_here) for stop in stops] == [
        ("arrived", str(first.token), False),
        ("point", "L1", True),
    ]
    with pytest.raises(Conflict, match="token L1"):
        actions.add_to_point(first.patient_id, laboratory.id, by=lab)
    with pytest.raises(Conflict, match="in the line of Laboratory"):
        actions._check_not_at_point(first.patient_id)
    actions.undo_step(first.id, by=nurse)
    assert (place.status, first.held_at, order()) == ("cancelled", None, [first.id, second.id])
    place = actions.send_on(first.id, laboratory.id, by=nurse)
    assert actions.call_next_to_point(laboratory.id, by=lab).id == place.id
    with pytest.raises(Conflict, match="called the patient already"):
        actions.undo_step(first.id, by=nurse)


def test_the_place_counts_again_when_the_laboratory_has_finished(laboratory, bah, person):
    nurse, lab = person("nurse"), person("lab")
    first, second = waiting(2, doctor_id=bah.id)
    place = actions.send_on(first.id, laboratory.id, by=nurse)
    actions.call_to_point(place.id, by=lab)
    with pytest.raises(Conflict, match="called this patient"):
        actions.call_to_point(place.id, by=nurse)
    actions.start_at_point(place.id, by=lab)
    actions.finish_at_point(place.id, by=lab)
    assert (place.status, first.held_at, order()) == ("done", None, [first.id, second.id])
    actions.undo_step_at_point(place.id, by=lab)
    assert (place.status, first.hold_reason) == ("in_service", "Laboratory")
    actions.leave_point(place.id, by=lab)
    assert (place.status, first.held_at) == ("left", None)
    with pytest.raises(NotAllowed):
        actions.finish_at_point(place.id, by=person("admin"))


def test_two_service_points_hold_one_place_after_each_other(laboratory, bah, person):
    nurse, lab, (first, second) = person("nurse"), person("lab"), waiting(2, doctor_id=bah.id)
    xray = made_point("X-ray", "X", kind="other")
    one = actions.send_on(first.id, laboratory.id, by=nurse)
    two = actions.send_on(first.id, xray.id, by=nurse)
    assert (first.hold_reason, one.holds_place, two.holds_place) == ("X-ray", False, True)
    actions.undo_step(first.id, by=nurse)
    assert (one.status, two.status, first.hold_reason, one.holds_place) == ("waiting", "cancelled", "Laboratory", True)
    two = actions.send_on(first.id, xray.id, by=nurse)
    actions.finish_at_point(two.id, by=lab)
    assert (first.hold_reason, order()) == ("Laboratory", [second.id, first.id])
    actions.undo_step_at_point(two.id, by=lab)
    assert (two.status, first.hold_reason) == ("in_service", "Laboratory")
    actions.finish_at_point(two.id, by=lab)
    with pytest.raises(Conflict, match="no step to undo"):
        actions.undo_step(first.id, by=nurse)
    actions.finish_at_point(one.id, by=lab)
    assert (first.held_at, order()) == (None, [first.id, second.id])
    two = actions.send_on(first.id, xray.id, by=nurse)
    actions.undo_step_at_point(one.id, by=lab)
    assert (first.hold_reason, one.holds_place, two.holds_place) == ("Laboratory", True, False)
    actions.undo_step_at_point(two.id, by=lab)
    assert (two.status, first.hold_reason) == ("cancelled", "Laboratory")


def test_who_is_with_the_doctor_stays_so_and_goes_from_point_to_point(laboratory, bah, person):
    nurse, lab, cashier = person("nurse"), person("lab"), person("cashier")
    desk = made_point("Cash desk", "C", kind="cash_desk")
    (entry,) = waiting(1, doctor_id=bah.id)
    queue.start_service(entry.id, by=nurse)
    first = actions.send_on(entry.id, laboratory.id, by=nurse)
    assert (entry.status, entry.held_at, first.holds_place) == ("in_service", None, False)
    with pytest.raises(RuleBroken):
        actions.send_on_from_point(first.id, by=lab)
    with pytest.raises(RuleBroken, match="another one"):
        actions.send_on_from_point(first.id, point_id=laboratory.id, by=lab)
    second = actions.send_on_from_point(first.id, point_id=desk.id, by=lab)
    assert (first.status, second.sent_from_id, second.queue_entry_id) == ("done", first.id, entry.id)
    assert queries.get_place(second.id).origin == "Laboratory"
    actions.undo_step_at_point(second.id, by=cashier)
    assert (first.status, second.status) == ("in_service", "cancelled")
    second = actions.send_on_from_point(first.id, point_id=desk.id, by=lab)
    actions.undo_step_at_point(first.id, by=lab)
    assert (first.status, second.status) == ("in_service", "cancelled")
    other = factories.doctor("dr.other", last_name="Other")
    with pytest.raises(Conflict, match="another doctor"):
        actions.send_on_from_point(first.id, doctor_id=other.id, by=lab)
    assert actions.send_on_from_point(first.id, doctor_id=bah.id, by=lab) is entry
    walk_in = actions.add_to_point(factories.patient().id, desk.id, priority="urgent", by=cashier)
    new = actions.send_on_from_point(walk_in.id, doctor_id=other.id, by=cashier)
    assert (new.doctor_id, new.status, new.priority, walk_in.status) == (other.id, "waiting", 2, "done")


def test_walls_show_the_numbers_of_points(laboratory, person, desk):
    entry = actions.add_to_point(factories.patient().id, laboratory.id, by=person("lab"))
    held = actions.add_to_point(factories.patient().id, laboratory.id, by=person("lab"))
    actions.hold_at_point(held.id, "Drinks water", by=person("lab"))
    assert [row.token for row in tokens.list_next_tokens()] == ["L1"]
    actions.call_to_point(entry.id, by=person("lab"))
    (called,) = (factories.waiting(factories.patient().id, doctor_id=None),)
    queue.call_patient(called.id, by=person("nurse"))
    assert [str(row.token) for row in tokens.list_last_calls()] == [str(called.token), "L1"]
    screen, secret = screens.make_screen(name="Lab", point_id=laboratory.id, by=person("admin"))
    assert screen.point_id == laboratory.id
    with pytest.raises(RuleBroken, match="not both"):
        screens.make_screen(name="X", point_id=laboratory.id, doctor_id=person("doctor").id, by=person("admin"))
    shown = desk(None).get(f"/wall/{secret}").get_data(as_text=True)
    assert "L1" in shown
    assert "Laboratory" in shown
    assert "KAMARA" not in shown


def test_the_api_keeps_service_points(laboratory, program):
    lab, admin = program("lab"), program("admin")
    body = {"name": "Pharmacy", "code": "PH", "kind": "pharmacy", "prefix": "P"}
    made = admin.post("/api/service-points/", json=body)
    assert (made.status_code, made.json["is_active"]) == (201, True)
    assert admin.post("/api/service-points/", json=body).status_code == 409
    assert lab.post("/api/service-points/", json=body).status_code == 403
    assert [one["name"] for one in lab.get("/api/service-points/?kind=laboratory").json] == ["Laboratory"]
    changed = admin.put(f"/api/service-points/{made.json['id']}/", json={"is_active": False, "name": "Closed"})
    assert (changed.json["name"], changed.json["is_active"]) == ("Closed", False)


def test_the_api_does_what_the_pages_do(laboratory, program, bah):
    nurse, lab = program("nurse"), program("lab")
    patient_id = factories.patient().id
    entry = nurse.post("/api/queue/", json={"patient": patient_id, "doctor": bah.id, "priority": 2})
    assert (entry.status_code, entry.json["priority"]) == (201, 2)
    assert nurse.post("/api/queue/", json={"patient": patient_id}).status_code == 409
    assert nurse.post("/api/queue/call-next/", json={}).json["id"] == entry.json["id"]
    assert nurse.post("/api/queue/call-next/", json={}).status_code == 204
    steps = f"/api/queue/{entry.json['id']}/steps/"
    for payload, code in (
        ({"step": "hold"}, 400),
        ({"step": "hold", "reason": " "}, 400),
        ({"step": "fly"}, 400),
        ({"step": "skip", "reason": "x"}, 400),
        ({"step": "send_on"}, 400),
        ({"step": "send_on", "point": 10**18}, 400),
        ({"step": "send_on", "point": 999_999}, 400),
        ({"step": "set_priority", "priority": 9}, 400),
        ({}, 400),
        ({"step": "skip"}, 200),
        ({"step": "undo"}, 200),
        ({"step": "undo"}, 409),
        ({"step": "hold", "reason": "Eats"}, 200),
        ({"step": "release"}, 200),
        ({"step": "send_on", "point": laboratory.id}, 200),
    ):
        assert nurse.post(steps, json=payload).status_code == code, payload
    assert lab.post(steps, json={"step": "skip"}).status_code == 403
    (place,) = lab.get(f"/api/point-queue/?point={laboratory.id}&patient={patient_id}&ordering=token").json
    assert (place["token"], place["visit"], place["origin"]) == ("L1", entry.json["id"], bah.display_name)
    assert lab.post(f"/api/service-points/{laboratory.id}/call-next/").json["status"] == "called"
    assert lab.post(f"/api/service-points/{laboratory.id}/call-next/").status_code == 204
    steps = f"/api/point-queue/{place['id']}/steps/"
    for payload, code in (
        ({"step": "hold", "reason": ""}, 400),
        ({"step": "set_priority", "priority": 2}, 400),
        ({"step": "start"}, 200),
        ({"step": "skip"}, 409),
        ({"step": "send_on", "point": laboratory.id}, 400),
        ({"step": "send_on", "doctor": bah.id}, 200),
        ({"step": "send_on", "doctor": bah.id}, 409),
    ):
        assert lab.post(steps, json=payload).status_code == code, payload
    assert lab.get(f"/api/point-queue/{place['id']}/").json["status"] == "done"
    way = lab.get(f"/api/queue/{entry.json['id']}/journey/").json
    assert [(stop["kind"], stop["place"], stop["token"]) for stop in way["stops"]] == [
        ("arrived", "", str(entry.json["token"])),
        ("point", "Laboratory", "L1"),
    ]
    assert way["stops"][1]["until"] is not None
    assert lab.get("/api/point-queue/?status=done").json[0]["id"] == place["id"]
    added = lab.post("/api/point-queue/", json={"patient": patient_id, "point": laboratory.id})
    assert (added.status_code, added.json["token"]) == (201, "L2")
    assert lab.post("/api/point-queue/", json={"patient": patient_id, "point": laboratory.id}).status_code == 409


def test_two_calls_of_the_next_patient_at_once_give_two_patients(in_parallel):
    laboratory = made_point()
    with_all = [actions.add_to_point(factories.patient().id, laboratory.id, by=SYSTEM).id for _n in range(4)]
    point_id, calls = laboratory.id, 6
    results = in_parallel([lambda: _called(actions.call_next_to_point(point_id, by=SYSTEM)) for _n in range(calls)])
    assert sorted(filter(None, results)) == sorted(with_all)
    entry = factories.waiting(factories.patient().id)
    sent = in_parallel([lambda: actions.send_on(entry.id, point_id, by=SYSTEM).token for _n in range(4)])
    assert [result for result in sent if not isinstance(result, DomainError)] == [5]


def _called(entry: PointEntry | None) -> int | None:
    return entry and entry.id
