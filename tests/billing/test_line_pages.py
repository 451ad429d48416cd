"""A bill of very many lines: its pages show 200 lines at a time, its sums are those of the whole bill."""

from __future__ import annotations

import re
from operator import attrgetter

import pytest

from hms.billing.bills import frozen_facts
from hms.billing.bills.line_pages import PAGE
from hms.billing.documents.receipt import MAX_LINES
from hms.billing.payments import actions
from hms.core.money import Money
from hms.core.person import SYSTEM
from tests.billing import factories
from tests.page import Page, words

LINES = 2 * PAGE + 50


@pytest.fixture
def bill(db):
    return factories.draft(factories.patient().id, *(["10.00"] * LINES))


def _open(cashier, url: str) -> tuple[list[tuple[int, int]], Page, str]:
    """The numbers of the lines that a page shows, with those of their items; the page; its text."""
    html = cashier.get(url).get_data(as_text=True)
    text = words(html)
    return [(int(n), int(item)) for n, item in re.findall(r"\b(\d+) Item (\d+)\b", text)], Page(html), text


def _numbered(first: int, last: int) -> list[tuple[int, int]]:
    return [(n, n) for n in range(first, last + 1)]


def test_the_lines_come_in_pages_and_the_sums_are_of_the_whole_bill(bill, desk):
    cashier, url, seen = desk("cashier"), f"/billing/bills/{bill.id}", []
    address = url
    while address:
        shown, page, text = _open(cashier, address)
        assert len(shown) <= PAGE
        assert f"{LINES * 10:,}.00" in text
        seen += shown
        address, last = next((link for link in page.links if "after=" in link), None), page
    assert seen == _numbered(1, LINES)
    back = next(link for link in last.links if "before=" in link)
    assert _open(cashier, back)[0] == _numbered(PAGE + 1, 2 * PAGE)
    renewed = re.search(rf'data-refresh-from="({url}/lines\?[^"]*)"', cashier.get(back).get_data(as_text=True))[1]
    assert _open(cashier, renewed.replace("&amp;", "&"))[0] == _numbered(PAGE + 1, 2 * PAGE)
    first_id = min(frozen_facts.lines_for_documents(bill.id), key=attrgetter("id")).id
    assert _open(cashier, f"{url}?before={first_id}")[0] == _numbered(1, PAGE)
    shown, page, text = _open(cashier, f"{url}/pay")
    assert f"{LINES - PAGE} more lines" in text
    assert f"{LINES * 10:,}.00" in text


def test_a_cashier_stays_where_they_work(bill, desk):
    cashier, url = desk("cashier"), f"/billing/bills/{bill.id}"
    form = next(
        form for form in Page(cashier.get(url).get_data(as_text=True)).forms if form["action"] == f"{url}/lines"
    )
    added = cashier.post(form["action"], data=form["fields"] | {"item": "Crutches", "unit_price": "5.00"})
    assert f"{LINES + 1} Crutches" in words(cashier.get(added.location).get_data(as_text=True))
    second = next(link for link in Page(cashier.get(url).get_data(as_text=True)).links if "after=" in link)
    forms = Page(cashier.get(second).get_data(as_text=True)).forms
    remove = next(form for form in forms if (form["action"] or "").partition("?")[0].endswith("/withdraw"))
    gone = cashier.post(remove["action"], data=remove["fields"])
    shown, page, text = _open(cashier, gone.location)
    assert f"Item {PAGE + 1} removed" in text
    assert shown[0] == (PAGE + 1, PAGE + 2)
    undo = next(form for form in page.forms if "/restore" in (form["action"] or ""))
    restored = cashier.post(undo["action"], data=undo["fields"])
    shown, _page, text = _open(cashier, restored.location)
    assert f"Item {PAGE + 1} restored" in text
    assert shown[:PAGE] == _numbered(PAGE + 1, 2 * PAGE)


def test_a_short_bill_has_no_pages(db, desk):
    short = factories.draft(factories.patient().id, "10.00", "20.00")
    shown, page, _text = _open(desk("cashier"), f"/billing/bills/{short.id}?after=junk")
    assert shown == _numbered(1, 2)
    assert not [link for link in page.links if "after=" in link or "before=" in link]


def test_a_receipt_lists_the_first_lines_and_says_how_many_more_the_invoice_has(bill, desk):
    payment = actions.take_payment(bill.id, Money("1000.00"), "Cash", by=SYSTEM)
    text = words(desk("cashier").get(f"/billing/payments/{payment.id}").get_data(as_text=True))
    assert re.findall(r"Item (\d+) ", text) == [str(n) for n in range(1, MAX_LINES + 1)]
    assert f"{LINES - MAX_LINES} more lines: see the invoice" in text
    assert f"{LINES * 10:,}.00" in text
