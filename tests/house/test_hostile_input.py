"""Every address, form and endpoint responds to hostile input with a message, never with a server error."""

from __future__ import annotations

import io
import itertools
import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from hms.core import clock
from hms.core.db.session import db as database
from hms.staff import request_user
from hms.staff.models import User
from hms.staff.sign_in.authentication import AuthenticatedAccount, open_session
from tests import servers
from tests.apps import app_beside
from tests.conftest import config_for
from tests.house.places import filled
from tests.page import Page

pytestmark = [pytest.mark.security("J"), pytest.mark.slow]

SCRIPT = "<script>alert(1)</script>"
HOSTILE = [
    "", " ", "\x00", "\u202eesrever", "x" * 5000, "-1", "0", "9" * 30, "1e999", "NaN", "1/0/20", "2026-02-30", "99:99",
    "9999-12-31", "0001-01-01", "31.12.9999", "1E+999999999", "²", "23:59:59.999999+14:00",
    "'; DROP TABLE patient; --", "{{ 7 * 7 }}", SCRIPT, "=1+1", "../../etc/passwd", "%", "٣", "\N{ZERO WIDTH SPACE}",
]  # fmt: skip
ENDS_OF_TIME = ("9999-12-31", "31.12.9999", "0001-01-01", "1.1.0001", "999999 years", "-999999999")
OF_TIME = re.compile("date|day|time|age|born|birth|ends|begins|expir|until|days|month")
BODIES = [
    b"", b"null", b"[]", b"7", b'"text"', b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": 1, "a": 2}', b'{"amount": NaN}',
    b'{"amount": 1E+999999999}', b'{"amount": 1E-999999999}', b'{"amount": 1E+99999999999999999999}',
    b'{"amount": ' + b"9" * 5000 + b"}",
    b'{"name": "\\u0000"}', b'{"name": "\\ud800"}', b'{"id": 1e999}', b'{"a":' * 5000 + b"1" + b"}" * 5000,
]  # fmt: skip
WRONG_KINDS = [None, True, 10**30, -1, 1.5, "", "\x00", "x" * 5000, SCRIPT, [], [None], {}, {"id": 1}, "2026-02-30",
               "9999-12-31", "0001-01-01", "number 1E+999999999", "number 1E-999999999", "number " + "9" * 4000]  # fmt: skip
ASKED = ("q", "search", "page", "page_size", "limit", "ordering", "date", "date_from", "date_to", "before", "after",
         "patient", "patient_id", "doctor", "doctor_id", "status", "show", "next", "month", "day", "time")  # fmt: skip
DESKS = ("receptionist", "nurse", "doctor", "pharmacist", "cashier", "admin")
MOST_OF_A_KIND = 2
KEPT_OUT = {"csrf_token", "once"}
NEVER_SENT = ("/logout", "/lock")


@pytest.fixture(scope="module")
def hospital(demo_template: str) -> Iterator[Flask]:
    """A demo hospital of its own, whose commits are real."""
    name = "hms_hostile"
    app = app_beside(config_for(servers.create_database(name, demo_template), 38, pool_size=4))
    yield app
    with app.app_context():
        database.session.remove()
        database.engine.dispose()
    servers.drop_database(name)


def _user(username: str) -> User:
    return database.session.scalars(select(User).filter_by(username=username)).unique().one()


def browser(app: Flask, username: str) -> FlaskClient:
    client = app.test_client()
    with app.app_context(), app.test_request_context():
        user = _user(username)
        sid = open_session(AuthenticatedAccount(user.id, user.token_version))
    with client.session_transaction() as cookie:
        cookie["sid"] = sid
    return client


def caller(app: Flask, username: str) -> FlaskClient:
    client = app.test_client()
    with app.app_context():
        user = _user(username)
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {request_user.access_token(user.id, user.token_version)}"
    return client


def endpoint_of(app: Flask, path: str, method: str = "GET") -> str | None:
    try:
        return app.url_map.bind("localhost").match(urlsplit(path).path, method=method)[0]
    except HTTPException:
        return None


def faults(answer: TestResponse, address: str, sent: object) -> set[str]:
    """The faults of a response: a server error, or a page that contains a sent script."""
    if answer.status_code >= 500:
        return {f"{answer.status_code} {address}: {sent}"}
    is_page = answer.mimetype == "text/html"
    return {f"{address} repeats a script"} if is_page and SCRIPT in answer.get_data(as_text=True) else set()


def crawled(app: Flask, client: FlaskClient) -> Iterator[tuple[str, Page]]:
    """Pages reached by links from the home page, at most a few of each kind."""
    waiting, seen, kinds = ["/"], set(), {}
    while waiting:
        path = waiting.pop(0)
        endpoint = endpoint_of(app, path)
        if path in seen or endpoint in (None, "static") or kinds.get(endpoint, 0) >= MOST_OF_A_KIND:
            continue
        seen.add(path)
        kinds[endpoint] = kinds.get(endpoint, 0) + 1
        answer = client.get(path, follow_redirects=True)
        assert answer.status_code < 500, path
        if answer.mimetype == "text/html":
            page = Page(answer.get_data(as_text=True))
            yield path, page
            waiting += [link.split("#")[0] for link in page.links if link.startswith("/")]


def fillings(fields: dict[str, str], turns: Iterator[str]) -> Iterator[dict[str, str]]:
    """The next nine hostile values in all fields at once, and one hostile value after the other in each field alone.

    Without the one-time key, which would return the first response again.
    """
    fields = {name: value for name, value in fields.items() if name != "once"}
    names = [name for name in fields if name not in KEPT_OUT]
    for value in itertools.islice(turns, 9 if names else 0):
        yield fields | dict.fromkeys(names, value)
    for name in names:
        yield fields | {name: next(turns)}


def misshapen(fields: dict[str, str]) -> Iterator[tuple[str, dict[str, object]]]:
    """Submits that no browser sends: each field left out, and doubled or as a file; an empty submit; a JSON object.

    Empty fields of the form are filled in, so that usually only one field is missing.
    """
    own = {name: value for name, value in fields.items() if name not in KEPT_OUT}
    sent = {name: value or "1" for name, value in own.items()}
    token = {"csrf_token": fields.get("csrf_token", "")}
    for number, name in enumerate(sent):
        rest = {other: value for other, value in sent.items() if other != name}
        yield f"without {name}", {"data": rest | token}
        if number % 2:
            yield f"{name} twice", {"data": rest | token | {name: [sent[name], "2"]}}
        else:
            yield f"{name} as a file", {"data": rest | token | {name: (io.BytesIO(b"text"), "a.txt")}}
    for name in filter(OF_TIME.search, sent):
        for value in ENDS_OF_TIME:
            yield f"{name} {value}", {"data": sent | token | {name: value}}
    yield "nothing", {"data": token}
    yield "a strange key", {"data": sent | token | {"once": "\x00\u202e"}}
    for body in (sent, [], None, {name: [1] for name in sent}):
        yield f"JSON {body}", {"json": body, "headers": {"X-CSRFToken": token["csrf_token"]}}


@pytest.fixture(scope="module")
def tried() -> set[tuple[str | None, ...]]:
    """The kinds of forms that were already tested, at any desk."""
    return set()


@pytest.mark.parametrize("username", DESKS)
def test_no_form_of_a_desk_fails_on_what_is_typed_into_it(hospital, tried, username, record_property):
    client, sent, wrong, turns = browser(hospital, username), 0, set(), itertools.cycle(HOSTILE)
    for path, page in list(crawled(hospital, client)):
        for form in page.forms:
            address = form["action"] or path
            kind = (endpoint_of(hospital, address, form["method"].upper()), *sorted(form["fields"]))
            if kind in tried or urlsplit(address).path.startswith(NEVER_SENT):
                continue
            tried.add(kind)
            for fields in fillings(form["fields"], turns):
                answer = _send(client, form["method"], address, fields)
                sent += 1
                wrong |= faults(answer, address, fields)
            for what, how in misshapen(form["fields"]) if form["method"] == "post" else ():
                sent += 1
                wrong |= faults(client.post(address, **how), address, what)
    record_property("counted", ("hostile forms: answered 5xx", sent, len(wrong)))
    assert wrong == set()


def _send(client: FlaskClient, method: str, address: str, fields: dict[str, str]):
    if method == "post":
        return client.post(address, data=fields)
    return client.get(urlsplit(address).path, query_string=fields)


def _rules(app: Flask, method: str, api: bool) -> list[Rule]:
    rules = [rule for rule in app.url_map.iter_rules() if method in (rule.methods or ()) and rule.endpoint != "static"]
    return [rule for rule in rules if rule.rule.startswith("/api/") == api and "debug" not in rule.rule]


def _path(rule: Rule, number: str = "1") -> str:
    return quote(filled(rule, number), safe="/%")


NUMBERS = ("1", "9" * 18, "9" * 40, "\u0661", "\u00b2", "-1", "%00")
STRANGE = ("endpoint", "_scheme", "_anchor", "_method", "_external", "values", "self", "format", "foo", "__class__")


class _Noted(ImmutableMultiDict):
    """Query parameters that note which of them a page looks at."""

    names: set[str] = set()

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return super().__contains__(name)

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return super().__getitem__(name)

    def getlist(self, name: str, *how: object, **more: object) -> list:
        self.names.add(name)
        return super().getlist(name, *how, **more)


def _names_that_are_read(app: Flask, client: FlaskClient, rule: Rule) -> set[str]:
    """The parameters that the page looks at; those of all pages where it ends before it looks at one."""
    plain = app.request_class
    app.request_class = type("NotingRequest", (plain,), {"parameter_storage_class": _Noted})
    _Noted.names.clear()
    try:
        found = client.get(_path(rule)).status_code == 200
    finally:
        app.request_class = plain
    return set(_Noted.names) if found else set(ASKED)


def _asked_names(app: Flask, client: FlaskClient, rule: Rule) -> tuple[str, ...]:
    """The parameters that the endpoint declares or the page looks at, and unknown ones."""
    declared = getattr(app.view_functions[rule.endpoint], "parameters", None)
    if not rule.rule.startswith("/api/"):
        return (*sorted(_names_that_are_read(app, client, rule)), *STRANGE[:2])
    return (*(declared.fields if declared else ()), *STRANGE[:2])


@pytest.mark.parametrize("api", [False, True], ids=["pages", "api"])
def test_no_address_fails_on_what_is_asked_of_it(hospital, api, record_property):
    client, turns, wrong, sent = (caller if api else browser)(hospital, "admin"), itertools.cycle(HOSTILE), set(), 0
    for rule in _rules(hospital, "GET", api):
        names = _asked_names(hospital, client, rule)
        for number in NUMBERS if rule.arguments else ("1",):
            asked = {name: next(turns) for name in names}
            wrong |= faults(client.get(_path(rule, number), query_string=asked), rule.rule, asked)
        for name in names:
            for value in itertools.islice(turns, 2 if api else 1):
                sent += 1
                wrong |= faults(client.get(_path(rule), query_string={name: value}), rule.rule, {name: value})
        wrong |= faults(
            client.get(_path(rule), query_string={"page": "1"} | dict.fromkeys(STRANGE, "x")), rule.rule, ""
        )
    record_property("counted", ("addresses asked with hostile values: answered 5xx", sent, len(wrong)))
    assert wrong == set()


@pytest.mark.parametrize(
    "path", ["/api/patients/\u0661/", "/api/bills/\uff11/", "/patients/\u0967", "/api/patients/+1/"]
)
def test_only_ascii_digits_make_a_record_s_address(hospital, path):
    assert caller(hospital, "admin").get(path).status_code == 404


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_the_ends_of_the_calendar_are_days_like_others(hospital, day):
    """Every list with day filters accepts them, in time zones ahead of and behind UTC."""
    client, asked = caller(hospital, "admin"), 0
    for rule in _rules(hospital, "GET", True):
        declared = getattr(hospital.view_functions[rule.endpoint], "parameters", None)
        if declared is None or "date" not in declared.fields:
            continue
        needed = {name: "2" for name, field in declared.fields.items() if field.required and name != "date"}
        for name in declared.fields.keys() & {"date", "date_from", "date_to"}:
            for zone in ("Africa/Freetown", "Pacific/Kiritimati", "America/Adak"):
                clock.set_zone(zone)
                answer = client.get(_path(rule), query_string=needed | {name: day})
                clock.set_zone("Africa/Freetown")
                asked += 1
                assert answer.status_code == 200, f"{rule.rule}?{name}={day} in {zone}"
    assert asked > 50


def test_pages_of_days_answer_at_the_ends_of_the_calendar(hospital):
    client, names = browser(hospital, "admin"), ("date", "day_from", "day_to", "after", "before", "time", "first")
    pages = ("/appointments/", "/appointments/?view=list", "/appointments/rows", "/appointments/week", "/queue/")
    pages += ("/appointments/week/rows", "/appointments/slots?doctor=2", "/appointments/new?doctor=2", "/notifications")
    pages += ("/appointments/1/move", "/admin/audit", "/admin/audit.csv", "/admin/sign-ins", "/reports/", "/patients/")
    pages += ("/admin/patients/1/who-opened", "/patients/1/results", "/patients/1/encounters", "/profile/sign-ins")
    wrong = set()
    for path in pages:
        for name in names:
            for value in (*ENDS_OF_TIME, "23:59:59-999999999999999999", "00:00+14:00-1"):
                asked = parse_qs(urlsplit(path).query) | {name: value}
                wrong |= faults(client.get(urlsplit(path).path, query_string=asked), path, asked)
    assert wrong == set()


HEADERS = {
    "If-Match": ("*", '"', 'W/"1"', "\x80", '"' + "9" * 5000 + '"', ",,,"),
    "If-None-Match": ("*", "\xff", '"' + "x" * 5000),
    "If-Modified-Since": ("Sat, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "x"),
    "Range": ("bytes=9-1", "bytes=-", "bytes=0-" + "9" * 400, "x=1"),
    "Idempotency-Key": ("\x80", "x" * 5000, " ", '"1"'),
    "Accept-Language": ("*", "xx-" + "y" * 3000, "en;q=1e999", "en;q=NaN", ";;;,"),
    "Authorization": ("Bearer", "Bearer \xff", "Basic ====", "Bearer " + "." * 3000),
    "X-CSRFToken": ("\xff", "x" * 5000),
    "Cookie": ("hms=\xff", "hms=" + "A" * 3000, "hms=;hms=;;=", "device=\x80"),
    "Content-Type": ("application/json; charset=nonsense", "multipart/form-data", "\xff", "text/html;"),
    "Content-Length": ("-1", "x"),
    "Accept": ("\xff", "*/*;q=x"),
    "Referer": ("\xff", "http://["),
    "Origin": ("null", "http://[", "\xff"),
    "X-Forwarded-For": ("x", "[::1", "1.2.3.4," * 500),
    "User-Agent": ("\xff" * 3000,),
}


def test_no_header_makes_an_answer_fail(hospital, record_property):
    """Requests of a page, a document, a list and a record, and writes to each; signed in and signed out."""
    clients = [caller(hospital, "admin"), browser(hospital, "admin"), hospital.test_client()]
    reads = (
        "/",
        "/patients/1",
        "/api/patients/?page=1",
        "/api/patients/1/",
        "/static/css/base.css",
        "/login",
        "/api/health/",
    )
    writes = (("PUT", "/api/patients/1/"), ("POST", "/api/patients/"), ("POST", "/login"), ("POST", "/api/auth/"))
    writes += (("POST", "/patients/new"), ("DELETE", "/api/bills/1/"), ("POST", "/api/sync_offline_data/"))
    sent, wrong = 0, set()
    for name, values in HEADERS.items():
        for value in values:
            for client in clients:
                for method, path in (*(("GET", path) for path in reads), *writes):
                    body = b"{}" if method != "GET" else b""
                    given = {"Content-Type": "application/json", name: value}
                    sent += 1
                    wrong |= faults(client.open(path, method=method, data=body, headers=given), path, given)
    record_property("counted", ("strange headers: answered 5xx", sent, len(wrong)))
    assert wrong == set()


def test_no_page_fails_on_a_form_without_its_fields(hospital, record_property):
    """Every address with a form, as three roles that may open nearly all: an empty submit, or a JSON object."""
    sent, wrong = 0, set()
    for username in ("receptionist", "doctor", "admin"):
        client = browser(hospital, username)
        page = Page(client.get("/profile").get_data(as_text=True))
        token = next(form["fields"]["csrf_token"] for form in page.forms if "csrf_token" in form["fields"])
        for rule in _rules(hospital, "POST", False):
            if rule.rule.startswith((*NEVER_SENT, "/profile", "/lock")) or "dev" in rule.rule:
                continue
            for what, how in {"nothing": {"data": {"csrf_token": token}}, "an object": {"json": [{}]}}.items():
                sent += 1
                answer = client.post(_path(rule), headers={"X-CSRFToken": token}, **how)
                wrong |= faults(answer, rule.rule, (username, what))
    record_property("counted", ("forms without their fields: answered 5xx", sent, len(wrong)))
    assert wrong == set()


def first_admitted(app: Flask, method: str, address: str) -> FlaskClient:
    """A caller whom the endpoint does not refuse for their role; the last one when it refuses all."""
    for username in ("admin", "doctor", "pharmacist", "cashier"):
        client = caller(app, username)
        if client.open(address, method=method, json={}).status_code != 403:
            break
    return client


def test_no_endpoint_fails_on_a_body_that_is_none(hospital, record_property):
    sent, wrong = 0, set()
    for rule in (*_rules(hospital, "POST", True), *_rules(hospital, "PUT", True)):
        method = "PUT" if "PUT" in rule.methods else "POST"
        client = first_admitted(hospital, method, _path(rule))
        for body in BODIES:
            answer = client.open(_path(rule), method=method, data=body, content_type="application/json")
            sent += 1
            wrong |= faults(answer, f"{method} {rule.rule}", body[:40])
    record_property("counted", ("bodies that are none, to the API: answered 5xx", sent, len(wrong)))
    assert wrong == set()


def _shapes(app: Flask, client: FlaskClient) -> Iterator[tuple[str, str, list[str]]]:
    """Method, address and fields of every endpoint that takes an object, from the OpenAPI document."""
    document = client.get("/api/openapi.json").get_json()
    known = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            body = described.get("requestBody", {}) if isinstance(described, dict) else {}
            schema = body.get("content", {}).get("application/json", {}).get("schema", {})
            name = schema.get("$ref", "").rsplit("/")[-1]
            if name in known:
                yield method.upper(), path, list(known[name].get("properties", {}))


def test_no_endpoint_fails_on_a_field_of_another_kind(hospital, record_property):
    sent, wrong, turns = 0, set(), itertools.cycle(WRONG_KINDS)
    for method, path, names in _shapes(hospital, caller(hospital, "admin")):
        address = "".join("1" if part.startswith("{") else part for part in _split(path))
        client = first_admitted(hospital, method, address)
        bodies = [dict.fromkeys(names, value) for value in WRONG_KINDS] + [{name: next(turns)} for name in names]
        for body in bodies:
            answer = client.open(address, method=method, data=_written(body), content_type="application/json")
            sent += 1
            wrong |= faults(answer, f"{method} {address}", body)
    record_property("counted", ("objects with fields of another kind, to the API: answered 5xx", sent, len(wrong)))
    assert wrong == set()


def _written(body: dict[str, object]) -> str:
    """As JSON, with numbers that Python does not write."""
    return re.sub(r'"number ([^"]+)"', r"\1", json.dumps(body))


def _split(path: str) -> list[str]:
    return path.replace("{", "\n{").replace("}", "}\n").split("\n")
