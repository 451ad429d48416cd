"""Work with restricted records at desks outside care: with a reason, with an order, or with a bill without details."""

from __future__ import annotations

import datetime as dt

import pytest

from hms.billing.models import Bill
from hms.core import clock
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.lab import actions as lab_actions
from hms.lab.models import LabOrder
from hms.patients import lookup as patients
from hms.patients.access import actions as access_actions
from hms.patients.access import policy
from hms.pharmacy.dispensing import actions as dispensing_actions
from hms.pharmacy.dispensing import holds, returns
from tests.conftest import PASSWORD
from tests.house.hospital import ALLERGIES, MEDICINES, ON_THE_LIST, REASON, TESTS, add, somebody

pytestmark = pytest.mark.security("O")


def test_no_action_of_the_pharmacy_goes_past_the_door(record, person):
    by, line = person("pharmacist"), record["prescription_id"]
    tries = {
        "dispense": lambda: dispensing_actions.dispense(line, 1, by=by),
        "dispense_all": lambda: dispensing_actions.dispense_all(record["encounter_id"], {line: 1}, by=by),
        "hold": lambda: holds.hold(line, reason="Ask the ward", by=by),
        "query": lambda: holds.query_prescriber(line, reason="Ask the ward", by=by),
        "resume": lambda: holds.resume(line, by=by),
        "close": lambda: holds.close(line, reason="Not collected", by=by),
        "return_dispensed": lambda: returns.return_dispensed(record["dispense_id"], 1, "Not used", by=by),
    }
    for attempt in tries.values():
        with pytest.raises(policy.RecordRestricted):
            attempt()


def test_a_pharmacist_gives_with_a_reason_and_comes_back_to_the_counter(record, desk, program, person):
    counter, visit = desk("pharmacist"), f"/pharmacy/prescriptions/{record['encounter_id']}"
    rows = counter.get("/pharmacy/").get_data(as_text=True)
    assert "Restricted record" in rows
    opening = f"/patients/{record['patient_id']}/break-glass?next={visit}"
    assert opening in rows
    closed = counter.get(visit)
    assert closed.status_code == 403
    assert opening in closed.get_data(as_text=True)
    api = program("pharmacist")
    of_it = {one["id"]: one for one in api.get("/api/prescriptions/").get_json()}[record["prescription_id"]]
    assert set(of_it) == {"id", "encounter", "created_at", "status"}
    assert api.get(f"/api/prescriptions/?medication={record['medication_id']}").get_json() == []
    give = f"/api/prescriptions/{record['prescription_id']}/dispense/"
    refused = api.post(give, json={"quantity": 1})
    assert (refused.status_code, refused.get_json()["code"]) == (403, "restricted")
    opened = counter.form(opening, reason=REASON, proof=PASSWORD)
    assert (opened.status_code, opened.location) == (303, visit)
    page = counter.get(visit).get_data(as_text=True)
    assert ON_THE_LIST in page
    assert ALLERGIES[0] in page
    assert api.get(f"/api/prescriptions/{record['prescription_id']}/").get_json()["medication_name"] == MEDICINES[0]
    assert ALLERGIES[0] in api.get(f"/api/patients/{record['patient_id']}/").get_json()["known_allergies"]
    assert api.post(give, json={"quantity": 1}).status_code == 201


def test_today_in_the_queue_brings_nobody_to_the_pharmacist(record, person):
    from hms.appointments.queue import transitions as appointments

    appointments.add_to_queue(record["patient_id"], by=person("receptionist"))
    patient = patients.patient(record["patient_id"])
    assert policy.is_open(patient, person("doctor"))
    assert not policy.is_open(patient, person("pharmacist"))
    assert not policy.is_open(patient, person("cashier"))


class TestLaboratory:
    """A test that a doctor ordered opens the record to the laboratory, until a day after it is done."""

    @pytest.fixture
    def order(self, record, person) -> LabOrder:
        about = {"patient_id": record["patient_id"], "encounter_id": record["encounter_id"]}
        test = {"test_code": "FBC", "test_name": TESTS[0], "ordered_by_id": person("doctor").id}
        return add(LabOrder(**about, **test, ordered_at=clock.now()))

    def test_it_works_at_what_waits_and_corrects_for_a_day(self, order, desk, program, person):
        assert TESTS[0] in desk("lab").get("/lab/").get_data(as_text=True)
        assert program("lab").get(f"/api/lab_orders/{order.id}/").status_code == 200
        done = lab_actions.enter_results(order.id, {"HB": "11.2"}, by=person("lab"))
        done.status, done.done_at = "done", clock.now()
        patient = patients.patient(order.patient_id)
        assert policy.is_open(patient, person("lab"))
        with clock.frozen_at(clock.now() + dt.timedelta(hours=25)):
            assert not policy.is_open(patient, person("lab"))
            with pytest.raises(policy.RecordRestricted):
                lab_actions.enter_results(order.id, {"HB": "12.2"}, reason="Mistyped it", by=person("lab"))

    def test_nobody_lets_themselves_in_by_an_order(self, record, person):
        other = somebody("lab9", "lab")
        about = {"patient_id": record["patient_id"], "encounter_id": record["encounter_id"]}
        add(LabOrder(**about, test_code="FBC", test_name="x", ordered_by_id=other.id, ordered_at=clock.now()))
        patient = patients.patient(record["patient_id"])
        assert policy.is_open(patient, person("lab"))
        assert not policy.is_open(patient, person("lab9"))


def test_a_bill_stays_payable_and_names_nothing(record, program, desk):
    api, path = program("cashier"), f"/api/bills/{record['bill_id']}/"
    bill = api.get(path).get_json()
    assert [one["description"] for one in bill["items"]] == ["Medicine", "Laboratory test"]
    assert {one["service"] for one in bill["items"]} == {None}
    patient = api.get(f"/api/patients/{record['patient_id']}/").get_json()
    named = {"id", "unique_id", "first_name", "last_name"}
    assert set(patient) == named | {"contact_info", "deceased", "deceased_on"}
    paid = api.post(f"{path}payments/", json={"amount": "16.00", "method": "Cash"})
    assert paid.status_code == 200
    slip = desk("cashier").get(f"/billing/payments/{paid.get_json()['id']}").get_data(as_text=True)
    assert "Laboratory test" in slip
    assert TESTS[0] not in slip
    assert [one["description"] for one in program("admin").get(path).get_json()["items"]] == [MEDICINES[0], TESTS[0]]


def test_the_paper_of_a_bill_is_made_anew_when_the_record_is_restricted(record, person):
    from hms.billing.bills import frozen_facts
    from hms.billing.documents import invoice

    bill = database.session.get(Bill, record["bill_id"])
    closed = invoice.invoice_version(bill)
    assert {line.description for line in frozen_facts.lines_for_documents(bill.id)} == {"Medicine", "Laboratory test"}
    access_actions.lift_restriction(record["patient_id"], reason="Not needed any more", by=SYSTEM)
    assert {line.description for line in frozen_facts.lines_for_documents(bill.id)} == {MEDICINES[0], TESTS[0]}
    assert invoice.invoice_version(bill) != closed
