"""Every page of every desk: accessible in light and dark, no script errors, small, correct at every width, focus visible."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from tests.browser import longest_name
from tests.browser.addresses import PEOPLE, Desk

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HMS = Path(__file__).resolve().parents[2] / "hms"
DESKS = sorted({views.relative_to(HMS).parts[0] for views in HMS.rglob("*views.py")} - {"core"})
FURTHER = ("imports", "message_channels", "patient_messages")
"""Blueprints beside that of their desk."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = (1366, 810, 320)
FIRST_VISIT, SIGN_IN, REQUESTS = 120_000, 40_000, 10
"""Limits in bytes sent with an empty cache, of any page and of the sign-in page."""
QUESTIONS = {
    "appointments": [("receptionist", "/appointments/new?patient_id={patient}")],
    "billing": [("cashier", "/billing/?state=all"), ("cashier", "/billing/?patient_id={patient}&state=all")],
    "chart": [("nurse", "/patients/{patient}"), ("receptionist", "/patients/{patient}")],
    "home": [(who, "/") for who in PEOPLE] + [("nurse", "/find?q=wolfe"), ("nurse", "/find?q=zzzz")],
    "patients": [("receptionist", "/patients/?q=wolfe"), ("receptionist", "/patients/?q=zzzz")],
    "messages": [("doctor", "/notifications?show=all")],
    "pharmacy": [("pharmacist", "/pharmacy/labels?of=1")],
}
"""Pages that differ by query or by person."""

ELSEWHERE = {"/welcome/<secret>", "/register", "/lock", "/login/code", "/held/<key>", "/people/<int:user_id>/photo"} | {
    "/admin/audit.csv",
    "/billing/bills/<int:bill_id>/lines/<int:line_id>/credit",
    "/imports/<int:import_id>",
    "/imports/<int:import_id>/state",
    "/imports/<int:import_id>/undo",
    "/imports/<int:import_id>/delete",
    "/imports/<int:import_id>/failed.csv",
    "/imports/template/<kind>.csv",
    "/messages/<int:message_id>",
    "/wall/<secret>",
    "/wall/<secret>/rows",
    "/patients/merges/<int:merge_id>/separate",
    "/patients/<int:patient_id>/death/take-back",
    "/patients/<int:patient_id>/consents/<int:consent_id>",
    "/patients/<int:patient_id>/consents/forms/<int:form_id>",
    "/patients/consent-texts/<int:kind_id>",
    "/patients/<int:patient_id>/files/<int:document_id>",
    "/patients/<int:patient_id>/files/<int:document_id>/content",
    "/patients/<int:patient_id>/files/<int:document_id>/page",
    "/patients/<int:patient_id>/photo",
    "/appointments/<int:appointment_id>/series",
    "/appointments/waiting-list/<int:entry_id>",
}
"""Pages that need a one-time link, an open registration, a lock, a code, a stored form, a picture, a message, the link of a wall
screen, a merge that was approved, a patient who died, a consent, a document, a recurring appointment or an entry of the waiting
list, and files; tests of their desks open them."""

ALIKE = "tbody tr:nth-child(n+7)"
"""Repeated rows, which axe does not check again."""

OVERFLOW = """() => document.documentElement.scrollWidth <= innerWidth ? '' :
  [...document.querySelectorAll('body *')]
  .filter(part => part.getBoundingClientRect().right > innerWidth + 1 && !part.closest('.scroller'))
  .slice(0, 2).map(part => part.outerHTML.slice(0, 120)).join(' | ') || `${document.documentElement.scrollWidth}`"""
WEIGHT = """() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
  .map(one => [one.encodedBodySize, one.name])"""
LINKS = """() => [...document.querySelectorAll('a[href], form[method=get]')]
  .map(one => new URL(one.getAttribute('href') ?? one.getAttribute('action') ?? '', location))
  .filter(url => url.origin === location.origin).map(url => url.pathname)"""
UNSEEN_FOCUS = """() => {
  const shows = style => (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== 'none';
  const parts = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')];
  return parts.filter(part => {
    if (part.disabled || part.tabIndex < 0 || !part.getClientRects().length) return false;
    part.focus({preventScroll: true});
    const seen = [part, part.closest('label') || part].some(one => shows(getComputedStyle(one)));
    return document.activeElement === part && !seen;
  }).slice(0, 3).map(part => part.outerHTML.slice(0, 120));
}"""


@pytest.fixture(scope="module")
def served(hospital):
    return hospital


@pytest.fixture(scope="module")
def patient_id(served):
    with served.app.app_context():
        return longest_name.comes()


@pytest.fixture
def looked_at(at_desk, axe_source, served):
    """`looked_at("nurse", "/queue/")`: the faults of the page, as text."""
    tab_of = functools.cache(lambda who: at_desk(who, reduced_motion="reduce"))
    routes = served.app.url_map.bind("")

    def look(who, address, most_bytes=FIRST_VISIT):
        tab = tab_of(who)
        tab.complaints.clear()
        tab.set_viewport_size({"width": WIDTHS[0], "height": 768})
        answer = tab.goto(address)
        found = [] if answer.status == 200 else [f"answers {answer.status}"]
        found += [f"leads nowhere: {path}" for path in set(tab.evaluate(LINKS)) if not routes.test(path, "GET")]
        # Size first: a page that stays open a minute looks again for what is new, which a visit does not weigh.
        found += faults_of_size(tab, most_bytes) + faults_of_style(tab, axe_source)
        found += [f"says {text}" for text in tab.complaints]
        tab.complaints.clear()
        return found

    return look


def faults_of_style(tab, axe_source):
    tab.evaluate(axe_source)
    found = [f"light {one}" for one in violations(tab, RULES)]
    tab.emulate_media(color_scheme="dark")
    found += [f"dark {one}" for one in violations(tab, {"type": "rule", "values": ["color-contrast"]})]
    tab.emulate_media(color_scheme="light")
    tab.keyboard.press("Tab")
    return found + [f"focus cannot be seen on {one}" for one in tab.evaluate(UNSEEN_FOCUS)]


def violations(tab, rules):
    asked = {"runOnly": rules, "resultTypes": ["violations"]}
    answer = tab.evaluate("([alike, asked]) => axe.run({exclude: [[alike]]}, asked)", [ALIKE, asked])
    return [f"{v['id']}: {n['target']} {n['html'][:160]}" for v in answer["violations"] for n in v["nodes"]]


def faults_of_size(tab, most_bytes):
    found = []
    for width in WIDTHS:
        tab.set_viewport_size({"width": width, "height": 768})
        sticks_out = tab.evaluate(OVERFLOW)
        if sticks_out:
            found.append(f"too wide at {width}: {sticks_out}")
    tab.set_viewport_size({"width": WIDTHS[0], "height": 768})
    parts = tab.evaluate(WEIGHT)
    if sum(size for size, _name in parts) > most_bytes or len(parts) > REQUESTS:
        found.append(f"weighs {parts}")
    return found


@pytest.mark.parametrize("desk", [*DESKS, *FURTHER])
def test_every_page_of(desk, looked_at, served, patient_id):
    pages, asked = Desk(served.app, desk, patient_id).pages(), QUESTIONS.get(desk, [])
    assert pages, "The desk has no page, or its addresses are named differently."
    unseen = {rule for rule, seen in pages.items() if not seen} - {address.partition("?")[0] for _who, address in asked}
    assert unseen - ELSEWHERE == set(), "Nobody of the demo hospital could open these."
    seen = [one for pairs in pages.values() for one in pairs]
    seen += [(who, address.format(patient=patient_id)) for who, address in asked]
    wrong = {
        f"{address} of the {who}": found for who, address in dict.fromkeys(seen) if (found := looked_at(who, address))
    }
    assert not wrong, "\n".join(f"{where}\n  " + "\n  ".join(found) for where, found in wrong.items())


def test_the_sign_in_page(looked_at):
    assert looked_at(None, "/login", SIGN_IN) == []
