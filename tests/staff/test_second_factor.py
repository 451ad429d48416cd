"""The second factor: set up on a page, asked for everywhere, good once, kept encrypted, required where the hospital says."""

from __future__ import annotations

import re

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select, text

from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.errors import Conflict
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.staff.models import RecoveryCode
from hms.staff.second_factor import actions
from hms.staff.second_factor import codes as second_factor_codes
from tests.concurrency import at_once
from tests.conftest import PASSWORD
from tests.page import Page
from tests.staff.conftest import code_now, give_second_factor, said

pytestmark = pytest.mark.security("F")


def _enrol(client) -> tuple[pyotp.TOTP, list[str]]:
    """Set the second factor up as a person does; returns the app on the phone and the codes on the paper."""
    page = client.get("/profile/second-factor").get_data(as_text=True)
    phone = pyotp.TOTP(re.search(r'data-ux="secret">([A-Z2-7 ]+)<', page).group(1).replace(" ", ""))
    answer = client.form("/profile/second-factor", otp=code_now(phone))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/profile/recovery-codes")
    shown = client.get("/profile/recovery-codes").get_data(as_text=True)
    return phone, re.findall(r"<code>([A-Z2-7-]{19})</code>", shown)


def _sign_in(client, username: str, code: str):
    """Name and password, then the code; returns the answer to the code."""
    assert client.form("/login", username=username, password=PASSWORD).headers["Location"].startswith("/login/code")
    return client.form("/login/code", otp=code)


def test_from_the_picture_to_the_first_sign_in_with_a_code(desk, account):
    doctor = desk("doctor")
    page = doctor.get("/profile/second-factor").get_data(as_text=True)
    assert "<svg" in page
    assert "http" not in re.search(r"<figure.*?</figure>", page, re.S).group()
    phone, codes = _enrol(doctor)
    assert len(codes) == len(set(codes)) == 10
    assert "ten codes" not in said(doctor.get("/profile/recovery-codes")), "the codes are shown once"
    assert phone.secret not in (account("doctor").totp_secret or "")
    client = desk(None)
    assert _sign_in(client, "doctor", code_now(phone, steps=1)).status_code == 303
    assert client.get("/").status_code == 200


def test_a_wrong_first_code_sets_nothing_up_and_keeps_the_picture(desk, account):
    doctor = desk("doctor")
    before = re.search(r'data-ux="secret">([^<]+)<', doctor.get("/profile/second-factor").get_data(as_text=True)).group(
        1
    )
    answer = doctor.form("/profile/second-factor", otp="000000")
    assert answer.status_code == 400
    assert before in answer.get_data(as_text=True)
    assert account("doctor").totp_secret is None


def test_the_password_alone_opens_nothing(desk, authenticator):
    authenticator("nurse")
    client = desk(None)
    client.form("/login", username="nurse", password=PASSWORD)
    assert client.get("/").status_code == 302
    assert client.get("/patients/").status_code == 302


def test_one_code_posted_fifty_times_at_once_opens_once(real_app: Flask, record_property):
    phone = give_second_factor("doctor")
    sent = {"username": "doctor", "password": PASSWORD, "otp": code_now(phone)}
    answers = at_once(50, lambda _: real_app.test_client().post("/api/auth/", json=sent).status_code)
    record_property("figure", f"second factor: replays accepted of 50 at once: {answers.count(200)} (1)")
    assert answers.count(200) == 1
    assert set(answers) <= {200, 401, 429}


def test_a_used_code_is_refused_with_its_own_sentence(desk, authenticator):
    phone = authenticator("nurse")
    code = code_now(phone)
    assert _sign_in(desk(None), "nurse", code).status_code == 303
    again = _sign_in(desk(None), "nurse", code)
    assert again.status_code == 401
    assert "That code was already used. Wait for the next one." in said(again)


def test_five_wrong_codes_shut_the_door_and_the_page_says_until_when(desk, authenticator):
    phone, client = authenticator("nurse"), desk(None)
    client.form("/login", username="nurse", password=PASSWORD)
    for _ in range(5):
        answer = client.form("/login/code", otp="000000")
        assert answer.status_code == 401
    answer = client.form("/login/code", otp=code_now(phone))
    assert answer.status_code == 429
    assert "sign in again at" in said(answer)


def test_asking_for_the_code_again_and_again_is_no_wrong_try(program, authenticator):
    authenticator("nurse")
    client, sent = program(None), {"username": "nurse", "password": PASSWORD}
    answers = [client.post("/api/auth/", json=sent) for _ in range(8)]
    assert {(a.status_code, a.get_json()["code"]) for a in answers} == {(401, "otp_required")}


def test_a_program_needs_the_code_too(program, authenticator):
    phone, client = authenticator("nurse"), program(None)
    sent = {"username": "nurse", "password": PASSWORD}
    wrong = client.post("/api/auth/", json=sent | {"otp": "000000"})
    assert (wrong.status_code, wrong.get_json()["code"]) == (401, "otp_wrong")
    right = client.post("/api/auth/", json=sent | {"otp": code_now(phone)})
    assert set(right.get_json()) == {"access", "refresh"}
    replayed = client.post("/api/auth/", json=sent | {"otp": code_now(phone)})
    assert (replayed.status_code, replayed.get_json()["code"]) == (401, "otp_replayed")


def test_a_recovery_code_stands_in_for_the_phone_once(desk):
    phone, codes = _enrol(desk("doctor"))
    typed = codes[3].lower().replace("-", " ")
    assert _sign_in(desk(None), "doctor", typed).status_code == 303
    assert _sign_in(desk(None), "doctor", typed).status_code == 401
    client = desk("doctor")
    assert "Recovery codes left: 9" in said(client.get("/profile/security"))
    assert client.form("/profile/recovery-codes").status_code == 303
    assert _sign_in(desk(None), "doctor", codes[4]).status_code == 401


def test_one_recovery_code_at_fifty_hands_opens_once(real_app: Flask):
    with action_context("tests.seed", SYSTEM):
        user_id = database.session.scalar(text("SELECT id FROM app_user WHERE username = 'doctor'"))
    give_second_factor("doctor")
    from hms.staff.second_factor import recovery_codes

    with action_context("tests.seed", SYSTEM):
        codes = recovery_codes.new_codes()
        recovery_codes.replace_codes(user_id, recovery_codes.hash_codes(codes))
    sent = {"username": "doctor", "password": PASSWORD, "otp": codes[0]}
    answers = at_once(20, lambda _: real_app.test_client().post("/api/auth/", json=sent).status_code)
    assert answers.count(200) == 1


def test_recovery_codes_are_kept_as_hashes(desk):
    _phone, codes = _enrol(desk("doctor"))
    kept = database.session.scalars(select(RecoveryCode.code_hash)).all()
    assert len(kept) == 10
    assert all(stored.startswith("$argon2id$") for stored in kept)
    assert not any(code.replace("-", "") in " ".join(kept) for code in codes)


@pytest.mark.parametrize("page", ["/profile/security", "/profile/second-factor", "/profile/pin", "/api/users/me/"])
def test_no_page_shows_a_stored_secret(desk, authenticator, account, page):
    phone = authenticator("doctor")
    shown = desk("doctor").get(page).get_data(as_text=True)
    assert phone.secret not in shown
    assert account("doctor").totp_secret not in shown


def test_switching_off_takes_password_and_code(desk, authenticator, account):
    phone, doctor = authenticator("doctor"), desk("doctor")
    off = "/profile/second-factor/off"
    assert doctor.form(off, password="wrong", otp=code_now(phone)).status_code == 400
    assert doctor.form(off, password=PASSWORD, otp="000000").status_code == 400
    assert account("doctor").two_factor_enabled
    assert doctor.form(off, password=PASSWORD, otp=code_now(phone)).status_code == 303
    assert not account("doctor").two_factor_enabled


@pytest.fixture
def _nurses_need_it(person):
    settings.change_setting("staff.second_factor_roles", "admin, nurse", by=person("admin"))


@pytest.mark.usefixtures("_nurses_need_it")
def test_who_needs_a_second_factor_sets_it_up_before_anything_else(desk, program):
    nurse = desk(None)
    nurse.form("/login", username="nurse", password=PASSWORD)
    for path in ("/", "/patients/", "/profile", "/queue/"):
        assert nurse.get(path).headers["Location"] == "/profile/second-factor", path
    refused = program("nurse").get("/api/patients/")
    assert (refused.status_code, refused.get_json()["code"]) == (403, "second_factor_required")
    refused = program(None).post("/api/auth/", json={"username": "nurse", "password": PASSWORD})
    assert (refused.status_code, refused.get_json()["code"]) == (403, "second_factor_required")
    assert nurse.get("/logout").status_code == 200
    phone, _codes = _enrol(nurse)
    assert nurse.get("/").status_code == 200
    off = nurse.form("/profile/second-factor/off", password=PASSWORD, otp=code_now(phone, steps=1))
    assert off.status_code == 409
    assert desk("doctor").get("/").status_code == 200


def test_another_administrator_resets_it_and_nobody_their_own(person, authenticator, account):
    authenticator("nurse")
    authenticator("admin")
    admin = person("admin")
    version = account("nurse").token_version
    actions.reset_second_factor(account("nurse").id, by=admin)
    assert not account("nurse").two_factor_enabled
    assert account("nurse").token_version == version + 1
    with pytest.raises(Conflict):
        actions.reset_second_factor(admin.id, by=admin)


def test_keys_are_rotated_and_the_old_one_may_go(app, authenticator, account, desk):
    phone, old = authenticator("nurse"), app.config["TOTP_KEYS"]
    before = account("nurse").totp_secret
    try:
        app.config["TOTP_KEYS"] = ("a new key of more than thirty-two letters", *old)
        said_ = app.test_cli_runner().invoke(args=["totp", "rotate-keys"])
        assert (said_.exit_code, said_.output.strip()) == (0, "1 secrets are encrypted with the first key.")
        app.config["TOTP_KEYS"] = app.config["TOTP_KEYS"][:1]
        assert account("nurse").totp_secret != before
        assert second_factor_codes.decrypt_secret(account("nurse").totp_secret) == phone.secret
        assert _sign_in(desk(None), "nurse", code_now(phone)).status_code == 303
        app.config["TOTP_KEYS"] = ("quite another key of thirty-two letters",)
        assert app.test_cli_runner().invoke(args=["totp", "rotate-keys"]).exit_code == 1
    finally:
        app.config["TOTP_KEYS"] = old


@pytest.mark.parametrize(
    "code", ["", " ", "12345", "1234567", "２８７０８２", "٢٨٧٠٨٢", "x" * 40, "A" * 19, "\u0000", "-1"]
)
def test_nonsense_is_no_code_and_no_fault(program, authenticator, code):
    authenticator("nurse")
    sent = {"username": "nurse", "password": PASSWORD, "otp": code}
    assert program(None).post("/api/auth/", json=sent).status_code in (400, 401)


def test_the_form_of_the_code_is_one_box_for_the_phones_own_filling(desk, authenticator):
    authenticator("nurse")
    client = desk(None)
    client.form("/login", username="nurse", password=PASSWORD)
    page = client.get("/login/code").get_data(as_text=True)
    assert 'autocomplete="one-time-code"' in page
    assert [name for name in Page(page).forms[0]["fields"] if name != "csrf_token"] == ["otp"]
