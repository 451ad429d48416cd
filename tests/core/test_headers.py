"""Every response has the security headers, and a form from another site is always refused."""

from __future__ import annotations

import logging
import re

import pytest

from hms.core.web import security_headers
from hms.core.web.security_headers import POLICY_WITHOUT_LOADS

pytestmark = pytest.mark.security("I")


def _addresses(app):
    """Every address of GET, with an id that does not exist."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in app.view_functions:
            continue  # made and taken away by another test; a rule itself cannot be
        if "GET" in (rule.methods or ()):
            yield re.sub(r"<int:[^>]+>", "987654321", re.sub(r"<(?!int:)[^>]+>", "x", rule.rule))


def test_every_address_answers_with_the_headers(app, db, desk):
    client, bare = desk(None), []
    for address in _addresses(app):
        answer = client.open(address)
        missing = [name for name, value in security_headers.FIXED_HEADERS.items() if answer.headers.get(name) != value]
        if missing or ("Content-Security-Policy" not in answer.headers and answer.mimetype != "application/pdf"):
            bare.append(f"{address}: {missing}")
        assert address.startswith("/static/") or answer.headers["Cache-Control"] == "no-store", address
    assert bare == []


def test_scripts_run_by_a_nonce_that_is_new_in_every_answer(db, desk):
    first, second = (desk(None).get("/login").headers["Content-Security-Policy"] for _ in range(2))
    assert first != second
    assert "unsafe" not in first
    assert "default-src 'none'" in first
    assert re.fullmatch(r"script-src 'nonce-[\w-]{22}'", next(part for part in first.split("; ") if "script" in part))


def test_an_api_response_may_load_nothing(program):
    assert program("doctor").get("/api/users/me/").headers["Content-Security-Policy"] == POLICY_WITHOUT_LOADS


@pytest.mark.parametrize(
    "sent_by",
    [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}],
    ids=["fetch metadata", "origin", "hidden origin"],
)
def test_a_form_from_another_site_is_refused(db, desk, sent_by):
    client = desk(None)
    page = client.get("/login").get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
    given = {"csrf_token": token, "username": "doctor", "password": "hospital-demo-2026"}
    assert client.post("/login", data=given, headers=sent_by).status_code == 403


def test_another_host_is_refused(app, db, desk):
    app.config["TRUSTED_HOSTS"] = ["hms.hospital.lan"]
    try:
        assert desk(None).get("/login").status_code == 400
        assert desk(None).get("/login", base_url="http://hms.hospital.lan").status_code == 200
    finally:
        app.config["TRUSTED_HOSTS"] = None


def test_a_reported_violation_names_no_patient_in_the_log(db, desk, caplog):
    told = {
        "document-uri": "http://hms/find?q=KAMARA",
        "effective-directive": "img-src KAMARA",
        "blocked-uri": "https://evil.example/x?name=KAMARA",
    }
    with caplog.at_level(logging.WARNING):
        assert desk(None).post("/csp-report", json={"csp-report": told}).status_code == 204
    assert "img-src from evil.example" in caplog.text
    assert "KAMARA" not in caplog.text


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"csp-report": 7}', b"\xff\xfe", b"x" * 10_000])
def test_a_report_that_is_none_is_swallowed(db, desk, body):
    assert desk(None).post("/csp-report", data=body).status_code == 204


def test_a_report_larger_than_any_browser_sends_is_refused_unread(db, desk):
    assert desk(None).post("/csp-report", data=b"x" * 10_001).status_code == 413
