"""JSON of orders and results."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from hms.core.audit.models import AuditEntry
from hms.core.person import SYSTEM
from hms.lab import actions
from tests.clinical.factories import a_patient, an_encounter


@pytest.fixture
def opened(db, person):
    actions.load_prices(with_prices=True, by=SYSTEM)
    return an_encounter(person("doctor"), a_patient())


def test_a_test_is_ordered_entered_and_read(program, opened, db):
    doctor, lab = program("doctor"), program("lab")
    known = {test["test_code"]: test for test in doctor.get("/api/lab_tests/catalog/").get_json()}
    assert known["FBC"]["parameters"][0] == "HB"
    made = doctor.post("/api/lab_orders/", json={"encounter": opened.id, "test_code": "HB", "is_urgent": True})
    assert (made.status_code, made.get_json()["status"], made.get_json()["results"]) == (201, "waiting", [])
    url = f"/api/lab_orders/{made.get_json()['id']}/"
    assert doctor.post("/api/lab_orders/", json={"encounter": opened.id, "test_code": "HB"}).status_code == 409
    assert lab.get("/api/lab_orders/?status=waiting").get_json()[0]["test_code"] == "HB"
    assert lab.post(f"{url}results/", json={"values": {"HB": "16.1"}}).get_json()["status"] == "done"
    assert lab.post(f"{url}results/", json={"values": {"HB": "6.1"}}).status_code == 400
    lab.post(f"{url}results/", json={"values": {"HB": "6.1"}, "reason": "another tube"})
    results = doctor.get(url).get_json()["results"]
    assert [(result["value_numeric"], result["is_current"]) for result in results] == [("16.1", False), ("6.1", True)]
    assert doctor.get(f"/api/encounters/{opened.id}/lab_orders/").get_json()[0]["results"] == results
    assert db.session.scalars(select(AuditEntry).where(AuditEntry.action == "clinical.read_lab_order")).first()


def test_an_order_is_cancelled_by_its_doctor(program, opened):
    doctor = program("doctor")
    made = doctor.post(f"/api/encounters/{opened.id}/add_lab_order/", json={"test_name": "haemoglobin"}).get_json()
    url = f"/api/lab_orders/{made['id']}/"
    assert program("lab").delete(url).status_code == 403
    assert doctor.delete(url).status_code == 204
    assert doctor.get(url).get_json()["status"] == "cancelled"
    assert doctor.delete(url).status_code == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"test_code": "HB"}, "encounter"),
        ({"encounter": 999999, "test_code": "HB"}, "encounter"),
        ({"encounter": "x", "test_code": "HB"}, "encounter"),
        ({"encounter": 0, "test_name": "zzz"}, "test"),
        ({"encounter": 0, "test_code": ["HB"]}, "test_code"),
    ],
)
def test_a_wrong_order_is_refused_at_its_field(program, opened, body, field):
    sent = body | {"encounter": opened.id} if body.get("encounter") == 0 else body
    answer = program("doctor").post("/api/lab_orders/", json=sent)
    assert (answer.status_code, list(answer.get_json())) == (400, [field])


@pytest.mark.parametrize("values", [{}, {"HB": "many"}, {"XX": "1"}, ["HB"], None])
def test_a_wrong_result_is_refused(program, opened, values):
    made = program("doctor").post("/api/lab_orders/", json={"encounter": opened.id, "test_code": "HB"}).get_json()
    answer = program("lab").post(f"/api/lab_orders/{made['id']}/results/", json={"values": values})
    assert answer.status_code == 400


@pytest.mark.parametrize("role", ["receptionist", "cashier", "pharmacist", "patient"])
def test_other_desks_do_not_read_tests(program, opened, role):
    assert program(role).get("/api/lab_orders/").status_code == 403
    assert program(role).get("/api/lab_tests/catalog/").status_code == 403
