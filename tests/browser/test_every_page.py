"""Every page that a role can reach: accessible in light and dark, silent, of its own site only, right on every width, light."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Error
from sqlalchemy import select
from werkzeug.exceptions import HTTPException

from hms.appointments.models import QueueEntry
from hms.billing import actions as billing
from hms.billing.models import Bill
from hms.clinical import actions as clinical
from hms.core.db import db as database
from hms.core.money import Money
from hms.core.people import SYSTEM
from hms.staff import identity
from hms.staff.models import User

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROLES = ("receptionist", "nurse", "doctor", "pharmacist", "cashier", "lab", "admin")
WIDTHS = (1366, 810, 320)
FIRST_VISIT, SIGN_IN, REQUESTS = 120_000, 40_000, 10
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WORDLESS = "static", "billing.invoice_pdf"
"""Endpoints that answer something else than a page."""


@pytest.fixture(scope="module")
def served(hospital):
    """The demo with an encounter that is being written and a draft bill."""
    with hospital.app.app_context():
        doctor = identity.person(database.session.scalars(select(User.id).filter_by(username="doctor")).one())
        waiting = select(QueueEntry.id).filter_by(status="waiting").order_by(QueueEntry.id)
        first = database.session.scalars(waiting.where(QueueEntry.doctor_id == doctor.id)).first()
        first = first or database.session.scalars(waiting).first()
        visit = clinical.start_encounter(queue_entry_id=first, by=doctor)
        clinical.save_encounter(visit.id, notes="Coughs.", by=doctor)
        clinical.add_condition(visit.id, code="J06.9", by=doctor)
        paid = database.session.scalars(select(Bill).filter_by(status="issued")).first()
        billing.create_bill(
            paid.patient_id, items=[{"description": "Dressing", "unit_price": Money("12.50")}], by=SYSTEM
        )
        database.session.remove()
    return hospital


class Crawl:
    """The addresses of one role's pages, one example of each kind: the page of an endpoint with the same questions asked."""

    def __init__(self, app, starts: tuple[str, ...]) -> None:
        self._routes = app.url_map.bind("")
        self._seen: set[tuple] = set()
        self._waiting: list[str] = []
        self.offer(starts)

    def offer(self, addresses) -> None:
        for address in addresses:
            kind = self._kind(address)
            if kind and kind not in self._seen:
                self._seen.add(kind)
                self._waiting.append(address)

    def _kind(self, address: str) -> tuple | None:
        parts = urlsplit(address)
        try:
            endpoint, values = self._routes.match(parts.path, method="GET")
        except HTTPException:
            return None
        if endpoint.startswith("api") or endpoint in WORDLESS or endpoint.endswith("logout"):
            return None
        asked = sorted(word.partition("=")[0] for word in parts.query.split("&") if word)
        shown = [word for word in parts.query.split("&") if word.startswith(("show=", "state=", "view="))]
        return endpoint, *asked, *shown

    def __iter__(self) -> Iterator[str]:
        while self._waiting:
            yield self._waiting.pop(0)


LINKS = """[...document.querySelectorAll('a[href]')].map(link => link.href)
  .filter(href => href.startsWith(location.origin)).map(href => href.slice(location.origin.length))"""
OVERFLOW = """() => document.documentElement.scrollWidth <= innerWidth ? '' :
  [...document.querySelectorAll('body *')]
  .filter(part => part.getBoundingClientRect().right > innerWidth + 1 && !part.closest('.scroller'))
  .slice(0, 2).map(part => part.outerHTML.slice(0, 120)).join(' | ') || `${document.documentElement.scrollWidth}`"""


def violations(tab, **options) -> list[str]:
    answer = tab.evaluate("options => axe.run(options)", options)
    return [f"{v['id']}: {n['target']} {n['html'][:160]}" for v in answer["violations"] for n in v["nodes"]]


def looks_wrong(tab, axe_source) -> list[str]:
    """What is wrong with the page as it stands."""
    tab.evaluate(axe_source)
    found = [f"light {one}" for one in violations(tab, runOnly=RULES)]
    tab.emulate_media(color_scheme="dark")
    found += [f"dark {one}" for one in violations(tab, runOnly={"type": "rule", "values": ["color-contrast"]})]
    tab.emulate_media(color_scheme="light")
    for width in WIDTHS:
        tab.set_viewport_size({"width": width, "height": 768})
        sticks_out = tab.evaluate(OVERFLOW)
        if sticks_out:
            found.append(f"too wide at {width}: {sticks_out}")
    tab.set_viewport_size({"width": 1366, "height": 768})
    return found


class Scales:
    """What a page weighs on the wire when nothing of it is known yet, and how many requests it takes."""

    def __init__(self, tab) -> None:
        self.bytes = self.requests = 0
        line = tab.context.new_cdp_session(tab)
        line.send("Network.enable")
        line.send("Network.setCacheDisabled", {"cacheDisabled": True})
        line.on("Network.loadingFinished", self._count)

    def _count(self, event) -> None:
        self.requests += 1
        self.bytes += int(event["encodedDataLength"])

    def empty(self) -> None:
        self.bytes = self.requests = 0


def visited(tab, address, scales, axe_source) -> list[str]:
    scales.empty()
    tab.complaints.clear()
    try:
        answer = tab.goto(address, wait_until="networkidle")
    except Error as fault:
        return [] if "Download is starting" in str(fault) else [str(fault)]
    if "text/html" not in answer.headers.get("content-type", ""):
        return []
    found = [] if answer.status == 200 else [f"answers {answer.status}"]
    if scales.bytes > FIRST_VISIT or scales.requests > REQUESTS:
        found.append(f"weighs {scales.bytes} bytes in {scales.requests} requests")
    found += looks_wrong(tab, axe_source)
    return found + [f"says {text}" for text in tab.complaints]


@pytest.mark.parametrize("role", ROLES)
def test_every_page_of(at_desk, served, axe_source, role):
    tab = at_desk(role)
    scales, wrong, pages = Scales(tab), {}, 0
    crawl = Crawl(served.app, ("/", "/profile", "/help", "/notifications"))
    for address in crawl:
        faults = visited(tab, address, scales, axe_source)
        pages += 1
        if faults:
            wrong[address] = faults
        if urlsplit(tab.url).netloc == urlsplit(served.url).netloc:
            crawl.offer(tab.evaluate(LINKS))
    tab.complaints.clear()
    report = "\n".join(f"{address}\n  " + "\n  ".join(faults) for address, faults in wrong.items())
    assert not wrong, f"{len(wrong)} of {pages} pages of the {role}:\n{report}"
    assert pages >= 6


def test_the_sign_in_page(at_desk, axe_source):
    tab = at_desk()
    scales = Scales(tab)
    tab.goto("/login", wait_until="networkidle")
    assert scales.bytes <= SIGN_IN
    assert scales.requests <= REQUESTS
    assert looks_wrong(tab, axe_source) == []
