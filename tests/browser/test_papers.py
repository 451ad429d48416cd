"""Every paper as the browser prints it: how many pages, what stands on them, and nothing over an edge."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pytest
from sqlalchemy import select

from hms.appointments.bookings import actions as bookings
from hms.appointments.queue import slip_layout
from hms.billing.bills import issuing
from hms.billing.corrections import actions as correction_actions
from hms.billing.models import Payment
from hms.billing.payments import actions as payment_actions
from hms.billing.tills import actions as till_actions
from hms.core.audit import chain
from hms.core.audit.models import AuditEntry, AuditSeal
from hms.core.db.session import db as database
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.demo.hospital import HOSPITAL
from hms.patients.records.printed import PAGE_SIZES
from hms.pharmacy.dispensing import actions as dispensing
from tests.appointments import factories as appointments
from tests.billing import factories as billing
from tests.browser.longest_name import FAMILY, GIVEN
from tests.clinical import factories as clinical
from tests.papers import check_one_page, check_words, printed
from tests.pharmacy import factories as pharmacy

pytestmark = pytest.mark.browser
LONG_REASON = "The patient paid for two consultations and was seen only once, because the second doctor was called away"


@pytest.fixture
def francs(app, monkeypatch):
    """The hospital's currency is one without decimals."""
    monkeypatch.setitem(app.config, "CURRENCY", "XOF")


@pytest.fixture
def letterhead(db, person):
    """The hospital has the name, address and phone of the demo."""
    for key, value in HOSPITAL.items():
        settings.change_setting(key, value, by=person("admin"))


@pytest.mark.usefixtures("letterhead")
@pytest.mark.parametrize("given", ["Kadiatu", GIVEN])
def test_a_queue_slip_is_one_page(db, desk, chromium, given):
    doctor = appointments.doctor(first_name=given, last_name=FAMILY if given == GIVEN else "Bah", room="Room 3")
    patient = appointments.patient(given, FAMILY if given == GIVEN else "Kamara")
    entry = appointments.waiting(patient.id, doctor_id=doctor.id)
    sheets = printed(chromium, desk("receptionist"), f"/queue/{entry.id}/slip")
    sheet = check_one_page(sheets, (80, sheets[0].size[1]))
    assert sheet.size[1] - sheet.ink[3] < 60, "paper is wasted"
    token = ("St Mary's Hospital", patient.given_names, patient.hospital_number, "Room 3", "Watch the screen")
    check_words(sheet.words, *token, patient.family_name)
    for printer, size in slip_layout.FIXED_SIZES.items():
        sheet = check_one_page(
            printed(chromium, desk("receptionist"), f"/queue/{entry.id}/slip?printer={printer}"), size
        )
        check_words(sheet.words, patient.hospital_number, str(entry.token), given[:20].split()[0])


def test_a_receipt_of_a_part_payment_shows_what_was_paid(db, desk, person, chromium, francs):
    bill = billing.draft(billing.patient(GIVEN, FAMILY).id, *(["15000"] * 12))
    payment_actions.take_payment(bill.id, Money("20000"), "Mobile Money", "OM-1", by=person("cashier"))
    second = payment_actions.take_payment(
        bill.id, Money("35000"), "Cash", tendered=Money("50000"), by=person("cashier")
    )
    sheets = printed(chromium, desk("cashier"), f"/billing/payments/{second.id}")
    sheet = check_one_page(sheets, sheets[0].size)
    check_words(sheet.words, GIVEN, FAMILY, "Item 12", "TOTAL XOF 180,000", "Already paid 20,000", "PAID NOW 35,000")
    check_words(sheet.words, "Cash 50,000", "Change 15,000", "BALANCE 125,000")


def test_a_refund_names_its_receipt_and_reason_and_not_the_whole_bill(db, desk, person, chromium, francs):
    bill = billing.draft(billing.patient(GIVEN, FAMILY).id, *(["15000"] * 12))
    paid = payment_actions.take_payment(bill.id, Money("50000"), "Cash", by=person("cashier"))
    for amount in ("5000", "15000"):
        request = correction_actions.request_refund(
            paid.id, amount=Money(amount), reason=LONG_REASON, by=person("cashier")
        )
        correction_actions.approve(request.id, by=person("admin"))
    refund = database.session.scalars(select(Payment).filter_by(correction_id=request.id)).one()
    sheets = printed(chromium, desk("cashier"), f"/billing/payments/{refund.id}")
    sheet = check_one_page(sheets, sheets[0].size)
    check_words(sheet.words, f"Refund of receipt {paid.number}", f"Reason: {LONG_REASON}", "Approved by", "Paid 50,000")
    check_words(
        sheet.words, "Refunded before −5,000", "REFUNDED XOF 15,000", "BALANCE 150,000", "Signature of the person"
    )
    assert "Item 1" not in sheet.words


def test_labels_show_the_expiry_of_each_batch_and_cut_nothing(db, desk, person, chromium):
    patient, instructions = pharmacy.patient(GIVEN, FAMILY), "With food. Do not drink alcohol. Finish all of them."
    medicine = pharmacy.medicine()
    visit = pharmacy.encounter(patient)
    first, second = pharmacy.batch(medicine, 10, days=200, lot="LOT-A-11"), pharmacy.batch(medicine, 50, lot="LOT-B-22")
    given = dispensing.dispense(
        pharmacy.prescription(medicine, visit, instructions=instructions).id, 21, by=person("pharmacist")
    )
    sheets = printed(chromium, desk("pharmacist"), f"/pharmacy/dispenses/{given.id}/label")
    sheet = check_one_page(sheets, (70, 35))
    check_words(sheet.words, GIVEN, FAMILY, patient.hospital_number, instructions, "Keep away from children")
    for batch in (first, second):
        check_words(sheet.words, f"Batch {batch.lot_number}, use before {batch.expires_on:%-d %B %Y}")


@pytest.mark.usefixtures("letterhead")
def test_a_visit_summary_has_the_letterhead(db, desk, person, chromium):
    encounter = clinical.an_encounter(
        person("doctor"),
        clinical.a_patient(given_names=GIVEN, family_name=FAMILY),
        notes="\n".join(f"Line {number} of a long history." for number in range(90)),
    )
    sheets = printed(chromium, desk("doctor"), f"/encounters/{encounter.id}/summary")
    assert len(sheets) in (2, 3)
    check_words(sheets[0].words, "St Mary's Hospital", "12 Hill Road", "022 123 456", "Visit summary", GIVEN, FAMILY)
    for number, sheet in enumerate(sheets, 1):
        assert sheet.size == (210, 297)
        check_words(sheet.words, f"Page {number} of {len(sheets)}")
    assert "Line 89" in sheets[-1].words


def test_the_board_and_the_week_are_not_cut_off(db, desk, chromium):
    day = appointments.MONDAY
    doctors = [appointments.doctor(f"doctor.{n}", first_name=GIVEN, last_name=f"Ward{n:02}") for n in range(8)]
    for doctor in doctors:
        appointments.hours(doctor.id)
    for url in ("/appointments/?date={}", "/appointments/week?date={}&doctor=" + str(doctors[0].id)):
        for sheet in printed(chromium, desk("receptionist"), url.format(day.isoformat())):
            assert sheet.size == (297, 210)
            assert 10 <= sheet.ink[0] < sheet.ink[2] <= 287, "cut off at the side"


def test_card_band_and_label_are_one_page_on_every_printer(db, desk, chromium):
    patient, client = appointments.patient(GIVEN, FAMILY), desk("receptionist")
    for (document, printer), size in PAGE_SIZES.items():
        sheets = printed(chromium, client, f"/patients/{patient.id}/{document}?printer={printer}")
        sheet = check_one_page(sheets, (round(size[0]), round(size[1])))
        check_words(sheet.words, GIVEN, FAMILY, patient.hospital_number)
        assert printer.value in client.get(f"/patients/{patient.id}/card").text, "the computer remembers its printer"


@pytest.mark.usefixtures("letterhead")
def test_a_closing_sheet_can_be_counted_again_and_proven(db, desk, person, chromium, francs):
    cashier, numbers = person("cashier"), []
    till_actions.open_till(Money("10000"), by=cashier)
    for _ in range(3):
        bill = billing.draft(billing.patient(GIVEN, FAMILY).id, "15000")
        numbers.append(payment_actions.take_payment(bill.id, Money("15000"), "Cash", by=cashier).number)
    voided = billing.draft(billing.patient(GIVEN, FAMILY).id, "15000")
    issuing.issue(voided.id, by=cashier)
    till_actions.count_till({Decimal(10000): 5, Decimal(500): 7}, Money("1450"), by=cashier)
    client = desk("cashier")
    page = client.get("/billing/till")
    assert page.status_code == 200
    shift = till_actions.close_till("short change", by=cashier)
    chain.seal_pending()
    sheets = printed(chromium, client, f"/billing/till/{shift.id}")
    sheet = check_one_page(sheets, (210, 297))
    check_words(sheet.words, "St Mary's Hospital", shift.number, "10,000 5 50,000", "500 7 3,500", "Other cash 1,450")
    check_words(sheet.words, "Cash 55,000 54,950 −50")
    check_words(sheet.words, "Cash counted XOF 54,950", numbers[0], numbers[-1], "short change")
    check_words(sheet.words, "Signature of the cashier", "Signature of the person who receives the money")
    number, seal = re.search(r"Audit trail, seal (\d+): ([0-9a-f]{64})", sheet.words).groups()
    sealed = database.session.scalars(select(AuditSeal).filter_by(n=int(number))).one()
    assert bytes(sealed.seal).hex() == seal
    assert database.session.get(AuditEntry, sealed.entry_id).action == "billing.close_till"


def test_the_day_sheet_shows_every_doctor_on_as_many_pages_as_it_takes(db, desk, chromium):
    day = appointments.MONDAY
    doctors = [appointments.doctor(f"doctor.{n}", first_name=GIVEN, last_name=f"Ward{n:02}") for n in range(19)]
    for doctor in doctors:
        appointments.hours(doctor.id)
    patient = appointments.patient(GIVEN, FAMILY, phone="076555999")
    booked = {"patient_id": patient.id, "doctor_id": doctors[-1].id, "date": day, "time": dt.time(11, 45)}
    bookings.book(**booked, by=SYSTEM)
    sheets = printed(chromium, desk("receptionist"), f"/appointments/sheet?date={day.isoformat()}")
    words = " ".join(sheet.words for sheet in sheets)
    check_words(words, *(f"Ward{n:02}" for n in range(19)), GIVEN, FAMILY, patient.hospital_number, "11:45")
    assert len(sheets) > 5
    for number, sheet in enumerate(sheets, 1):
        assert sheet.size == (210, 297)
        assert 10 <= sheet.ink[0] < sheet.ink[2] <= 200, "cut off at the side"
        check_words(sheet.words, f"Page {number} of {len(sheets)}")
