"""Pages on tablets and phones: no list scrolls sideways, no field is covered, and the main menu opens from a switch."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.steps import ux

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SIDEWAYS = """() => [...document.querySelectorAll('.scroller, .places ul')].map(part => part.scrollWidth - part.clientWidth)
  .filter(width => width > 1)"""


@pytest.fixture(scope="module")
def served(hospital):
    return hospital


@pytest.mark.parametrize(
    ("who", "address", "width"),
    [("admin", "/admin/audit", 768), ("receptionist", "/appointments/sheet", 360), ("receptionist", "/", 360)],
)
def test_nothing_scrolls_sideways(at_desk, who, address, width):
    tab = at_desk(who)
    tab.set_viewport_size({"width": width, "height": 768})
    tab.goto(address)
    assert tab.evaluate(SIDEWAYS) == []


def test_the_menu_of_a_phone_opens_from_its_switch(at_desk):
    tab = at_desk("receptionist")
    tab.goto("/queue/")
    expect(ux(tab, "nav-switch")).to_be_hidden()
    tab.set_viewport_size({"width": 360, "height": 768})
    expect(ux(tab, "nav-switch")).to_have_text("Menu: Queue")
    places = ux(tab, "nav").get_by_role("link")
    expect(places.first).to_be_hidden()
    tab.locator("#places").focus()
    tab.keyboard.press("Space")
    expect(places.first).to_be_visible()
    assert tab.evaluate(SIDEWAYS) == []
    ux(tab, "nav").get_by_role("link", name="Patients").click()
    expect(tab.locator("h1")).to_have_text("Patients")


def covered(tab, inside):
    """The names of the fields that something else covers while they are focused, in turn and from the first."""
    return tab.evaluate(
        """inside => [...document.querySelectorAll(`${inside} :is(input, select, textarea, summary, button)`)].filter(part => {
          if (!part.checkVisibility() || part.matches('.sr-only')) return false;
          part.focus();
          const box = part.getBoundingClientRect();
          const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
          return !part.contains(top) && !part.closest('label')?.contains(top);
        }).map(part => part.name || part.outerHTML.slice(0, 80))""",
        inside,
    )


@pytest.mark.parametrize("height", [740, 420])
def test_the_action_bar_covers_no_field(at_desk, axe, height):
    tab = at_desk("receptionist")
    tab.set_viewport_size({"width": 360, "height": height})
    tab.goto("/patients/new")
    assert covered(tab, "main form") == []
    tab.goto("/")
    ux(tab, "home-register").click()
    expect(tab.locator("#register [name=first_name]")).to_be_visible()
    assert covered(tab, "#register") == []
    assert axe(tab) == []


COVERED_BY_DATES = """() => [...document.querySelectorAll('.filters .echo')].flatMap(echo => {
  const one = echo.getBoundingClientRect();
  return [...document.querySelectorAll('.filters :is(label, input, button), .table')].filter(part => {
    const other = part.getBoundingClientRect();
    return one.left < other.right && other.left < one.right && one.top < other.bottom - 1 && other.top < one.bottom - 1;
  }).map(part => `${echo.textContent}: ${part.outerHTML.slice(0, 80)}`);
})"""


def test_the_day_that_a_filter_reads_covers_nothing(at_desk):
    tab = at_desk("admin")
    tab.set_viewport_size({"width": 360, "height": 740})
    tab.goto("/reports/")
    for typed, read in (("1 jan", "= 01-Jan-"), ("nonsense", "Enter the date")):
        for name in ("day_from", "day_to"):
            tab.locator(f"[name={name}]").fill(typed)
            tab.locator(f"[name={name}]").blur()
            expect(tab.locator(f"#{name}-echo")).to_contain_text(read)
        assert tab.evaluate(COVERED_BY_DATES) == []
