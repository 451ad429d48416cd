"""The queue server stops and starts again: pages work and show what is delayed, and all work is done afterwards."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from hms.local.servers.valkey import Valkey
from tests.browser.conftest import opened
from tests.browser.steps import row_of, ux
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    """A queue server for this file only, so that its tests may stop it."""
    server = Valkey(tmp_path_factory.mktemp("broker"), is_durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def served(demo_template, valkey):
    with opened("hms_without_broker", demo_template, valkey.url(), "work", "schedule") as hospital:
        yield hospital


def registers(tab, family):
    tab.goto("/login")
    tab.get_by_label("Username").fill("receptionist")
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.locator("h1")).to_have_text("Today")
    tab.goto("/patients/new")
    ux(tab, "reg-given").fill("Amie")
    ux(tab, "reg-family").fill(family)
    ux(tab, "reg-dob").fill("7 7 1977")
    tab.get_by_label("Female").check()
    ux(tab, "reg-save").click()
    expect(row_of(tab, "queue-row", family)).to_be_visible()


def issues(tab):
    """Issue the first draft of the list; its invoice is delayed. Returns the bill's number."""
    tab.goto("/billing/?state=draft")
    ux(tab, "bill-row").first.get_by_role("link").first.click()
    ux(tab, "bill-issue").click()
    expect(tab.locator("h1")).to_contain_text(re.compile(r"B-\d{4}-\d{6}"))
    if ux(tab, "invoice-make").count():
        ux(tab, "invoice-make").click()
    expect(ux(tab, "job")).to_contain_text("Printing is delayed: the print service does not respond")
    return tab.locator("h1").inner_text().removeprefix("Bill ")


def asks(request, served):
    """An API client signs in and reads."""
    signed_in = request.post(f"{served.url}/api/auth/", data={"username": "doctor", "password": PASSWORD})
    assert signed_in.status == 200, signed_in.text()
    key = {"Authorization": f"Bearer {signed_in.json()['access']}"}
    assert request.get(f"{served.url}/api/patients/?search=ka", headers=key).status == 200


def test_without_the_queue_server(at_desk, served, valkey):
    watching, cashier, desk = at_desk("nurse"), at_desk("cashier"), at_desk()
    watching.goto("/queue/")
    strip = ux(watching, "live-status")
    expect(strip).to_be_hidden()
    valkey.stop()
    expect(strip).to_contain_text("Live updates paused")
    registers(desk, "Brokergone")
    expect(row_of(watching, "queue-row", "Brokergone")).to_be_visible()
    number = issues(cashier)
    asks(at_desk().context.request, served)
    valkey.start()
    expect(strip).to_be_hidden()
    expect(ux(cashier, "job")).to_have_attribute("data-state", "done", timeout=90_000)
    expect(ux(cashier, "job")).to_contain_text(f"{number}.pdf")
    row_of(desk, "queue-row", "Brokergone").get_by_text("More").click()
    desk.get_by_role("button", name="Undo check-in").click()
    # The web server may listen again later than it answers; a page looks again by itself after a minute.
    expect(row_of(watching, "queue-row", "Brokergone")).to_have_count(0, timeout=75_000)
