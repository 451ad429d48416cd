"""An idle page locks; a second factor is set up and needed; the pages before sign-in are accessible."""

from __future__ import annotations

import re

import pyotp
import pytest
from playwright.sync_api import expect

from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.staff.onboarding import one_time_links
from hms.staff.roles import actions
from tests.browser.steps import ux
from tests.browser.test_every_page import FIRST_VISIT, SIGN_IN, faults_of_size, faults_of_style
from tests.conftest import PASSWORD
from tests.staff import factories

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.security("G")]

LIMIT = 3
TYPED = "Mamawhosecretly"
UNTIL_OPEN = """async () => {
  while (!(await fetch('/register')).ok) await new Promise(done => setTimeout(done, 300));
}"""
"""A changed setting reaches the pages within five seconds."""


@pytest.fixture
def sound(axe_source):
    """Assert that the page is accessible, without script errors and correct at every width."""

    def check(tab, most_bytes=FIRST_VISIT):
        found = faults_of_style(tab, axe_source) + faults_of_size(tab, most_bytes)
        tab.set_viewport_size({"width": 1366, "height": 768})
        assert found == []

    return check


def minutes(number):
    return int(number * 60_000)


def is_locked(*tabs):
    for tab in tabs:
        expect(tab.get_by_role("heading", level=1)).to_contain_text("Locked")


def test_a_page_without_work_warns_then_locks_and_shows_nothing_until_its_owner_is_back(at_desk, served, sound):
    with served.app.app_context():
        actions.change_role(factories.role("receptionist").id, idle_minutes=LIMIT, by=SYSTEM)
        database.session.remove()
    tab = at_desk("receptionist", reduced_motion="reduce")
    tab.clock.install()
    tab.goto("/patients/new")
    ux(tab, "reg-family").fill(TYPED)
    other = tab.context.new_page()
    other.goto("/patients/")
    tab.clock.fast_forward(minutes(LIMIT - 0.9))
    expect(tab.get_by_role("dialog", name="Are you still there?")).to_be_visible()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("dialog")).to_be_hidden()
    expect(ux(tab, "reg-family")).to_have_value(TYPED)
    expect(tab.locator("main")).not_to_contain_text("There is a problem")
    tab.clock.fast_forward(minutes(LIMIT + 0.1))
    is_locked(tab, other)
    assert TYPED not in tab.content()
    other.goto("/patients/")
    is_locked(other)
    sound(tab, SIGN_IN)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Unlock").click()
    expect(tab).to_have_url(re.compile("/patients/new$"))
    expect(ux(tab, "reg-unfinished")).to_contain_text(TYPED, ignore_case=True)


def test_a_second_factor_is_set_up_with_its_codes_and_asked_for_at_the_next_sign_in(at_desk, sound):
    tab = at_desk("cashier", reduced_motion="reduce")
    tab.goto("/profile/second-factor")
    phone = pyotp.TOTP(ux(tab, "secret").inner_text().replace(" ", ""))
    tab.get_by_label("Code from the app").fill(phone.now())
    tab.get_by_role("button", name="Switch on").click()
    expect(ux(tab, "recovery-codes").locator("li")).to_have_count(10)
    code = ux(tab, "recovery-codes").locator("li").first.inner_text()
    sound(tab)
    fresh = at_desk(None, reduced_motion="reduce")
    fresh.goto("/login")
    fresh.get_by_label("Username").fill("cashier")
    fresh.get_by_label("Password").fill(PASSWORD)
    fresh.get_by_role("button", name="Sign in").click()
    expect(fresh).to_have_url(re.compile("/login/code"))
    sound(fresh, SIGN_IN)
    fresh.get_by_role("textbox").first.fill(code)
    fresh.keyboard.press("Enter")
    expect(fresh.get_by_role("heading", level=1)).to_have_text("Today")


def test_the_letter_and_the_wish_for_an_account_are_readable(at_desk, served, sound):
    with served.app.app_context():
        secret = one_time_links.make_link(factories.user("lab").id, by=SYSTEM)
        settings.change_setting("staff.registration_open", True, by=SYSTEM)
        database.session.remove()
    tab = at_desk(None, reduced_motion="reduce")
    assert tab.goto(f"/welcome/{secret}").status == 200
    sound(tab, SIGN_IN)
    tab.evaluate(UNTIL_OPEN)
    tab.complaints.clear()
    assert tab.goto("/register").status == 200
    sound(tab, SIGN_IN)
