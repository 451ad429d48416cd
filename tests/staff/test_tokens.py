"""Tokens of the API: short, renewed once each, and dead with the password, the role or the account they came from."""

from __future__ import annotations

import base64
import json
import time
from datetime import timedelta

import jwt
import pytest
from flask import Flask
from sqlalchemy import func, select

from hms.core import clock
from hms.core.actions import action_context
from hms.core.audit.models import AuditEntry
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.messages.models import Notification
from hms.staff import request_user
from hms.staff.models import RefreshToken, Role, User
from hms.staff.profile import actions
from hms.staff.sessions import tokens
from hms.staff.sign_in.authentication import AuthenticatedAccount
from tests.concurrency import at_once
from tests.conftest import PASSWORD

pytestmark = pytest.mark.security("H")


def _pair(client, username: str = "doctor") -> dict[str, str]:
    return client.post("/api/auth/", json={"username": username, "password": PASSWORD}).get_json()


def _refresh(client, token: str):
    return client.post("/api/auth/refresh/", json={"refresh": token})


def _me(client, access: str) -> int:
    return client.get("/api/users/me/", headers={"Authorization": f"Bearer {access}"}).status_code


def test_of_twenty_refreshes_at_once_one_is_honoured_and_the_family_ends(real_app: Flask, record_property):
    first = _pair(real_app.test_client())
    answers = at_once(20, lambda _: _refresh(real_app.test_client(), first["refresh"]))
    renewed = [answer.get_json() for answer in answers if answer.status_code == 200]
    record_property("figure", f"tokens: refreshes honoured of 20 at once: {len(renewed)} (1)")
    assert len(renewed) == 1
    assert {answer.status_code for answer in answers} == {200, 401}
    assert _refresh(real_app.test_client(), renewed[0]["refresh"]).status_code == 401
    database.session.rollback()
    usable = (RefreshToken.used_at.is_(None), RefreshToken.revoked_at.is_(None))
    assert database.session.scalar(select(func.count(RefreshToken.id)).where(*usable)) == 0


def test_a_refresh_token_used_twice_ends_every_token_of_its_family_and_is_told(program, account):
    client, other = program(None), program(None)
    first, elsewhere = _pair(client), _pair(other)
    second = _refresh(client, first["refresh"]).get_json()
    assert [_me(client, pair["access"]) for pair in (first, second, elsewhere)] == [200, 200, 200]
    for _again in range(3):
        assert _refresh(other, first["refresh"]).status_code == 401
    assert [_me(client, pair["access"]) for pair in (first, second, elsewhere)] == [401, 401, 200]
    assert _refresh(client, second["refresh"]).status_code == 401
    assert _refresh(other, elsewhere["refresh"]).status_code == 200, "another program goes on"
    told = database.session.scalars(select(Notification)).all()
    assert sorted(one.user_id for one in told) == sorted(account(name).id for name in ("admin", "doctor"))
    assert "used twice" in next(one.message for one in told if one.user_id == account("doctor").id)
    entries = database.session.scalars(select(AuditEntry).filter_by(action="staff.refresh_token_reused")).all()
    assert {(entry.entity_id, entry.outcome) for entry in entries} == {(account("doctor").id, "denied")}


def test_a_pair_issued_while_its_family_ends_is_worth_nothing(program, account):
    """It was written a moment after the others were revoked."""
    client, doctor = program(None), account("doctor")
    late = tokens._new_pair(AuthenticatedAccount(doctor.id, doctor.token_version), "family", clock.now() + timedelta(hours=1))
    database.session.add(
        RefreshToken(
            token_hash=b"x", family="family", user_id=doctor.id, expires_at=clock.now(), revoked_at=clock.now()
        )
    )
    database.session.commit()
    assert _me(client, late["access"]) == 401
    assert _refresh(client, late["refresh"]).status_code == 401
    assert database.session.scalars(select(Notification)).all() == [], "nobody used one twice"


@pytest.mark.parametrize("family", ["", "\u0000", 7, None, ["x"], "x" * 5000])
def test_a_signed_token_of_a_strange_family_is_no_fault(app, program, account, family):
    token = request_user.access_token(account("doctor").id, 1)
    claims = jwt.decode(token, options={"verify_signature": False}) | {"fam": family}
    forged = jwt.encode(claims, app.config["JWT_SECRET_KEY"], algorithm="HS256")
    assert _me(program(None), forged) in (200, 401)


def test_a_chain_of_refreshes_ends_a_day_after_its_sign_in(program):
    client, now = program(None), clock.now()
    token = _pair(client)["refresh"]
    for hours in (8, 16, 23):
        with clock.frozen_at(now + timedelta(hours=hours)):
            token = _refresh(client, token).get_json()["refresh"]
    with clock.frozen_at(now + timedelta(hours=24, minutes=1)):
        assert _refresh(client, token).status_code == 401


def _change_password(account, person):
    actions.change_password(password="kettle ladder violin moss", by=person("doctor"))


def _change_role(account, person):
    with action_context("tests.seed", SYSTEM):
        account("doctor").role = database.session.scalars(select(Role).filter_by(code="nurse")).one()


def _close(account, person):
    with action_context("tests.seed", SYSTEM):
        account("doctor").is_active = False


@pytest.mark.parametrize("change", [_change_password, _change_role, _close])
def test_what_changes_the_account_ends_its_tokens(program, account, person, change):
    client = program(None)
    pair = _pair(client)
    assert _me(client, pair["access"]) == 200
    change(account, person)
    assert _me(client, pair["access"]) == 401
    assert _refresh(client, pair["refresh"]).status_code == 401


def _part(value: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _forged(app: Flask, user_id: int) -> dict[str, str]:
    """Tokens that a fault of the original's library would accept (RFC 8725), by what is wrong with them."""
    key, now = app.config["JWT_SECRET_KEY"], int(time.time())
    good = {"sub": str(user_id), "iat": now, "nbf": now, "exp": now + 900, "jti": "x", "iss": "hms", "aud": "hms-api"}
    good |= {"token_type": "access", "ver": 1}
    without = {
        name: {k: v for k, v in good.items() if k != name} for name in ("exp", "iat", "jti", "aud", "iss", "sub")
    }
    made = {f"no {name}": jwt.encode(claims, key, algorithm="HS256") for name, claims in without.items()}
    made |= {
        "other key": jwt.encode(good, "x" * 40, algorithm="HS256"),
        "other algorithm": jwt.encode(good, key * 2, algorithm="HS512"),
        "no algorithm": f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(good)}.",
        "over": jwt.encode(good | {"exp": now - 1}, key, algorithm="HS256"),
        "not yet": jwt.encode(good | {"nbf": now + 60}, key, algorithm="HS256"),
        "refresh for access": jwt.encode(good | {"token_type": "refresh"}, key, algorithm="HS256"),
        "for others": jwt.encode(good | {"aud": "elsewhere"}, key, algorithm="HS256"),
        "nobody": jwt.encode(good | {"sub": "987654321"}, key, algorithm="HS256"),
        "no number": jwt.encode(good | {"sub": "1 OR 1=1"}, key, algorithm="HS256"),
        "huge number": jwt.encode(good | {"sub": "9" * 40}, key, algorithm="HS256"),
        "old version": jwt.encode(good | {"ver": 0}, key, algorithm="HS256"),
        "nonsense": "a.b.c",
    }
    assert jwt.decode(jwt.encode(good, key, algorithm="HS256"), key, algorithms=["HS256"], audience="hms-api")
    return made


def test_no_forged_token_opens_anything(app, program, account):
    client = program(None)
    opened = [what for what, token in _forged(app, account("doctor").id).items() if _me(client, token) != 401]
    assert opened == []


def test_a_token_opens_no_page_and_a_cookie_lends_no_token_its_power(app, desk, program):
    page = program("doctor").get("/patients/")
    assert page.headers["Location"].startswith("/login")
    client = desk("doctor")
    assert client.get("/api/users/me/").status_code == 200
    assert client.get("/api/users/me/", headers={"Authorization": "Bearer x.y.z"}).status_code == 401
    refused = client.get("/api/users/me/", headers={"Authorization": "Basic ZG9jdG9yOng="})
    assert (refused.status_code, refused.headers["WWW-Authenticate"][:6]) == (401, "Bearer")


def test_an_access_token_lasts_fifteen_minutes(program, account):
    doctor = account("doctor")
    claims = jwt.decode(request_user.access_token(doctor.id, 1), options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 900


def test_a_refresh_token_is_kept_as_a_hash_only(program):
    pair = _pair(program(None))
    kept = database.session.scalars(select(RefreshToken.token_hash)).all()
    assert kept == [request_user.sha256(pair["refresh"])]
    assert database.session.scalar(select(User.id).where(User.username == pair["refresh"])) is None


@pytest.mark.parametrize("token", ["", "x", "\u0000", "x" * 100_000, "é"])
def test_nonsense_is_no_refresh_token_and_no_fault(program, token):
    assert _refresh(program(None), token).status_code in (400, 401)
