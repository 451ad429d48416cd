"""Sessions: ended on the server, a new id after changes, locked when idle."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from hms.core import clock, drafts
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.staff.models import Role, User, UserSession
from hms.staff.sessions import actions, pins
from tests.conftest import PASSWORD
from tests.page import Page
from tests.staff.conftest import said
from tests.staff.factories import role

pytestmark = pytest.mark.security("G")
PIN = "4827"


def _sign_in(client, username: str, path: str = "/login"):
    return client.form(path, username=username, password=PASSWORD)


def _sid(client) -> str:
    with client.session_transaction() as cookie:
        return cookie.get("sid")


@pytest.fixture
def pc(desk, person):
    """A shared PC: the nurse and the doctor signed in fully here today and have PINs; the nurse is using it."""
    client = desk(None)
    for username in ("doctor", "nurse"):
        pins.set_pin(pin=PIN, by=person(username))
        assert _sign_in(client, username).status_code == 303
        if username == "doctor":
            client.form("/logout")
    return client


def _choose(client, username: str, pin: str, path: str = "/lock"):
    user_id = database.session.scalars(select(User.id).filter_by(username=username)).one()
    return client.form(path, who=user_id, pin=pin)


def test_a_session_gets_a_new_id_at_sign_in_and_with_a_new_role(desk, account):
    client = desk("nurse")
    planted = _sid(client)
    _sign_in(client, "nurse") if client.get("/login").status_code == 200 else client.form("/logout")
    _sign_in(client, "nurse")
    assert _sid(client) != planted
    before, stolen = _sid(client), client.get_cookie("hms").value
    with action_context("tests.seed", SYSTEM):
        account("nurse").role = database.session.scalars(select(Role).filter_by(code="pharmacist")).one()
    assert client.get("/profile").status_code == 200
    assert _sid(client) != before
    thief = desk(None)
    thief.set_cookie("hms", stolen)
    assert thief.get("/profile").status_code == 302


def test_a_session_ends_after_its_maximum_time_despite_activity(desk):
    client, now = desk("nurse"), clock.now()
    for minutes in range(0, 12 * 60, 14):
        with clock.frozen_at(now + timedelta(minutes=minutes)):
            assert client.get("/stay").status_code == 405
            assert client.get("/profile", headers={}).status_code == 200
    with clock.frozen_at(now + timedelta(hours=12, minutes=1)):
        assert client.get("/profile").headers["Location"].startswith("/login?")


@pytest.mark.parametrize("pages_own", [False, True])
def test_an_idle_page_locks_and_automatic_refreshes_are_not_activity(desk, pages_own):
    client, now = desk("nurse"), clock.now()
    headers = {"X-Refresh": "1"} if pages_own else {}
    with clock.frozen_at(now + timedelta(minutes=10)):
        assert client.get("/profile", headers=headers).status_code == 200
    with clock.frozen_at(now + timedelta(minutes=20)):
        answer = client.get("/profile?a=1")
    assert answer.headers.get("Location") == ("/lock?next=/profile?a%3D1" if pages_own else None)


def test_the_idle_time_is_a_setting(desk, person):
    settings.change_setting("staff.idle_minutes", 5, by=person("admin"))
    client, now = desk("nurse"), clock.now()
    with clock.frozen_at(now + timedelta(minutes=7)):
        assert client.get("/profile").status_code == 302


def test_a_role_may_lock_its_pages_sooner_than_the_hospital(desk):
    admin, nurse, doctor = desk("admin"), desk("nurse"), desk("doctor")
    address = f"/admin/roles/{role('nurse').id}"
    for unusable in ("1", "16", "soon"):
        assert admin.form(address, idle_minutes=unusable).status_code == 400
    assert admin.form(address, idle_minutes="3").status_code == 303
    assert 'data-idle-seconds="180"' in nurse.get("/profile").get_data(as_text=True)
    assert 'data-idle-seconds="900"' in doctor.get("/profile").get_data(as_text=True)
    with clock.frozen_at(clock.now() + timedelta(minutes=5)):
        assert (nurse.get("/profile").status_code, doctor.get("/profile").status_code) == (302, 200)
    assert admin.form(address, idle_minutes="").status_code == 303
    assert 'data-idle-seconds="900"' in desk("nurse").get("/profile").get_data(as_text=True)


def test_a_locked_session_opens_no_page_and_shows_no_data(pc, db):
    pc.post("/lock", data=_token(pc), headers={"Referer": "http://localhost/patients/?q=x"})
    page = pc.get("/lock?next=/patients/7")
    assert page.status_code == 200
    assert said(page).count("Nurse") == 1
    for path in ("/", "/patients/", "/profile", "/profile/security"):
        assert pc.get(path).status_code == 302
    assert pc.get("/api/users/me/").status_code == 401
    assert pc.post("/api/patients/", json={}).status_code == 401


def _token(client) -> dict[str, str]:
    page = Page(client.get("/profile/security").get_data(as_text=True))
    return {"csrf_token": next(form for form in page.forms if form["action"] == "/lock")["fields"]["csrf_token"]}


def _lock(client, at: str = "/profile/security") -> str:
    """Press Lock on the page `at`; returns the lock page's address."""
    answer = client.post("/lock", data=_token(client), headers={"Referer": f"http://localhost{at}"})
    assert answer.status_code == 303
    return answer.headers["Location"]


def test_a_pin_returns_the_same_person_to_the_same_page(pc):
    address, before = _lock(pc, "/profile/sign-ins?before=900"), _sid(pc)
    answer = _choose(pc, "nurse", PIN, address)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/profile/sign-ins?before=900")
    assert pc.get("/profile").status_code == 200
    assert _sid(pc) != before


def test_another_persons_pin_opens_their_home_and_signs_the_first_out(pc, account):
    address = _lock(pc, "/profile/sign-ins?before=900")
    first = pc.get_cookie("hms").value
    answer = _choose(pc, "doctor", PIN, address)
    assert answer.headers["Location"] == "/"
    assert "Doctor" in said(pc.get("/profile"))
    pc.set_cookie("hms", first)
    assert pc.get("/profile").headers["Location"].startswith("/login")


def test_signing_in_as_another_person_never_opens_the_previous_page(pc):
    _lock(pc)
    assert _sign_in(pc, "cashier", "/login?next=/patients/7").headers["Location"] == "/"
    assert actions.list_sessions(_id("nurse")) == []


def _id(username: str) -> int:
    return database.session.scalars(select(User.id).filter_by(username=username)).one()


def test_the_password_unlocks_without_a_pin(desk):
    client = desk("cashier")
    address = _lock(client, "/profile")
    assert client.form(address, password="wrong").status_code == 401
    assert client.form(address, password=PASSWORD).headers["Location"] == "/profile"


def test_after_five_wrong_pins_only_the_password_unlocks(pc):
    address = _lock(pc)
    for _ in range(5):
        assert _choose(pc, "nurse", "0000", address).status_code == 401
    refused = _choose(pc, "nurse", PIN, f"{address}&with=pin")
    assert refused.status_code == 401
    assert pc.form(f"{address}&with=password", password=PASSWORD).status_code == 303
    _lock(pc)
    assert "PIN" not in said(pc.get("/lock?with=password")).replace("Use PIN", "")


def test_a_pin_unlocks_only_where_its_owner_signed_in_within_twelve_hours(desk, person, pc):
    elsewhere = desk("nurse")
    address = _lock(elsewhere)
    assert "PIN" not in said(elsewhere.get(address))
    assert _choose(elsewhere, "nurse", PIN, address).status_code in (400, 401)
    with clock.frozen_at(clock.now() + timedelta(hours=11)):
        _sign_in(pc, "nurse")
    later = clock.now() + timedelta(hours=12, minutes=5)
    with clock.frozen_at(later):
        address = pc.get("/profile").headers["Location"]
        assert _choose(pc, "doctor", PIN, address).status_code == 401
        assert _choose(pc, "nurse", PIN, address).status_code == 303


@pytest.mark.parametrize(
    "pin", ["", "123", "123456789", "1234", "4321", "1111", "2580a", "1987", "2024", "１２３４", "4545"]
)
def test_invalid_and_easy_pins_are_refused(desk, account, pin):
    answer = desk("nurse").form("/profile/pin", pin=pin, pin_again=pin)
    assert answer.status_code == 400
    assert account("nurse").pin_hash is None


def test_setting_a_pin_needs_reauthentication(desk, account):
    client = desk("nurse")
    with clock.frozen_at(clock.now() + timedelta(minutes=6)):
        assert client.form("/profile/pin", pin=PIN, pin_again=PIN).status_code == 400
        assert client.form("/profile/pin", pin=PIN, pin_again=PIN, proof=PASSWORD).status_code == 303
        assert client.form("/profile/pin", pin="7391", pin_again="7390").status_code == 400
    assert account("nurse").pin_hash.startswith("$argon2id$")


def _registration(client) -> tuple[str, dict[str, str]]:
    """The form of a new patient as it is filled in, and where it goes."""
    page = Page(client.get("/patients/new").get_data(as_text=True))
    form = next(form for form in page.forms if form["method"] == "post" and "last_name" in form["fields"])
    typed = {"first_name": "Fatmata", "last_name": "Bangura", "gender": "female", "date_of_birth": "3 3 1990"}
    return form["action"], form["fields"] | typed | {"password": "never-kept"}


def _meanwhile(**change: object) -> None:
    """The last page that was signed in is locked or ended at the server."""
    row = database.session.scalars(select(UserSession).order_by(UserSession.id.desc())).first()
    for name, value in change.items():
        setattr(row, name, value)
    database.session.commit()


@pytest.mark.parametrize("what", ["locked_at", "ended_at"])
def test_an_interrupted_form_is_saved_for_its_owner_and_sent_again_once(desk, what):
    client = desk("receptionist")
    action, typed = _registration(client)
    _meanwhile(**{what: clock.now()})
    response = client.post(action, data=typed)
    assert response.status_code == 302
    assert "Bangura" not in client.get(response.headers["Location"]).get_data(as_text=True)
    answer = client.form(response.headers["Location"], username="receptionist", password=PASSWORD)
    held = answer.headers["Location"]
    assert held.startswith("/held/")
    assert desk("nurse").get(held).status_code == 404
    waiting = client.get(held).get_data(as_text=True)
    assert "never-kept" not in waiting
    again = next(form for form in Page(waiting).forms if "held" in form["fields"])
    assert (again["fields"]["last_name"], again["fields"]["once"]) == ("Bangura", typed["once"])
    assert client.post(again["action"], data=again["fields"]).status_code == 303
    assert client.get(held).status_code == 404


def test_a_form_from_another_site_is_not_saved(desk):
    client = desk("receptionist")
    _meanwhile(locked_at=clock.now())
    for headers in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}, {}):
        answer = client.post("/patients/new", data={"family_name": "Bangura"}, headers=headers)
        assert answer.headers["Location"] == "/lock"
    assert drafts.recent_drafts(_id("receptionist")) == []


def test_own_devices_are_listed_and_signed_out(desk):
    here, there = desk("doctor"), desk("doctor")
    there.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (Linux; Android 14) Firefox/128.0"
    there.form("/logout")
    _sign_in(there, "doctor")
    assert "Firefox on Android" in said(here.get("/profile/security"))
    other = desk("nurse")
    foreign = actions.list_sessions(_id("nurse"))[0].id
    assert here.post(f"/profile/sessions/{foreign}/end", data=_token(here)).status_code == 404
    assert other.get("/profile").status_code == 200
    assert here.post("/profile/sessions/end-others", data=_token(here)).status_code == 303
    assert there.get("/profile").status_code == 302
    assert here.get("/profile").status_code == 200


def test_an_administrator_ends_the_sessions_of_another_and_a_nurse_does_not(desk, person):
    doctor = desk("doctor")
    with pytest.raises(Exception, match="role"):
        actions.end_all_sessions(_id("doctor"), by=person("nurse"))
    assert doctor.get("/profile").status_code == 200
    assert actions.end_all_sessions(_id("doctor"), by=person("admin")) == 1
    assert doctor.get("/profile").status_code == 302


def test_sessions_of_a_closed_account_stay_ended_after_reopening(desk, account):
    doctor = desk("doctor")
    for is_active in (False, True):
        with action_context("tests.seed", SYSTEM):
            account("doctor").is_active = is_active
        assert doctor.get("/profile").status_code == 302


@pytest.mark.security("I")
def test_a_csrf_token_is_valid_only_in_its_own_session(desk):
    mine, yours = desk("nurse"), desk("nurse")
    stolen = _token(yours)
    assert mine.post("/stay", data=stolen).status_code == 400
    assert mine.post("/stay", data=_token(mine)).status_code == 204


def test_the_cookie_cannot_be_read_by_scripts_nor_sent_by_other_sites(desk):
    client = desk(None)
    cookies = _sign_in(client, "nurse").headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)
