"""The API of people: who sees what of an account, and what a program may change."""

from __future__ import annotations

import pytest

from tests.staff.factories import GOOD, account, role, user

pytestmark = pytest.mark.security("C")

SECRET = {"password", "password_hash", "totp_secret", "two_factor_secret", "pin_hash", "token_version"}


def test_colleagues_see_name_and_role_administrators_the_account(program):
    account("f.koroma", "nurse", email="f@example.org", first_name="Fatu", last_name="Koroma")
    address = f"/api/users/{user('f.koroma').id}/"
    for reader in ("doctor", "cashier", "lab"):
        assert set(program(reader).get(address).json) == {"id", "display_name", "role", "first_name", "last_name"}
    seen = program("admin").get(address).json
    assert {"username", "email", "is_active", "last_login", "two_factor_enabled"} <= set(seen)
    assert not SECRET & set(seen)
    listed = next(user for user in program("admin").get("/api/users/").json if user["username"] == "f.koroma")
    assert not SECRET & set(listed)
    assert program("nurse").get("/api/roles/").json[0].keys() == {"id", "name", "description"}


def test_an_account_is_made_without_a_typed_password(program, desk):
    sent = {"username": "newuser", "password": GOOD, "email": "user@example.org", "role": role("nurse").id}
    made = program("admin").post("/api/users/", json=sent, headers={"Idempotency-Key": "make-newuser"})
    assert (made.status_code, made.json["role"]["name"]) == (201, "Nurse")
    assert program(None).post("/api/auth/", json={"username": "newuser", "password": GOOD}).status_code == 401
    link = made.json["one_time_link"].partition("localhost")[2]
    again = program("admin").post("/api/users/", json=sent, headers={"Idempotency-Key": "make-newuser"})
    assert (again.status_code, again.get_data()) == (201, b"")
    assert desk(None).form(link, password=GOOD, again=GOOD).status_code == 303
    assert program(None).post("/api/auth/", json={"username": "newuser", "password": GOOD}).status_code == 200


def test_a_full_put_of_what_was_read_changes_only_what_is_new(program):
    admin, address = program("admin"), f"/api/users/{user('nurse').id}/"
    before = admin.get(address)
    after = admin.put(address, json={**before.json, "first_name": "Nana"}, headers={"If-Match": before.headers["ETag"]})
    assert (after.status_code, after.json["first_name"], after.json["role"]) == (200, "Nana", before.json["role"])
    stale = admin.put(address, json={"first_name": "Late"}, headers={"If-Match": before.headers["ETag"]})
    assert (stale.status_code, stale.json["first_name"]) == (412, "Nana")


def test_an_account_is_closed_and_reopened_but_never_deleted(program):
    admin, address = program("admin"), f"/api/users/{user('nurse').id}/"
    assert admin.delete(address).status_code == 204
    assert user("nurse").is_active is False
    assert admin.put(address, json={"is_active": True}).json["is_active"] is True
    assert admin.post(f"{address}deactivate/", json={}).json == {"status": "deactivated"}
    assert admin.post(f"{address}activate/", json={}).json == {"status": "activated"}
    assert "new_password" not in admin.post(f"{address}reset_password/", json={}).json
    response = admin.post(f"{address}assign_role/", json={"role_id": role("lab").id})
    assert response.json == {"status": "role assigned", "role": "Lab"}


def test_the_last_administrator_stays(program):
    admin, address = program("admin"), f"/api/users/{user('admin').id}/"
    for answer in (
        admin.delete(address),
        admin.put(address, json={"is_active": False}),
        admin.put(address, json={"role_id": role("nurse").id}),
        admin.put(address, json={"role_id": None}),
    ):
        assert answer.status_code == 409
    assert user("admin").is_active
    assert user("admin").role.code == "admin"


def test_odd_bodies_are_a_400(program):
    admin = program("admin")
    for sent in ({}, {"username": ""}, {"username": "x" * 200}, {"username": "x", "role_id": "abc"}, {"username": 5}):
        assert admin.post("/api/users/", json=sent).status_code == 400
    assert admin.put(f"/api/users/{user('nurse').id}/", json={"username": "admin"}).json == {
        "username": ["A user with that username already exists."]
    }
    assert admin.put("/api/users/987654321/", json={"first_name": "x"}).status_code == 404
