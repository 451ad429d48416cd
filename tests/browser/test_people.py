"""People and access in a real browser: roles apply to open pages, closed accounts are signed out, preferences apply."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.staff.accounts import actions
from hms.staff.models import Role, User
from hms.staff.roles import assignment

pytestmark = [pytest.mark.browser, pytest.mark.security("M")]

FELT_WITHIN = 5.0
CONNECTED = "40"
"""How the server's answer to a connection begins (Engine.IO: message, Socket.IO: connect)."""


def _ids(username: str, code: str | None = None) -> tuple[int, int | None]:
    user = database.session.scalars(select(User.id).filter_by(username=username)).one()
    role = database.session.scalars(select(Role.id).filter_by(code=code)).one() if code else None
    return user, role


def _listening(tab):
    """Open home, wait until it is live, and note when its sockets close."""
    closed = []
    tab.on("websocket", lambda socket: socket.on("close", lambda _socket: closed.append(time.monotonic())))
    with tab.expect_websocket() as opened:
        tab.goto("/")
    opened.value.wait_for_event("framereceived", lambda frame: str(frame).startswith(CONNECTED))
    return closed


def _waited(tab, closed):
    began = time.monotonic()
    while not closed and time.monotonic() - began < 2 * FELT_WITHIN:
        tab.wait_for_timeout(50)
    return closed[0] - began if closed else None


def test_a_new_role_is_told_on_open_pages_and_felt_by_their_sockets(at_desk, served):
    tab = at_desk("nurse")
    closed = _listening(tab)
    with served.app.app_context():
        nurse, lab = _ids("nurse", "lab")
        assignment.assign_role(nurse, lab, by=SYSTEM)
        database.session.remove()
    assert _waited(tab, closed) <= FELT_WITHIN
    tab.reload()
    expect(tab.locator("footer")).to_contain_text("(Lab)")
    expect(tab.locator("[data-alert-count]")).to_have_text("1")
    with served.app.app_context():
        assignment.assign_role(*_ids("nurse", "nurse"), by=SYSTEM)
        database.session.remove()


def test_a_closed_account_is_out_of_its_open_page(at_desk, served):
    tab = at_desk("receptionist")
    closed = _listening(tab)
    with served.app.app_context():
        receptionist, _none = _ids("receptionist")
        actions.deactivate(receptionist, by=SYSTEM)
        database.session.remove()
    assert _waited(tab, closed) <= FELT_WITHIN
    expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()
    with served.app.app_context():
        actions.reactivate(receptionist, by=SYSTEM)
        database.session.remove()


def test_theme_and_density_act_on_the_page(at_desk):
    tab = at_desk("lab")
    tab.goto("/profile")
    look = """() => [getComputedStyle(document.querySelector('.card')).backgroundColor,
      document.querySelector('#language').offsetHeight]"""
    before = tab.evaluate(look)
    tab.get_by_label("Dark", exact=True).check()
    tab.get_by_label("Compact").check()
    tab.get_by_role("button", name="Save preferences").click()
    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")
    after = tab.evaluate(look)
    assert before[0] != after[0]
    assert before[1] > after[1]


def test_a_person_is_added_and_chooses_a_password_by_the_link(at_desk, axe):
    admin = at_desk("admin")
    admin.goto("/admin/users/new")
    admin.get_by_label("First name").fill("Fatu")
    admin.get_by_label("Family name").fill("Koroma")
    admin.get_by_label("Username").fill("fkoroma")
    admin.get_by_label("Role", exact=True).select_option("Cashier")
    admin.get_by_role("button", name="Create account").click()
    link = admin.get_by_label("Link for Fatu Koroma").input_value()
    assert axe(admin) == []
    stranger = at_desk(None)
    stranger.goto(link)
    assert axe(stranger) == []
    stranger.get_by_label("New password").fill("gutter piano seven lamps")
    stranger.get_by_label("Repeat password").fill("gutter piano seven lamps")
    stranger.keyboard.press("Enter")
    expect(stranger.get_by_role("heading", name="Sign in")).to_be_visible()
    stranger.get_by_label("Username or e-mail").fill("fkoroma")
    stranger.get_by_label("Password").fill("gutter piano seven lamps")
    stranger.keyboard.press("Enter")
    expect(stranger.locator("footer")).to_contain_text("Fatu Koroma (Cashier)")
