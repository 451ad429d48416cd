"""Every part of the pages in a real browser: accessible in both themes, correct at every size, usable with the keyboard."""

import re

import pytest
from playwright.sync_api import expect

from hms.core.events import Event

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", ["/dev/kit?toast=1", "/dev/kit?dir=rtl", "/login", "/nothing-here"])
def test_axe_finds_nothing(at_desk, axe, scheme, address):
    tab = at_desk("doctor" if address != "/login" else None, scheme=scheme)
    tab.goto(address)
    assert axe(tab) == []
    tab.complaints[:] = [text for text in tab.complaints if "404" not in text]


@pytest.mark.parametrize("size", ["desk", "tablet", "phone"])
def test_nothing_sticks_out_sideways(at_desk, size):
    tab = at_desk("doctor", size=size)
    tab.goto("/dev/kit")
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_skip_link_comes_first_and_moves_to_the_content(at_desk):
    tab = at_desk("doctor")
    tab.goto("/profile-that-is-not-there")
    tab.complaints.clear()
    tab.keyboard.press("Tab")
    expect(tab.locator(".skip")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.locator("main")).to_be_focused()


def test_a_box_that_suggests_chooses_nothing_by_itself(at_desk):
    tab = at_desk("doctor")
    tab.goto("/dev/kit")
    box = tab.get_by_role("combobox", name="Patient", exact=True)
    box.fill("ka")
    expect(box).to_have_attribute("aria-expanded", "true")
    assert box.get_attribute("aria-activedescendant") is None
    tab.keyboard.press("ArrowDown")
    expect(tab.locator('[role="option"][aria-selected="true"]')).to_contain_text("Kadiatu")
    tab.keyboard.press("Enter")
    expect(box).to_have_value("Kadiatu")
    expect(tab.locator("#patient_id")).to_have_value("HMS-000482-7")
    box.press_sequentially("x")
    expect(tab.locator("#patient_id")).to_have_value("")


def test_escape_closes_the_list_and_keeps_the_words(at_desk):
    tab = at_desk("doctor")
    tab.goto("/dev/kit")
    box = tab.get_by_role("combobox", name="Patient", exact=True)
    box.fill("mus")
    expect(box).to_have_attribute("aria-expanded", "true")
    tab.keyboard.press("Escape")
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(box).to_have_value("mus")


@pytest.mark.parametrize(
    ("typed", "echo"),
    [
        ("13/3/91", r"= 13-Mar-1991 \(\d+y\)"),
        ("29 2 2023", "Enter the date like"),
        ("1 1 2199", "in the future"),
        ("1 1 1800", "too long ago"),
    ],
)
def test_a_typed_birth_date_is_echoed(at_desk, typed, echo):
    tab = at_desk("doctor")
    tab.goto("/dev/kit")
    tab.fill("#born", typed)
    tab.keyboard.press("Tab")
    expect(tab.locator("#born-echo")).to_have_text(re.compile(echo))


def test_what_is_typed_is_kept_as_a_draft_and_the_status_tells_the_truth(at_desk):
    tab = at_desk("doctor")
    tab.goto("/dev/kit")
    status = tab.locator('[data-ux="draft-status"]')
    with tab.expect_request("**/dev/kit/draft") as sent:
        tab.fill("#note", "coughs since Monday")
    assert sent.value.post_data_json["note"] == "coughs since Monday"
    assert "csrf_token" not in sent.value.post_data_json
    assert "password" not in sent.value.post_data_json
    expect(status).to_have_text(re.compile(r"Draft saved \d\d:\d\d:\d\d"))
    tab.context.set_offline(True)
    tab.fill("#note", "coughs since Monday, no fever")
    expect(status).to_contain_text("Keep this page open")
    tab.context.set_offline(False)
    expect(status).to_have_text(re.compile(r"Draft saved"), timeout=12_000)
    tab.complaints.clear()


def test_single_keys_work_outside_fields_only(at_desk):
    tab = at_desk("doctor")
    tab.goto("/dev/kit")
    tab.locator("main").focus()
    tab.keyboard.press("/")
    expect(tab.locator('[data-ux="find"]')).to_be_focused()
    tab.keyboard.type("?")
    expect(tab.locator("#shortcuts")).to_be_hidden()
    expect(tab.locator('[data-ux="find"]')).to_have_value("?")
    tab.locator("main").focus()
    tab.keyboard.press("?")
    expect(tab.locator("#shortcuts")).to_contain_text("Register patient")
    tab.keyboard.press("Escape")
    expect(tab.locator("#shortcuts")).to_be_hidden()


def test_switched_off_single_keys_do_nothing_at_all(at_desk):
    tab = at_desk("doctor")
    tab.goto("/dev/kit")
    tab.evaluate("document.documentElement.dataset.shortcuts = 'off'")
    tab.locator("main").focus()
    tab.keyboard.press("/")
    expect(tab.locator('[data-ux="find"]')).not_to_be_focused()
    tab.keyboard.press("Control+k")
    expect(tab.locator('[data-ux="find"]')).to_be_focused()


def test_a_dialog_takes_the_focus_to_its_safe_button_and_gives_it_back(at_desk, axe):
    tab = at_desk("doctor")
    tab.goto("/dev/kit")
    opener = tab.locator('[data-dialog="kit-dialog"]')
    opener.focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("button", name="Keep bill")).to_be_focused()
    assert axe(tab) == []
    tab.keyboard.press("Escape")
    expect(opener).to_be_focused()


def test_the_summary_of_errors_has_the_focus_and_leads_to_the_fields(at_desk):
    tab = at_desk("doctor")
    tab.goto("/dev/kit")
    expect(tab.locator('[data-ux="error-summary"]')).to_be_focused()
    tab.get_by_role("link", name="Enter the given names.").click()
    expect(tab.locator("#wrong-given_name")).to_be_focused()
    tab.get_by_role("link", name="Choose the sex.").click()
    expect(tab.locator("#wrong-sex-0")).to_be_focused()


def test_fingers_find_controls_of_44_pixels(at_desk):
    tab = at_desk("doctor", size="tablet", has_touch=True, is_mobile=True)
    tab.goto("/dev/kit")
    small = tab.evaluate(
        """() => [...document.querySelectorAll('.button, .input, .choice, summary, .places a, .tabs a, .slot')]
        .filter(e => e.getClientRects().length && !e.closest('.sr-only'))
        .map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
        .filter(([, box]) => Math.round(box.width) < 44 || Math.round(box.height) < 44)
        .map(([what, box]) => `${what} ${box.width}×${box.height}`)"""
    )
    assert small == []


def test_focus_is_never_hidden_under_what_sticks(at_desk):
    tab = at_desk("doctor")
    tab.goto("/dev/kit")
    hidden = tab.evaluate(
        """async () => {
          const lost = [];
          const shows = (e, x, y) => {
            const top = document.elementFromPoint(x, y);
            return top && (e.contains(top) || top.contains(e) || top.closest('label')?.contains(e));
          };
          for (const e of document.querySelectorAll('main :is(a[href], button, input, select, textarea, summary)')) {
            if (!e.checkVisibility() || e.tabIndex < 0) continue;
            e.focus();
            await new Promise(requestAnimationFrame);
            const { left, top, right, bottom } = e.getBoundingClientRect();
            const points = [[left + 2, top + 2], [(left + right) / 2, (top + bottom) / 2], [right - 2, bottom - 2]];
            if (!points.some(([x, y]) => shows(e, x, y))) lost.push(e.outerHTML.slice(0, 100));
          }
          return lost;
        }"""
    )
    assert hidden == []


def test_the_whole_kit_stands_without_javascript(at_desk):
    tab = at_desk("doctor", java_script_enabled=False)
    tab.goto("/dev/kit?toast=1")
    expect(tab.get_by_role("button", name="Undo")).to_be_visible()
    expect(tab.get_by_role("button", name="Look up")).to_be_visible()
    expect(tab.get_by_role("button", name="Show password")).to_be_hidden()


@pytest.fixture
def live_rows(at_desk):
    """A page with a live list and a connection; the next fetch returns a fifth patient."""
    tab = at_desk("doctor")
    with tab.expect_websocket() as line:
        tab.goto("/dev/kit")
    line.value.wait_for_event("framereceived", lambda frame: "sid" in str(frame) and str(frame).startswith("40"))
    tab.evaluate("document.getElementById('kit-rows').dataset.refreshFrom = '/dev/kit/rows?more=1'")
    return tab


def test_a_list_renews_itself_when_a_colleague_changes_it(live_rows, served):
    live_rows.mouse.move(5, 5)
    served.publish(Event.QUEUE_CHANGED)
    expect(live_rows.locator("#kit-rows [data-key]")).to_have_count(5, timeout=1000)


def test_rows_do_not_move_while_somebody_works_in_the_list(live_rows, served):
    name = live_rows.locator("#kit-rows a").nth(1)
    name.focus()
    before = name.bounding_box()
    served.publish(Event.QUEUE_CHANGED)
    offer = live_rows.get_by_role("button", name="1 new – Show")
    expect(offer).to_be_visible(timeout=1000)
    assert name.bounding_box() == before
    expect(name).to_be_focused()
    offer.click()
    expect(live_rows.locator("#kit-rows [data-key]")).to_have_count(5)


def test_without_a_line_the_page_says_so_and_polls(at_desk):
    tab = at_desk("doctor")
    tab.route_web_socket("**/socket.io/**", lambda line: line.close())
    tab.goto("/dev/kit")
    tab.evaluate("document.getElementById('kit-rows').dataset.refreshFrom = '/dev/kit/rows?more=1'")
    expect(tab.locator('[data-ux="live-status"]')).to_contain_text("Live updates paused", timeout=8000)
    expect(tab.locator("#kit-rows [data-key]")).to_have_count(5, timeout=16_000)
    tab.complaints.clear()
