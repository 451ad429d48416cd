"""The pharmacy's pages as a browser sees them."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from hms.clinical.models import Prescription
from hms.core import clock
from hms.core.settings import store as settings
from hms.formulary.models import Medication
from hms.patients.models import Patient
from hms.pharmacy.dispensing import actions as dispensing_actions
from hms.pharmacy.models import Batch, Dispense, GoodsReceipt
from hms.pharmacy.receiving import actions as receiving_actions
from hms.pharmacy.stock import queries as stock_queries
from tests.page import words
from tests.pharmacy import factories as make


@pytest.fixture
def at(desk):
    return desk("pharmacist")


def seen(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    return words(answer.get_data(as_text=True))


def visit_of(*names, quantity=20, stock=50):
    visit = make.encounter(make.patient())
    lines = [make.prescription(make.medicine(name), visit, quantity) for name in names]
    for line in lines:
        make.batch(_medicine(line), stock)
    return visit, lines


def _medicine(line):
    from hms.core.db.session import db

    return db.session.get(Medication, line.medication_id)


def test_the_queue_opens_the_newest_visit(at):
    visit_of("zinc sulfate")
    visit_of("paracetamol", "metronidazole")
    page = seen(at, "/pharmacy/")
    assert "To dispense 3" in page
    assert "500 mg capsule — DOSE 500 mg — oral — three times a day — 7 days" in page
    assert "of 20 capsules" in page
    assert "Dispense all 2 for KAMARA" in page
    assert page.count("Dispense all") == 1


def test_old_prescriptions_have_their_own_heading_and_a_search_finds_both(at):
    waiting, long_ago = make.encounter(make.patient("Isatu", "Jalloh")), clock.now() - timedelta(days=12)
    old = make.prescription(make.medicine("metronidazole"), waiting, signed_at=long_ago)
    first = make.prescription(make.medicine("zinc sulfate"), make.encounter(make.patient()))
    last = make.prescription(make.medicine("paracetamol"), make.encounter(make.patient("Sahr", "Bangura")))
    assert old.id < first.id < last.id
    shown = seen(at, "/pharmacy/")
    assert "To dispense 2" in shown
    assert "Older 1" in shown
    assert shown.index("BANGURA") < shown.index("KAMARA")
    assert "JALLOH" not in shown
    assert "JALLOH" in seen(at, "/pharmacy/?show=older")
    found = seen(at, "/pharmacy/?q=jalloh")
    assert "JALLOH" in found
    assert "KAMARA" not in found
    assert "No open prescription" in seen(at, "/pharmacy/?q=conteh")


def test_a_new_prescription_does_not_close_the_visit_that_is_worked_on(at):
    visit, _lines = visit_of("paracetamol")
    page = at.get("/pharmacy/").get_data(as_text=True)
    address = re.search(r'data-refresh-from="([^"]+)"', page)[1].replace("&amp;", "&")
    visit_of("zinc sulfate")
    rows = at.get(address).get_data(as_text=True)
    assert re.search(r'rx--open" data-key="([^"]+)"', rows)[1] == f"v{visit.id}"


def test_an_empty_queue_shows_a_message(at):
    assert "Nothing to dispense" in seen(at, "/pharmacy/")
    for show, says in (
        ("owing", "No medicines owing"),
        ("held", "No prescriptions on hold"),
        ("done", "Nothing dispensed today"),
    ):
        assert says in seen(at, f"/pharmacy/?show={show}")


def test_one_press_gives_a_visit_and_offers_its_labels(db, at):
    _visit, lines = visit_of("paracetamol", "metronidazole", "zinc sulfate")
    answer = at.form("/pharmacy/")
    assert answer.status_code == 303
    page = seen(at, answer.headers["Location"])
    assert "3 medicines dispensed for KAMARA, Kadiatu" in page
    assert "Print 3 labels" in page
    assert {line.status for line in lines} == {"completed"}
    assert db.session.scalars(select(Dispense)).all().__len__() == 3


def test_submitting_the_form_twice_dispenses_once(db, at):
    _visit, (line,) = visit_of("paracetamol")
    page = at.get("/pharmacy/").get_data(as_text=True)
    from tests.page import Page

    form = next(form for form in Page(page).forms if (form["action"] or "").startswith("/pharmacy/prescriptions"))
    first, second = (at.post(form["action"], data=form["fields"]) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert line.quantity_dispensed == 20


def test_a_short_line_is_offered_in_part_and_moves_to_owing(at):
    _visit, (line,) = visit_of("oral rehydration salts", quantity=6, stock=4)
    assert "only 4 in stock → 2 owing" in seen(at, "/pharmacy/")
    at.form("/pharmacy/")
    assert line.status == "part_dispensed"
    assert "Medicines owing 1" in seen(at, "/pharmacy/?show=owing")


def test_an_impossible_quantity_comes_back_as_typed(at):
    visit, (line,) = visit_of("paracetamol")
    for typed, status in (("21", 400), ("lots", 400), ("", 400)):
        answer = at.form(f"/pharmacy/prescriptions/{visit.id}", **{f"quantity-{line.id}": typed})
        assert answer.status_code == status
        page = answer.get_data(as_text=True)
        assert "There is a problem" in page
        assert typed in page
    assert line.quantity_dispensed == 0


def test_stock_that_changed_is_shown_before_dispensing(db, at, person):
    visit, (line,) = visit_of("paracetamol")
    from tests.page import Page

    path = f"/pharmacy/prescriptions/{visit.id}"
    form = next(f for f in Page(at.get(path).get_data(as_text=True)).forms if f["action"] == path)
    make.batch(_medicine(line), 40, days=90)
    answer = at.post(path, data=form["fields"])
    assert answer.status_code == 409
    again = Page(answer.get_data(as_text=True))
    assert "dispense again" in words(answer.get_data(as_text=True))
    form = next(f for f in again.forms if f["action"] == path)
    assert at.post(path, data=form["fields"]).status_code == 303


def test_a_new_allergy_is_shown_and_nothing_is_offered(db, at):
    visit = make.encounter(make.patient())
    line = make.prescription(make.medicine("amoxicillin"), visit)
    make.batch(_medicine(line))
    make.allergy(db.session.get(Patient, visit.patient_id), "penicillin")
    page = seen(at, f"/pharmacy/prescriptions/{visit.id}")
    assert "Known allergies penicillin – rash" in page
    assert "Query the prescriber" in page
    assert "Dispense" not in page.replace("Dispensed", "")


def test_a_stopped_line_does_not_hold_up_the_rest_of_the_visit(db, at):
    visit, (line,) = visit_of("paracetamol")
    stopped = make.prescription(make.medicine("amoxicillin"), visit)
    make.batch(_medicine(stopped))
    make.allergy(db.session.get(Patient, visit.patient_id), "penicillin")
    assert at.form("/pharmacy/").status_code == 303
    assert (line.status, stopped.status) == ("completed", "active")


def test_a_line_is_given_from_another_batch_with_a_reason(db, at):
    _visit, (line,) = visit_of("paracetamol")
    other = make.batch(_medicine(line), 30, days=900)
    path = f"/pharmacy/lines/{line.id}"
    assert at.form(path, quantity="5", batch=str(other.id)).status_code == 400
    answer = at.form(path, quantity="5", batch=str(other.id), why="the other pack is torn")
    assert answer.status_code == 303
    assert db.session.get(Batch, other.id, populate_existing=True).quantity == 25


def test_a_query_holds_the_line_and_resuming_brings_it_back(at):
    _visit, (line,) = visit_of("paracetamol")
    assert at.post(f"/pharmacy/lines/{line.id}/query").status_code == 400
    at.form(f"/pharmacy/lines/{line.id}", 1, reason="which strength?")
    assert line.status == "on_hold"
    assert "which strength?" in seen(at, "/pharmacy/?show=held")
    at.form(f"/pharmacy/lines/{line.id}")
    assert line.status == "active"


def test_the_label_has_the_maximum_in_units_of_the_medicine(at, person):
    medicine, visit = make.medicine("paracetamol"), make.encounter(make.patient())
    dose = {"dose_amount": Decimal(1000), "as_needed": True, "max_per_day": Decimal(3000), "days": None}
    line = make.prescription(medicine, visit, **dose)
    make.batch(medicine)
    given = dispensing_actions.dispense(line.id, by=person("pharmacist"))
    page = seen(at, f"/pharmacy/dispenses/{given.id}/label")
    assert "Take 2 capsules by mouth three times a day when required, max 6 capsules in 24 hours." in page


def test_a_label_speaks_to_the_patient(at, person):
    _visit, (line,) = visit_of("paracetamol")
    given = dispensing_actions.dispense(line.id, by=person("pharmacist"))
    page = seen(at, f"/pharmacy/dispenses/{given.id}/label")
    assert "Take 1 capsule by mouth three times a day for 7 days." in page
    assert "Kadiatu Kamara" in page
    today = clock.today()
    assert f"{today.day} {today:%B} {today.year}" in page


def test_a_return_is_taken_back(db, at, person):
    _visit, (line,) = visit_of("paracetamol")
    given = dispensing_actions.dispense(line.id, by=person("pharmacist"))
    path = f"/pharmacy/dispenses/{given.id}/return"
    assert at.form(path, quantity="21", reason="x").status_code == 400
    assert at.form(path, quantity="5", reason="not needed", goes_back="y").status_code == 303
    assert db.session.scalars(select(Batch.quantity)).all() == [35]


def test_done_today_lists_what_was_given(at, person):
    _visit, (line,) = visit_of("paracetamol")
    dispensing_actions.dispense(line.id, 7, by=person("pharmacist"))
    page = seen(at, "/pharmacy/?show=done")
    assert "KAMARA, Kadiatu" in page
    assert "paracetamol 500 mg capsule 7" in page


def test_stock_filters_count_what_they_show(at):
    make.batch(make.medicine("fine"), 500)
    make.batch(make.medicine("low", reorder_level=100), 10)
    make.batch(make.medicine("old"), 30, days=-1)
    make.batch(make.medicine("near"), 30, days=20)
    page = seen(at, "/pharmacy/stock")
    for says in (
        "Below reorder level 2",
        "Expired 1",
        "Out of stock 1",
        "within 90 days 1",
        "30 expired",
        "30 expire soon",
    ):
        assert says in page
    assert "near 500 mg" in seen(at, "/pharmacy/stock?show=expiring")
    assert "fine" not in seen(at, "/pharmacy/stock?show=low")
    assert "low" in seen(at, "/pharmacy/stock?q=LOW")
    assert "No medicine matches" in seen(at, "/pharmacy/stock?q=nothing+like+this")


def test_the_stock_page_goes_on_where_it_ended(at):
    for number in range(30):
        make.medicine(f"m{number:02}")
    first = at.get("/pharmacy/stock").get_data(as_text=True)
    from tests.page import Page

    older = next(link for link in Page(first).links if "after=" in link)
    assert "m25" in seen(at, older)
    assert "m24" not in seen(at, older)


@pytest.mark.parametrize(("days", "told"), [(200, "Within 200 days"), (20, "Within 20 days")])
def test_the_stock_page_shows_the_days_of_near_expiry(at, person, days, told):
    medicine = make.medicine()
    make.batch(medicine, 5, days=days)
    assert told not in seen(at, f"/pharmacy/stock/{medicine.id}")
    settings.change_setting("pharmacy.near_expiry_days", days, by=person("admin"))
    assert told in seen(at, f"/pharmacy/stock/{medicine.id}")


def test_a_medicine_shows_its_batches_and_ledger(at, person):
    _visit, (line,) = visit_of("paracetamol")
    dispensing_actions.dispense(line.id, 7, by=person("pharmacist"))
    page = seen(at, f"/pharmacy/stock/{line.medication_id}")
    assert "43 on hand" in page
    assert "Dispensed" in page
    assert "−7" in page


def test_a_refused_adjustment_shows_the_typed_values(db, at):
    batch = make.batch(make.medicine(), 40)
    path = f"/pharmacy/stock/batches/{batch.id}/adjust"
    refused = at.form(path, new_quantity="forty", kind="Damaged", note="shelf two")
    assert refused.status_code == 400
    assert "shelf two" in refused.get_data(as_text=True)
    assert at.form(path, new_quantity="38", kind="Damaged").status_code == 303
    assert db.session.scalars(select(Batch.quantity)).all() == [38]


def test_a_count_of_stock_that_moved_is_refused(at, person):
    batch = make.batch(make.medicine(), 40)
    answer = at.form(f"/pharmacy/stock/batches/{batch.id}/adjust", new_quantity="38", kind="Damaged", seen="39")
    assert answer.status_code == 409
    assert "40" in words(answer.get_data(as_text=True))


def test_a_batch_is_written_off(db, at):
    batch = make.batch(make.medicine(), 40, days=-3)
    assert at.form(f"/pharmacy/stock/batches/{batch.id}/write-off", kind="Expired-Discarded").status_code == 303
    assert db.session.scalars(select(Batch.quantity)).all() == [0]


def grid(of, **more):
    soon = clock.today() + timedelta(days=700)
    row = {
        "medicine": of.name,
        "lot_number": "A1",
        "expires_on": f"{soon:%m%y}",
        "quantity": "30",
        "unit_cost": "1.5",
    }
    return {f"lines-0-{name}": value for name, value in (row | more).items()} | {"supplier": "Medstore"}


def test_goods_are_received_from_typed_names(db, at):
    medicine = make.medicine("quinine")
    answer = at.form("/pharmacy/receive", **grid(medicine))
    assert answer.status_code == 303
    assert "quinine" in seen(at, answer.headers["Location"])
    assert db.session.scalars(select(GoodsReceipt.number)).one().startswith("G-")
    assert db.session.get(Medication, medicine.id, populate_existing=True).current_stock == 30


def test_dear_goods_are_received_and_their_value_is_shown(db, at):
    medicine = make.medicine("quinine")
    dear = grid(medicine, unit_cost="99999999.99", quantity="100000")
    assert "9,999,999,999,000.00" in at.form("/pharmacy/receive", **dear, do="add_line").get_data(as_text=True)
    answer = at.form("/pharmacy/receive", **dear)
    assert answer.status_code == 303
    for path in (answer.headers["Location"], "/pharmacy/stock", f"/pharmacy/stock/{medicine.id}", "/reports/"):
        seen(at, path)


def test_adding_and_removing_a_line_keeps_the_typed_values(db, at):
    typed = grid(make.medicine("quinine"))
    more = at.form("/pharmacy/receive", **typed, do="add_line").get_data(as_text=True)
    assert 'name="lines-1-medicine"' in more
    assert "quinine" in more
    assert "SLE\u00a045.00" in more
    second = typed | {"lines-1-medicine": "zinc", "remove_line": "0"}
    less = at.form("/pharmacy/receive", **second).get_data(as_text=True)
    assert 'value="zinc"' in less
    assert "quinine" not in less
    assert 'name="lines-1-medicine"' not in less
    assert db.session.scalars(select(Batch)).all() == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"medicine": "no such thing"}, "Choose a medicine"),
        ({"expires_on": "soon"}, "month and year"),
        ({"expires_on": "0120"}, "expired"),
        ({"lot_number": ""}, "as printed"),
        ({"quantity": "many"}, "whole number"),
        ({"unit_cost": "1.234"}, "two decimals"),
        ({"unit_cost": "100000000"}, "99,999,999.99"),
    ],
)
def test_an_error_of_a_line_is_shown_in_its_cell(db, at, wrong, says):
    answer = at.form("/pharmacy/receive", **grid(make.medicine("quinine"), **wrong))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert says in page
    assert 'value="Medstore"' in page
    assert db.session.scalars(select(Batch)).all() == []


def test_suggestions_for_the_grid(at):
    make.medicine("quinine")
    make.receive([receiving_actions.Received(make.medicine("zinc").id, "Z", clock.today() + timedelta(days=99), 1)])
    assert at.get("/pharmacy/medicines/choose?q=quin").json[0]["label"] == "quinine 500 mg capsule"
    assert at.get("/pharmacy/suppliers/choose?q=med").json == [{"value": "Medstore", "label": "Medstore"}]


PATHS = ("/pharmacy/", "/pharmacy/rows", "/pharmacy/stock", "/pharmacy/receive")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("role", ["doctor", "nurse", "receptionist", "cashier", "lab", "patient"])
def test_other_desks_are_refused(desk, role, path):
    assert desk(role).get(path).status_code == 403


def test_an_administrator_manages_stock_but_cannot_dispense(desk):
    admin = desk("admin")
    assert [admin.get(path).status_code for path in PATHS] == [403, 403, 200, 200]


@pytest.mark.parametrize(
    "path",
    [
        "/pharmacy/prescriptions/99999999",
        "/pharmacy/lines/99999999",
        "/pharmacy/dispenses/99999999/label",
        "/pharmacy/dispenses/99999999/return",
        "/pharmacy/labels?of=x,99999999",
        "/pharmacy/stock/99999999",
        "/pharmacy/stock/batches/99999999/adjust",
        "/pharmacy/stock/receipts/99999999",
    ],
)
def test_what_does_not_exist_is_not_found(at, path):
    assert at.get(path).status_code == 404


@pytest.mark.parametrize(
    "query", ["after=1.2", "after=99999999999999999.1.1", "open=%00", "show=%F0", "given=1,x,-3", "before=x"]
)
def test_a_strange_address_still_shows_the_queue(at, query):
    assert at.get(f"/pharmacy/?{query}").status_code == 200
    assert at.get(f"/pharmacy/stock?{query}&q=%00").status_code == 200


def test_the_number_of_queries_does_not_grow_with_the_queue(at, monkeypatch):
    monkeypatch.setattr(settings, "CACHE_SECONDS", 3600)

    def queries(path):
        return int(at.get(path).headers["X-Queries"])

    for _ in range(3):
        visit_of("paracetamol", "zinc sulfate")
    at.get("/pharmacy/stock")
    few = {path: queries(path) for path in ("/pharmacy/", "/pharmacy/stock")}
    for _ in range(20):
        visit_of("paracetamol", "metronidazole", "zinc sulfate")
    assert {path: queries(path) for path in few} == few


def test_the_queue_goes_on_where_it_ended(at):
    for _ in range(27):
        visit_of("paracetamol")
    from tests.page import Page

    page = Page(at.get("/pharmacy/").get_data(as_text=True))
    assert page.ux.count("rx-row") == 25
    older = next(link for link in page.links if "after=" in link)
    assert Page(at.get(older).get_data(as_text=True)).ux.count("rx-row") == 2


def test_the_draft_of_a_doctor_is_not_in_the_queue(db, at):
    visit, (line,) = visit_of("paracetamol")
    line_id = make.prescription(_medicine(line), visit, status="draft", signed_at=None).id
    assert "To dispense 1" in seen(at, "/pharmacy/")
    assert at.get(f"/pharmacy/lines/{line_id}").status_code == 404
    assert db.session.get(Prescription, line_id).status == "draft"


def test_an_address_that_mixes_patients_shows_the_first_ones_medicines_only(desk, person, db):
    first, second = (make.ordered(21)[0] for _ in range(2))
    ids = [dispensing_actions.dispense(line.id, by=person("pharmacist")).id for line in (first, second)]
    other = db.session.get(Patient, second.patient_id)
    client = desk("pharmacist")
    for path in ("/pharmacy/?given={},{}", "/pharmacy/labels?of={},{}"):
        page = words(client.get(path.format(*ids)).get_data(as_text=True))
        assert other.hospital_number not in page
        assert "2 medicines" not in page
        assert "2 labels" not in page


def test_every_page_of_one_patients_medicines_has_the_banner(at):
    visit, (line,) = visit_of("paracetamol")
    given = at.form(f"/pharmacy/prescriptions/{visit.id}", **{f"quantity-{line.id}": "5"}).headers["Location"]
    dispense = int(given.split("given=")[1])
    pages = (
        f"/pharmacy/prescriptions/{visit.id}",
        f"/pharmacy/lines/{line.id}",
        f"/pharmacy/dispenses/{dispense}/return",
    )
    for path in pages:
        banner = at.get(path).get_data(as_text=True).split('data-ux="banner"')[1].split("</section>")[0]
        assert all(f'data-ux="banner-{part}"' in banner for part in ("name", "born", "sex", "id", "allergy"))


def test_an_interrupted_goods_receipt_is_continued(at, desk):
    of = make.medicine()
    page = at.get("/pharmacy/receive").get_data(as_text=True)
    assert re.search(r'href="/pharmacy/stock" aria-current="page"', page)
    typed = {"supplier": "Medstore", "lines-0-medicine": of.name, "lines-0-quantity": "1 x", "other": "no"}
    token = re.search(r'name="csrf-token" content="([^"]+)"', page)[1]
    kept = at.post("/pharmacy/receive/draft", json=typed, headers={"X-CSRFToken": token})
    assert "saved_at" in kept.get_json()
    opened = at.get("/pharmacy/receive").get_data(as_text=True)
    assert ('value="Medstore"' in opened, 'value="1 x"' in opened, "Draft saved" in opened) == (True, True, True)
    assert "Medstore" not in desk("admin").get("/pharmacy/receive").get_data(as_text=True)
    line = {"lines-0-lot_number": "A1", "lines-0-expires_on": "1230", "lines-0-quantity": "5", "lines-0-unit_cost": "1"}
    posted = at.form("/pharmacy/receive", **line, **{"lines-0-medication_id": str(of.id)})
    assert posted.status_code == 303
    assert "Medstore" not in at.get("/pharmacy/receive").get_data(as_text=True)


def test_medicines_are_listed_as_in_a_dictionary(at):
    for name in ("Ringer's lactate", "zinc", "abacavir", "Éphédrine", "morphine"):
        make.medicine(name)
    page = seen(at, "/pharmacy/stock")
    names = ["abacavir", "Éphédrine", "morphine", "Ringer", "zinc"]
    assert sorted(names, key=page.index) == names
    rows = stock_queries.medicines(limit=2)
    after = stock_queries.sort_key_of(rows[-1].row.id)
    following = [row.row.name for row in stock_queries.medicines(after=after)]
    assert [name.split()[0] for name in following] == ["morphine", "Ringer's", "zinc"]
