"""The pharmacy's JSON: shapes, who may, and answers to unusable input."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hms.core import clock
from hms.core.settings import store as settings
from tests.pharmacy import factories as make


@pytest.fixture
def api(program):
    return program("pharmacist")


def day(days):
    return (clock.today() + timedelta(days=days)).isoformat()


def test_a_prescription_is_dispensed(api):
    line, batch = make.ordered(21)
    answer = api.post(f"/api/prescriptions/{line.id}/dispense/", json={"quantity": 7})
    assert answer.status_code == 201
    body = answer.json
    assert (body["prescription"], body["quantity_dispensed"], body["quantity_remaining"]) == (line.id, 7, 14)
    assert body["prescription_status"] == "part_dispensed"
    assert [(pick["stock_batch"], pick["quantity"]) for pick in body["batches"]] == [(batch.id, 7)]
    rest = api.post(f"/api/prescriptions/{line.id}/dispense/", json={})
    assert rest.json["quantity_dispensed"] == 14
    logs = api.get(f"/api/dispensing-logs/?prescription={line.id}&date={clock.today()}").json
    assert [log["quantity_dispensed"] for log in logs] == [14, 7]
    assert logs[0] == rest.json


def test_dispensing_takes_few_statements(api, monkeypatch):
    monkeypatch.setattr(settings, "CACHE_SECONDS", 3600)
    lines = [make.ordered(21)[0] for _ in range(3)]
    responses = [api.post(f"/api/prescriptions/{line.id}/dispense/", json={}) for line in lines]
    assert min(int(response.headers["X-Queries"]) for response in responses) <= 13


@pytest.mark.parametrize("quantity", [0, -1, 1.5, "many", None, True, 10**12])
def test_an_unusable_quantity_is_400(api, quantity):
    line, _batch = make.ordered(21)
    answer = api.post(f"/api/prescriptions/{line.id}/dispense/", json={"quantity": quantity})
    assert answer.status_code == 400
    assert "quantity" in answer.json


@pytest.mark.security("B")
def test_too_much_is_400_and_too_little_stock_409(api):
    line, _batch = make.ordered(21, stock=4)
    assert api.post(f"/api/prescriptions/{line.id}/dispense/", json={"quantity": 22}).status_code == 400
    assert api.post(f"/api/prescriptions/{line.id}/dispense/", json={"quantity": 21}).status_code == 409
    assert api.post("/api/prescriptions/999999999/dispense/", json={"quantity": 1}).status_code == 404


@pytest.mark.security("N")
def test_the_same_key_dispenses_once(api):
    line, _batch = make.ordered(21)
    path, key = f"/api/prescriptions/{line.id}/dispense/", {"Idempotency-Key": "slip-17"}
    first, second = (api.post(path, json={"quantity": 5}, headers=key) for _ in range(2))
    assert first.json == second.json
    assert line.quantity_dispensed == 5


BATCH = {"batch_number": "B1", "quantity_received": 10, "current_quantity": 10, "cost_price_per_unit": "1.10"}


def test_a_batch_is_entered_through_the_ledger(api):
    medicine = make.medicine(price="0.50")
    body = BATCH | {"medication_item": medicine.id, "expiry_date": day(90), "selling_price_per_unit": "9.99"}
    answer = api.post("/api/stock-batches/", json=body)
    assert answer.status_code == 201
    made = answer.json
    assert (made["current_quantity"], made["cost_price_per_unit"], made["selling_price_per_unit"]) == (
        10,
        "1.10",
        "0.50",
    )
    assert api.get(f"/api/medications/{medicine.id}/batches/").json == [made]
    assert api.get(f"/api/stock-batches/?medication_item={medicine.id}").json == [made]
    assert api.get(f"/api/medications/{medicine.id}/").json["current_stock"] == 10
    assert api.get("/api/medications/near_expiry/?days=90").json == [made]
    assert api.get("/api/medications/near_expiry/?days=89").json == []
    assert api.post("/api/stock-batches/", json=body).status_code == 409


def test_a_batch_used_before_it_was_entered(api):
    medicine = make.medicine()
    body = BATCH | {"medication_item": medicine.id, "expiry_date": day(90), "current_quantity": 4}
    made = api.post("/api/stock-batches/", json=body).json
    assert (made["quantity_received"], made["current_quantity"]) == (10, 4)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"medication_item": 9**15}, "medication_item"),
        ({"medication_item": "x"}, "medication_item"),
        ({"batch_number": ""}, "batch_number"),
        ({"batch_number": "B\x00"}, "batch_number"),
        ({"expiry_date": "2001-01-01"}, "expiry_date"),
        ({"expiry_date": "soon"}, "expiry_date"),
        ({"quantity_received": 0}, "quantity_received"),
        ({"quantity_received": 1_000_000}, "quantity_received"),
        ({"current_quantity": 11}, "current_quantity"),
        ({"cost_price_per_unit": "-1"}, "cost_price_per_unit"),
        ({"cost_price_per_unit": 1e400}, "cost_price_per_unit"),
        ({"cost_price_per_unit": "100000000"}, "cost_price_per_unit"),
    ],
)
def test_an_unusable_batch_is_400(api, wrong, field):
    body = BATCH | {"medication_item": make.medicine().id, "expiry_date": day(90)} | wrong
    answer = api.post("/api/stock-batches/", json=body)
    assert answer.status_code == 400
    assert field in answer.json or field == "cost_price_per_unit"


def test_adjustments(api):
    batch = make.batch(make.medicine(), 40)
    body = {"stock_batch": batch.id, "medication_item": batch.medication_id, "reason": "shelf two"}
    gone = api.post("/api/stock-adjustments/", json=body | {"adjustment_type": "Damaged", "quantity": 3})
    assert (gone.status_code, gone.json["quantity"], gone.json["adjustment_type"]) == (201, -3, "Damaged")
    more = api.post("/api/stock-adjustments/", json=body | {"adjustment_type": "Stock-Take Variance", "quantity": 5})
    assert (more.json["quantity"], more.json["reason"]) == (5, "shelf two")
    assert [one["quantity"] for one in api.get(f"/api/stock-adjustments/?stock_batch={batch.id}").json] == [5, -3]


@pytest.mark.parametrize(
    "wrong",
    [
        {"adjustment_type": "Stolen"},
        {"quantity": 0},
        {"quantity": 41},
        {"quantity": "x"},
        {"medication_item": 9**15},
        {"stock_batch": None},
    ],
)
def test_an_unusable_adjustment_is_400(api, wrong):
    batch = make.batch(make.medicine(), 40)
    body = {"stock_batch": batch.id, "adjustment_type": "Damaged", "quantity": 1} | wrong
    assert api.post("/api/stock-adjustments/", json=body).status_code == 400


@pytest.mark.security("B")
def test_what_is_to_order_leaves_expired_stock_out(api):
    low = make.medicine("low", reorder_level=10)
    make.batch(low, 50, days=-1)
    make.batch(make.medicine("fine", reorder_level=10), 50)
    assert [one["id"] for one in api.get("/api/medications/below_reorder_level/").json] == [low.id]


@pytest.mark.parametrize(
    "path",
    [
        "/api/dispensing-logs/?patient=x",
        "/api/dispensing-logs/?date=22-11-2026",
        "/api/stock-batches/?medication_item=%00",
        "/api/medications/near_expiry/?days=-1",
        "/api/medications/near_expiry/?days=99999999",
        "/api/stock-adjustments/?date_from=x",
    ],
)
def test_an_unusable_filter_is_400(api, path):
    assert api.get(path).status_code == 400


READS = (
    "/api/dispensing-logs/",
    "/api/stock-batches/",
    "/api/stock-adjustments/",
    "/api/medications/below_reorder_level/",
)
MAY_READ = {
    "admin": (200, 200, 200, 200),
    "doctor": (200, 403, 403, 200),
    "nurse": (200, 403, 403, 200),
    "receptionist": (403, 403, 403, 403),
    "cashier": (403, 403, 403, 200),
    "lab": (403, 403, 403, 403),
    "patient": (403, 403, 403, 403),
}


@pytest.mark.parametrize("role", MAY_READ)
@pytest.mark.security("D")
def test_who_reads_what(program, role):
    client = program(role)
    assert tuple(client.get(path).status_code for path in READS) == MAY_READ[role]


@pytest.mark.parametrize("role", ["admin", "doctor", "nurse", "receptionist", "cashier", "lab", "patient"])
@pytest.mark.security("D")
def test_only_a_pharmacist_dispenses(program, role):
    line, _batch = make.ordered(21)
    assert program(role).post(f"/api/prescriptions/{line.id}/dispense/", json={"quantity": 1}).status_code == 403


@pytest.mark.security("A")
def test_signed_out_is_401(program):
    assert program(None).get("/api/stock-batches/").status_code == 401


def test_lists_take_the_same_number_of_queries_however_long(api, person, monkeypatch):
    monkeypatch.setattr(settings, "CACHE_SECONDS", 3600)
    from hms.pharmacy.dispensing import actions

    def queries(path):
        return int(api.get(path).headers["X-Queries"])

    def more(count):
        for _ in range(count):
            line, _batch = make.ordered(21)
            actions.dispense(line.id, by=person("pharmacist"))

    more(10)
    paths = ("/api/dispensing-logs/", "/api/stock-batches/")
    api.get("/api/medications/near_expiry/")
    few = [queries(path) for path in paths]
    more(50)
    assert [queries(path) for path in paths] == few
