"""The A4 invoice: its content, one per edition, also after a killed worker and a stopped queue server."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import func, select, text

from hms.billing.bills import discounts, issuing
from hms.billing.corrections import actions as correction_actions
from hms.billing.documents import invoice_paper, jobs
from hms.billing.models import Bill, PrintedDocument
from hms.billing.payments import actions as payment_actions
from hms.core.actions import action_context
from hms.core.background import outbox
from hms.core.db.session import db as database
from hms.core.errors import Conflict
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.local.processes import wait_until
from hms.staff.models import User
from hms.staff.sign_in.authentication import AuthenticatedAccount, open_session
from tests.billing import factories
from tests.billing.conftest import kill
from tests.page import Page, PageClient, words
from tests.papers import check_words, sheets_of

LONG_NAME = ("Wilhelmina Oluwaseun Adebayo-Thompson", "Macauley-Fitzgerald Koroma")


def print_now(bill: Bill) -> bytes:
    """The invoice of the bill as the worker makes it."""
    with action_context("tests.print", SYSTEM):
        jobs.print_invoice(bill.id)
    newest = select(PrintedDocument.content).filter_by(ref_id=bill.id).order_by(PrintedDocument.id.desc()).limit(1)
    return database.session.execute(newest).scalar_one()


def pages_of(pdf: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages]


def test_an_invoice_shows_charges_and_payments(db, person):
    bill = factories.draft(factories.patient(title="Mrs").id, "150.00", "40.00")
    discounts.give_discount(bill.id, discount="19.00", reason="staff", by=person("cashier"))
    payment_actions.take_payment(bill.id, Money("100.00"), "Mobile Money", "OM-7712345", by=person("cashier"))
    pdf = print_now(bill)
    (page,) = pages_of(pdf)
    for expected in (
        "Hospital",
        bill.number,
        "Mrs Kadiatu Kamara",
        "Item 1 1 150.00 150.00",
        "Subtotal 190.00",
        "Discount −19.00",
        "Total SLE 171.00",
        "Balance SLE 71.00",
        "One hundred and seventy-one Sierra Leonean leones",
        "OM-7712345",
        "Page 1 of 1",
    ):
        assert expected in page, expected
    assert "PAID" not in page
    reader = PdfReader(io.BytesIO(pdf))
    assert reader.metadata.title == f"Invoice {bill.number}"
    assert reader.trailer["/Root"]["/Lang"] == "en"
    fonts = {str(font) for font in re.findall(rb"/FontName /(\S+)", b"".join(_objects(reader)))}
    assert len(pdf) < 150_000
    assert fonts == set() or all("Inter" in font for font in fonts)


def _objects(reader: PdfReader) -> Iterator[bytes]:
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            yield f"/FontName {font.get_object()['/BaseFont']} ".encode()


def test_a_long_invoice_repeats_its_heading_and_keeps_rows_with_the_total(db, person):
    patient = factories.patient(*LONG_NAME, title="Dr")
    bill = factories.draft(patient.id, *(["12.50"] * 60))
    issuing.issue(bill.id, by=person("cashier"))
    pages = pages_of(print_now(bill))
    assert len(pages) >= 3
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in page
        assert bill.number in page
    assert " ".join(("Dr", *LONG_NAME)) in pages[0].replace("- ", "-")
    with_rows = [page for page in pages if re.search(r"Item \d+ 1 12\.50", page)]
    assert all("DESCRIPTION" in page for page in with_rows)
    last = next(page for page in pages if "Total SLE" in page)
    assert "Item 59 1" in last
    assert "Item 60 1" in last


@pytest.mark.security("K")
def test_each_edition_is_created_once_and_reprints_are_identical(db, desk, person, monkeypatch):
    bill, cashier = factories.draft(factories.patient().id, "100.00"), desk("cashier")
    url = f"/billing/bills/{bill.id}/invoice.pdf"
    issuing.issue(bill.id, by=person("cashier"))
    waiting = cashier.get(url)
    assert (waiting.status_code, "Creating invoice" in waiting.get_data(as_text=True)) == (202, True)
    print_now(bill)
    with monkeypatch.context() as during:
        during.setattr(invoice_paper, "render_invoice", None)
        print_now(bill)
    first = cashier.get(url)
    assert (first.status_code, first.mimetype) == (200, "application/pdf")
    assert cashier.get(url).data == first.data
    payment_actions.take_payment(bill.id, Money("100.00"), "Cash", by=person("cashier"))
    assert cashier.get(url).status_code == 202
    print_now(bill)
    paid = cashier.get(url)
    assert "PAID" in pages_of(paid.data)[0]
    issuing.discard_draft(factories.draft(bill.patient_id, "1.00").id, reason="x", by=SYSTEM)
    count = select(func.count(PrintedDocument.id)).filter_by(ref_id=bill.id)
    assert database.session.execute(count).scalar_one() == 2


def test_a_reprinted_invoice_says_which_copy_it_is(db, desk, person, app, monkeypatch):
    monkeypatch.setitem(app.config, "CURRENCY", "XOF")
    bill, cashier = factories.draft(factories.patient(*LONG_NAME).id, *(["15000"] * 40)), desk("cashier")
    url = f"/billing/bills/{bill.id}"
    issuing.issue(bill.id, by=person("cashier"))
    original = sheets_of(print_now(bill), "invoice")
    assert len(original) > 1
    assert all("COPY" not in sheet.words for sheet in original)
    for copy in (1, 2):
        form = next(f for f in Page(cashier.get(url).get_data(as_text=True)).forms if f["action"].endswith("reprint"))
        assert cashier.post(form["action"], data=form["fields"]).status_code == 303
        assert cashier.get(f"{url}/invoice.pdf").status_code == 202
        print_now(bill)
        sheets = sheets_of(cashier.get(f"{url}/invoice.pdf").data, f"invoice-copy-{copy}")
        assert len(sheets) == len(original)
        for sheet in sheets:
            assert sheet.size == (210, 297)
            check_words(sheet.words, f"COPY {copy}", bill.number)
        check_words(sheets[-1].words, "Total XOF 600,000")


def test_a_draft_has_no_copies(db, desk, person):
    bill = factories.draft(factories.patient().id, "100.00")
    with pytest.raises(Conflict):
        issuing.reprint_invoice(bill.id, by=person("cashier"))
    print_now(bill)
    assert "/invoice/reprint" not in desk("cashier").get(f"/billing/bills/{bill.id}").get_data(as_text=True)


def test_the_invoice_of_a_void_bill_shows_it(db, person):
    bill = factories.draft(factories.patient().id, "100.00")
    issuing.issue(bill.id, by=person("cashier"))
    correction = correction_actions.request_void(bill.id, reason="Made out to the wrong patient", by=person("cashier"))
    correction_actions.approve(correction.id, by=person("admin"))
    (page,) = pages_of(print_now(bill))
    assert "VOID – Made out to the wrong patient" in page


def test_a_failed_invoice_is_shown_and_can_be_tried_again(db, desk, person):
    bill, cashier = factories.draft(factories.patient().id, "100.00"), desk("cashier")
    issuing.issue(bill.id, by=person("cashier"))
    with action_context("tests.fail", SYSTEM):
        database.session.execute(text("UPDATE outbox SET dead_at = now()"))
    url = f"/billing/bills/{bill.id}"
    page = cashier.get(f"{url}/invoice").get_data(as_text=True)
    assert "could not be created" in page
    form = next(f for f in Page(page).forms if f["action"] == f"{url}/invoice")
    assert cashier.post(form["action"], data=form["fields"]).status_code == 303
    assert "Creating invoice" in cashier.get(f"{url}/invoice").get_data(as_text=True)


def _row(column: Any) -> Any:
    database.session.rollback()
    return database.session.execute(select(column)).scalar_one()


def _documents() -> int:
    return _row(func.count(PrintedDocument.id))


@pytest.mark.slow
def test_a_worker_killed_while_it_creates_an_invoice_loses_nothing(hospital, worker):
    bill = factories.draft(factories.patient().id, *(["1.00"] * 250))
    issuing.issue(bill.id, by=SYSTEM)
    first = worker()
    assert wait_until(lambda: _row(outbox.Outbox.attempts) == 1, 90), "the worker never began"
    kill(first)
    assert _row(outbox.Outbox.done_at) is None
    assert _documents() == 0
    with action_context("tests.later", SYSTEM):
        database.session.execute(text("UPDATE outbox SET handed_out_at = now() - interval '1 hour'"))
    worker()
    assert wait_until(lambda: outbox.wake_for_due() in (True, False) and _row(outbox.Outbox.done_at) is not None, 120)
    assert _documents() == 1
    assert _row(outbox.Outbox.attempts) == 2
    assert len(pages_of(_row(PrintedDocument.content))) > 6


@pytest.mark.slow
def test_with_the_queue_server_stopped_bills_are_issued_and_printing_waits(hospital, broker, worker):
    cashier, bill = _cashier(hospital), factories.draft(factories.patient().id, "100.00")
    url = f"/billing/bills/{bill.id}"
    broker.stop()
    page = Page(cashier.get(url).get_data(as_text=True))
    form = next(f for f in page.forms if (f["action"] or "").endswith("/issue"))
    assert cashier.post(form["action"], data=form["fields"]).status_code == 303
    shown = cashier.get(url)
    assert shown.status_code == 200
    assert "Printing is delayed: the print service does not respond" in words(shown.get_data(as_text=True))
    assert cashier.get(f"{url}/invoice.pdf").status_code == 202
    broker.start()
    worker()
    assert wait_until(lambda: outbox.wake_for_due() in (True, False) and _documents() == 1, 120)
    paper = cashier.get(f"{url}/invoice.pdf")
    assert (paper.status_code, paper.data[:5]) == (200, b"%PDF-")
    assert "Open" in words(cashier.get(f"{url}/invoice").get_data(as_text=True))


def _cashier(app: Flask) -> PageClient:
    client = PageClient(app)
    with app.test_request_context():
        user = database.session.scalars(select(User).filter_by(username="cashier")).unique().one()
        sid = open_session(AuthenticatedAccount(user.id, user.token_version))
    with client.session_transaction() as cookie:
        cookie["sid"] = sid
    return client
