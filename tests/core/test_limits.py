"""Requests that are too large or too many are refused with a message before they cost time."""

from __future__ import annotations

import pytest

from hms.core.web.request_bodies import MAX_BODY

pytestmark = pytest.mark.security("L")


def test_a_body_above_the_limit_is_refused_on_pages(desk):
    client = desk("receptionist")
    client.checks = False
    assert client.post("/patients/new", data={"given_names": "x" * MAX_BODY}).status_code == 413


def test_a_body_above_the_limit_is_refused_to_programs(program):
    answer = program("receptionist").post("/api/patients/", json={"address": "x" * MAX_BODY})
    assert answer.status_code == 413
    assert answer.is_json
