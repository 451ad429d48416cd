"""Signing in and out, on pages and by token."""

from __future__ import annotations

import pytest

from tests.conftest import PASSWORD

pytestmark = pytest.mark.security("E")


def test_the_right_password_opens_home(desk):
    client = desk(None)
    answer = client.form("/login", username="doctor", password=PASSWORD)
    assert answer.status_code == 303
    assert client.get("/").status_code == 200


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(desk):
    answers = [desk(None).form("/login", username=name, password="wrong") for name in ("doctor", "nobody-here")]
    assert [a.status_code for a in answers] == [401, 401]
    said = [a.get_data(as_text=True).count("Wrong username or password.") for a in answers]
    assert said[0] == said[1] > 0


def test_the_sixth_wrong_attempt_is_locked_out(desk):
    client = desk(None)
    for _ in range(5):
        assert client.form("/login", username="nurse", password="wrong").status_code == 401
    assert client.form("/login", username="nurse", password=PASSWORD).status_code == 429


def test_signing_out_ends_a_copied_cookie(desk):
    client = desk("doctor")
    stolen = client.get_cookie("hms").value
    client.form("/logout")
    client.set_cookie("hms", stolen)
    assert client.get("/").status_code == 302


def test_next_accepts_only_addresses_of_this_site(desk):
    for target in ("https://evil.test/", "//evil.test", "/\\evil.test", "///evil.test"):
        client = desk(None)
        answer = client.post(f"/login?next={target}", data=_filled(client))
        assert answer.headers["Location"] == "/"


def _filled(client):
    from tests.page import Page

    fields = Page(client.get("/login").get_data(as_text=True)).forms[0]["fields"]
    return {**fields, "username": "doctor", "password": PASSWORD}


def test_a_program_signs_in_and_reads_who_it_is(app, program):
    client = program(None)
    pair = client.post("/api/auth/", json={"username": "doctor", "password": PASSWORD}).get_json()
    me = client.get("/api/users/me/", headers={"Authorization": f"Bearer {pair['access']}"}).get_json()
    assert (me["username"], me["role"]["name"]) == ("doctor", "Doctor")


def test_api_refusals_have_the_original_shape(program):
    client = program(None)
    assert client.post("/api/auth/", json={"username": "doctor"}).get_json() == {
        "password": ["This field is required."]
    }
    wrong = client.post("/api/auth/", json={"username": "doctor", "password": "bad"})
    assert (wrong.status_code, list(wrong.get_json())) == (401, ["detail", "code"])
    assert client.get("/api/users/me/").get_json() == {"detail": "Authentication credentials were not provided."}
    bad = client.get("/api/users/me/", headers={"Authorization": "Bearer x.y.z"})
    assert (bad.status_code, bad.get_json()["code"]) == (401, "token_not_valid")


def test_a_refresh_token_works_once_and_reuse_ends_its_family(program):
    client = program(None)
    first = client.post("/api/auth/", json={"username": "doctor", "password": PASSWORD}).get_json()
    second = client.post("/api/auth/refresh/", json={"refresh": first["refresh"]}).get_json()
    assert client.post("/api/auth/refresh/", json={"refresh": first["refresh"]}).status_code == 401
    assert client.post("/api/auth/refresh/", json={"refresh": second["refresh"]}).status_code == 401


def test_malformed_json_is_a_400(program):
    client = program(None)
    for body in ('{"username": NaN}', '{"a": 1, "a": 2}', "[" * 50_000, '{"username": "\\ud800"}', "", "nonsense"):
        answer = client.post("/api/auth/", data=body, content_type="application/json")
        assert answer.status_code == 400, body[:20]


def test_a_page_without_a_token_is_sent_back_with_what_was_typed(desk):
    answer = desk(None).post("/login", data={"username": "doctor", "password": "secret-word"})
    assert answer.status_code == 400
    assert "doctor" in answer.get_data(as_text=True)
    assert "secret-word" not in answer.get_data(as_text=True)
