"""Bills, items and payments through the API."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from hms.billing.bills import issuing
from hms.billing.models import Payment
from hms.billing.payments import actions
from hms.core.db.session import db as database
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.staff import request_user
from hms.staff.models import User
from tests.billing import factories
from tests.conftest import PASSWORD

ITEM = {"description": "Consultation", "amount": "100.10", "quantity": 3}


@pytest.fixture
def patient_id(db) -> int:
    return factories.patient().id


def test_a_bill_with_items_a_part_payment_and_the_rest(patient_id, program):
    cashier = program("cashier")
    created = cashier.post(
        "/api/bills/", json={"patient": patient_id, "encounter": None, "items": [ITEM], "notes": "x"}
    )
    bill = created.get_json()
    assert created.status_code == 201
    assert (bill["total_amount"], bill["is_paid"], bill["status"], bill["number"]) == ("300.30", False, "draft", None)
    assert bill["items"] == [
        {**ITEM, "id": bill["items"][0]["id"], "bill": bill["id"], "service": None},
    ]
    first = cashier.post("/api/payments/", json={"bill": bill["id"], "amount": "100.00", "method": "Cash"})
    assert (first.status_code, first.get_json()["amount"], first.get_json()["number"][:2]) == (201, "100.00", "R-")
    rest = cashier.post(
        f"/api/bills/{bill['id']}/payments/", json={"bill": bill["id"], "amount": 200.30, "method": "Mobile Money"}
    )
    assert rest.status_code == 200
    paid = cashier.get(f"/api/bills/{bill['id']}/").get_json()
    assert (paid["is_paid"], paid["status"], paid["balance"]) == (True, "paid", "0.00")
    assert paid["payments"] == [first.get_json()["id"], rest.get_json()["id"]]
    assert paid["number"].startswith("B-")
    listed = cashier.get(f"/api/bills/{bill['id']}/payments/").get_json()
    assert [p["amount"] for p in listed] == ["100.00", "200.30"]


def test_items_are_added_to_a_draft_and_refused_on_an_issued_bill(patient_id, program):
    cashier = program("cashier")
    bill_id = cashier.post("/api/bills/", json={"patient_id": patient_id}).get_json()["id"]
    added = cashier.post("/api/bill-items/", json={"bill": bill_id, **ITEM})
    assert (added.status_code, added.get_json()["amount"]) == (201, "100.10")
    assert cashier.get(f"/api/bill-items/?bill={bill_id}").get_json() == [added.get_json()]
    issued = cashier.post(f"/api/bills/{bill_id}/issue/")
    assert (issued.status_code, issued.get_json()["status"]) == (200, "issued")
    assert cashier.post("/api/bill-items/", json={"bill": bill_id, **ITEM}).status_code == 400
    assert cashier.delete(f"/api/bill-items/{added.get_json()['id']}/").status_code == 409
    assert cashier.post(f"/api/bills/{bill_id}/issue/").get_json()["code"] == "not_draft"


def test_the_price_list_gives_a_missing_description_and_price(patient_id, program):
    item = factories.price("HIVVL", "HIV viral load", "90.00", billing_label="Laboratory test, group B")
    body = {"patient": patient_id, "items": [{"service": item.id}, {"service_item_id": item.id, "unit_price": "5"}]}
    items = program("cashier").post("/api/bills/", json=body).get_json()["items"]
    assert [(i["description"], i["amount"], i["service"]) for i in items] == [
        ("Laboratory test, group B", "90.00", item.id),
        ("Laboratory test, group B", "5.00", item.id),
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "patient"),
        ({"patient": 10**18}, "patient"),
        ({"patient": "x"}, "patient"),
        ({"patient": None}, "patient"),
        ({"patient": "?", "items": "none"}, "items"),
        ({"patient": "?", "items": [{"description": "neg", "amount": "-50.00"}]}, "amount"),
        ({"patient": "?", "items": [{"description": "zero", "amount": "5", "quantity": 0}]}, "quantity"),
        ({"patient": "?", "items": [{"description": "", "amount": "5"}]}, "description"),
        ({"patient": "?", "items": [{"description": "x"}]}, "unit_price"),
        ({"patient": "?", "items": [{"description": "x", "amount": 1.005}]}, "items"),
        ({"patient": "?", "items": [{"description": "x", "amount": "1e3"}]}, "items"),
        ({"patient": "?", "items": [{"description": "x", "amount": "99999999", "quantity": 9}]}, "quantity"),
        ({"patient": "?", "items": [{"service": 999, "amount": "5"}]}, "service"),
        ({"patient": "?", "notes": "a\u0000b"}, "notes"),
    ],
)
@pytest.mark.security("B")
def test_invalid_bills_are_refused(patient_id, program, body, field):
    body = {**body, "patient": patient_id} if body.get("patient") == "?" else body
    answer = program("cashier").post("/api/bills/", json=body)
    assert answer.status_code == 400
    assert field in answer.get_json()
    assert program("cashier").get("/api/bills/").get_json() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"amount": "9999.00", "method": "Cash"}, "amount"),
        ({"amount": "0", "method": "Cash"}, "amount"),
        ({"amount": "1.999", "method": "Cash"}, "amount"),
        ({"amount": "5", "method": "Gold"}, "method"),
        ({"amount": "5"}, "method"),
        ({"method": "Cash"}, "amount"),
        ({"amount": "5", "method": "Cash", "bill": 10**15}, "bill"),
        ({"amount": "5", "method": "Cash", "tendered": "1"}, "tendered"),
    ],
)
@pytest.mark.security("B")
def test_invalid_payments_are_refused(patient_id, program, body, field):
    bill = factories.draft(patient_id, "100.00")
    answer = program("cashier").post("/api/payments/", json={"bill": bill.id, **body})
    assert (answer.status_code, field in answer.get_json()) == (400, True)
    assert database.session.scalars(select(Payment)).all() == []


def test_a_draft_changes_only_from_its_latest_version(patient_id, program):
    cashier = program("cashier")
    bill_id = factories.draft(patient_id, "10.00").id
    tag = cashier.get(f"/api/bills/{bill_id}/").headers["ETag"]
    new = {"patient": patient_id, "items": [ITEM], "notes": "corrected"}
    changed = cashier.put(f"/api/bills/{bill_id}/", json=new, headers={"If-Match": tag})
    assert (changed.status_code, changed.get_json()["total_amount"], len(changed.get_json()["items"])) == (
        200,
        "300.30",
        1,
    )
    stale = cashier.put(f"/api/bills/{bill_id}/", json=new, headers={"If-Match": tag})
    assert (stale.status_code, stale.get_json()["notes"]) == (412, "corrected")
    other = factories.patient().id
    assert "patient" in cashier.put(f"/api/bills/{bill_id}/", json={"patient": other}).get_json()
    cashier.post(f"/api/bills/{bill_id}/issue/")
    assert cashier.put(f"/api/bills/{bill_id}/", json={"notes": "late"}).status_code == 400


@pytest.mark.parametrize("clerk", ["admin", "cashier"])
@pytest.mark.security("N")
def test_deleting_a_payment_sends_a_request_also_for_the_cashier_who_took_it(patient_id, program, clerk):
    admin, cashier = program("admin"), program("cashier")
    bill_id = factories.draft(patient_id, "10.00").id
    sent = {"bill": bill_id, "amount": "10.00", "method": "Cash"}
    payment_id = program(clerk).post("/api/payments/", json=sent).get_json()["id"]
    url = f"/api/payments/{payment_id}/"
    refused = admin.delete(f"/api/bills/{bill_id}/")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "has_payments")
    assert cashier.delete(url).status_code == 403
    response = admin.delete(url)
    expected = {"kind": "refund", "status": "waiting", "amount": "10.00", "payment": payment_id}
    expected["reason"] = "No reason was given: asked by DELETE through the API."
    assert (response.status_code, response.get_json()) == (202, response.get_json() | expected)
    again = admin.delete(url, json={"reason": "Paid twice", "proof": PASSWORD})
    assert (again.status_code, again.get_json()) == (202, response.get_json())
    assert admin.get(f"/api/bills/{bill_id}/").get_json()["paid_amount"] == "10.00"
    _approve(admin, cashier, response.get_json()["id"])
    assert [p["kind"] for p in admin.get(f"/api/payments/?bill={bill_id}").get_json()] == ["refund", "payment"]
    assert admin.delete(url).status_code == 409
    assert cashier.get(url).status_code == 404


@pytest.mark.parametrize("clerk", ["admin", "cashier"])
@pytest.mark.security("N")
def test_deleting_an_issued_bill_sends_a_request_also_for_the_cashier_who_issued_it(patient_id, program, clerk):
    admin, cashier = program("admin"), program("cashier")
    bill_id = factories.draft(patient_id, "10.00").id
    program(clerk).post(f"/api/bills/{bill_id}/issue/")
    response = admin.delete(f"/api/bills/{bill_id}/", json={"reason": "Written twice"})
    expected = {"kind": "void", "status": "waiting", "bill": bill_id, "reason": "Written twice"}
    assert (response.status_code, response.get_json()) == (202, response.get_json() | expected)
    assert admin.delete(f"/api/bills/{bill_id}/").get_json() == response.get_json()
    assert admin.get(f"/api/bills/{bill_id}/").get_json()["status"] == "issued"
    assert len(admin.get(f"/api/corrections/?bill={bill_id}").get_json()) == 1
    _approve(admin, cashier, response.get_json()["id"])
    assert admin.delete(f"/api/bills/{bill_id}/").status_code == 204
    assert cashier.get(f"/api/bills/{bill_id}/").status_code == 404
    assert admin.get(f"/api/bills/{bill_id}/").get_json()["status"] == "void"


def _approve(requester, other, correction_id: int) -> None:
    """`other` approves with a proof; the requester cannot."""
    url = f"/api/corrections/{correction_id}/approve/"
    unproven = other.post(url, json={"proof": "not it"})
    assert (unproven.status_code, list(unproven.get_json())[0]) == (400, "proof")
    assert "proof" in other.post(url, json={}).get_json()
    own = requester.post(url, json={"proof": PASSWORD})
    assert (own.status_code, own.get_json()["code"]) == (400, "own_request")
    assert other.post(url, json={"proof": PASSWORD}).get_json()["status"] == "approved"
    assert other.post(url.replace("approve", "decline"), json={"reason": "x"}).status_code == 409


@pytest.mark.security("N")
def test_deleting_a_bill_returns_the_waiting_request_of_another_and_does_not_approve_it(patient_id, program):
    admin, cashier = program("admin"), program("cashier")
    bill_id = factories.draft(patient_id, "10.00").id
    admin.post(f"/api/bills/{bill_id}/issue/")
    sent = {"kind": "void", "bill": bill_id, "reason": "written twice"}
    waiting = cashier.post("/api/corrections/", json=sent).get_json()
    for body in ({}, {"proof": PASSWORD}):
        answer = admin.delete(f"/api/bills/{bill_id}/", json=body)
        assert (answer.status_code, answer.get_json()) == (202, waiting)
    assert admin.delete(f"/api/bills/{bill_id}/", data="reason=x").status_code == 415
    assert admin.delete(f"/api/bills/{bill_id}/", json={"reason": ["x"]}).status_code == 400
    assert admin.get(f"/api/bills/{bill_id}/").get_json()["status"] == "issued"


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"kind": "gift", "reason": "x"}, "kind"),
        ({"kind": "void", "reason": "x"}, "bill"),
        ({"kind": "refund", "payment": 987654321, "reason": "x"}, "payment"),
        ({"kind": "write_off", "bill": "BILL", "reason": "x", "amount": "10.01"}, "amount"),
        ({"kind": "write_off", "bill": "BILL", "reason": "  "}, "reason"),
        ({"kind": "discount", "bill": "BILL", "reason": "x", "discount": "10%"}, "non_field_errors"),
        ({"kind": "void", "bill": "BILL"}, "reason"),
    ],
)
def test_invalid_requests_are_refused(patient_id, program, sent, field):
    bill = factories.draft(patient_id, "10.00")
    issuing.issue(bill.id, by=SYSTEM)
    answer = program("cashier").post(
        "/api/corrections/", json={k: bill.id if v == "BILL" else v for k, v in sent.items()}
    )
    assert (answer.status_code, list(answer.get_json())[0]) == (400, field)


@pytest.mark.security("B")
def test_a_payment_is_final(patient_id, program):
    admin = program("admin")
    payment = actions.take_payment(factories.draft(patient_id, "10.00").id, Money("10"), "Cash", by=SYSTEM)
    url = f"/api/payments/{payment.id}/"
    same = {"bill": payment.bill_id, "amount": "10.00", "method": "cash", "reference": ""}
    assert admin.put(url, json=same).status_code == 200
    changed = admin.put(url, json={**same, "amount": "1.00"})
    assert (changed.status_code, changed.get_json()["code"]) == (409, "permanent")


@pytest.mark.parametrize("role", ["doctor", "nurse", "pharmacist", "lab"])
@pytest.mark.security("D")
def test_care_desks_see_whether_a_bill_is_paid_and_nothing_else(patient_id, program, role):
    bill = factories.draft(patient_id, "10.00")
    payment = actions.take_payment(bill.id, Money("10.00"), "Cash", by=SYSTEM)
    client, seen = program(role), {"id": bill.id, "patient": patient_id, "is_paid": True}
    assert client.get("/api/bills/").get_json() == [seen]
    assert client.get(f"/api/bills/{bill.id}/").get_json() == seen
    assert client.get("/api/payments/").get_json() == []
    assert client.get(f"/api/payments/{payment.id}/").status_code == 403
    assert client.post("/api/bills/", json={"patient": patient_id}).status_code == 403
    assert client.post("/api/payments/", json={"bill": bill.id, "amount": "1", "method": "Cash"}).status_code == 403


@pytest.mark.security("D")
def test_a_receptionist_sees_the_payments_they_took(patient_id, program):
    bill_id = factories.draft(patient_id, "10.00").id
    payment = {"bill": bill_id, "method": "Cash"}
    by_cashier = program("cashier").post("/api/payments/", json={**payment, "amount": "4.00"}).get_json()
    mine = program("receptionist").post("/api/payments/", json={**payment, "amount": "6.00"}).get_json()
    assert [p["id"] for p in program("receptionist").get("/api/payments/").get_json()] == [mine["id"]]
    assert program("receptionist").get(f"/api/payments/{by_cashier['id']}/").status_code == 404
    assert len(program("cashier").get("/api/payments/").get_json()) == 2


def test_lists_filter_order_and_page(patient_id, program):
    other = factories.patient().id
    ids = [factories.draft(patient_id, f"{n}.00").id for n in range(1, 4)] + [factories.draft(other, "9.00").id]
    actions.take_payment(ids[0], Money("1.00"), "Cash", by=SYSTEM)
    cashier = program("cashier")

    def shown(query: str) -> list[int]:
        return [bill["id"] for bill in cashier.get(f"/api/bills/?{query}").get_json()]

    assert shown("") == ids[::-1]
    assert shown(f"patient={patient_id}") == shown(f"patient_id={patient_id}") == ids[2::-1]
    assert shown("status=paid") == shown("is_paid=true") == ids[:1]
    assert shown("ordering=total_amount") == ids
    assert shown("date_from=2001-01-01&date_to=2099-12-31") == ids[::-1]
    assert shown("date=2001-01-01") == []
    page = cashier.get("/api/bills/?page_size=3").get_json()
    assert (page["count"], len(page["results"]), page["previous"]) == (4, 3, None)
    for wrong in (
        "patient=x",
        "status=odd",
        "is_paid=maybe",
        "date=22-11-2026",
        "date=２０２６-1-1",
        "ordering=notes",
        "page=0",
    ):
        assert cashier.get(f"/api/bills/?{wrong}").status_code == 400, wrong
    assert cashier.get("/api/payments/?method=cash").get_json()[0]["bill"] == ids[0]
    assert cashier.get("/api/payments/?method=gold").status_code == 400


def test_a_list_needs_as_many_queries_for_many_bills_as_for_few(patient_id, program):
    cashier = program("cashier")
    factories.draft(patient_id, "1.00", "2.00")
    cashier.get("/api/bills/")
    few = cashier.get("/api/bills/").headers["X-Queries"]
    for _ in range(20):
        factories.draft(patient_id, "1.00", "2.00")
    assert cashier.get("/api/bills/").headers["X-Queries"] == few


def test_the_price_list_is_read_by_every_desk(db, program):
    factories.price("DRES", "Dressing, small", "35.00")
    factories.price("OLD", "Old item", "1.00", is_active=False)
    services = program("doctor").get("/api/service-catalog/?search=dress").get_json()
    assert [(s["name"], s["price"], s["code"]) for s in services] == [("Dressing, small", "35.00", "DRES")]
    assert len(program("lab").get("/api/service-catalog/").get_json()) == 1


@pytest.mark.security("N")
def test_the_same_key_takes_the_money_once(patient_id, program):
    bill_id = factories.draft(patient_id, "100.00").id
    body, key = {"bill": bill_id, "amount": "60.00", "method": "Cash"}, {"Idempotency-Key": "till-2-0001"}
    first = program("cashier").post("/api/payments/", json=body, headers=key)
    again = program("cashier").post("/api/payments/", json=body, headers=key)
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    other = program("cashier").post("/api/payments/", json={**body, "amount": "1.00"}, headers=key)
    assert other.status_code == 422


@pytest.mark.security("N")
def test_of_simultaneous_payments_one_is_taken_and_the_others_are_refused(real_app):
    bill_id = factories.draft(factories.patient().id, "100.00").id
    user = database.session.scalars(select(User).filter_by(username="cashier")).unique().one()
    token = request_user.access_token(user.id, user.token_version)
    database.session.commit()

    def pay(_n: int) -> int:
        client = real_app.test_client()
        body = {"bill": bill_id, "amount": "60.00", "method": "Cash"}
        return client.post("/api/payments/", json=body, headers={"Authorization": f"Bearer {token}"}).status_code

    with ThreadPoolExecutor(8) as programs:
        codes = sorted(programs.map(pay, range(8)))
    assert codes[0] == 201
    assert set(codes[1:]) <= {400, 409}
    assert len(database.session.scalars(select(Payment)).all()) == 1
