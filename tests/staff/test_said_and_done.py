"""Messages of success of accounts, roles and one's own profile say what the rows say, and no more."""

from __future__ import annotations

from io import BytesIO

from PIL import Image
from sqlalchemy import select

from hms.core.db.session import db as database
from hms.staff.models import Department, Role, RoleChangeRequest, UserSession
from hms.staff.onboarding import one_time_links
from hms.staff.sessions import pins
from tests.conftest import PASSWORD
from tests.page import Page, said, words
from tests.staff.conftest import code_now, give_second_factor
from tests.staff.factories import GOOD, account, role, user

PIN = "4827"


def _live_sessions(username: str) -> int:
    rows = select(UserSession).filter_by(user_id=user(username).id, ended_at=None)
    return len(database.session.scalars(rows.execution_options(populate_existing=True)).all())


def test_each_message_about_an_account_is_about_a_row(desk, person):
    admin, nurse = desk("admin"), user("nurse")
    page = f"/admin/users/{nurse.id}"
    assert "Account saved." in said(admin, f"{page}/edit", "/edit", room="Ward 1")
    assert user("nurse").room == "Ward 1"
    desk("nurse")
    assert _live_sessions("nurse") == 1
    assert "Signed out everywhere." in said(admin, page, to=f"{page}/sign-out")
    assert _live_sessions("nurse") == 0
    for _try in range(12):
        desk(None).form("/login", username="nurse", password="wrong")
    assert desk(None).form("/login", username="nurse", password=PASSWORD).status_code == 429
    assert "Account unlocked." in said(admin, page, to=f"{page}/unlock")
    assert desk(None).form("/login", username="nurse", password=PASSWORD).status_code == 303
    closed = said(admin, page, "/close", reason="On leave")
    assert "Account closed. The person is signed out everywhere." in closed
    assert (user("nurse").is_active, _live_sessions("nurse")) == (False, 0)
    assert "Account opened." in said(admin, page, "/open")
    assert user("nurse").is_active
    give_second_factor("nurse")
    shown = said(admin, f"{page}/reset-second-factor", proof=PASSWORD)
    assert "Second factor reset. The person signs in with the password and sets it up again." in shown
    assert not user("nurse").two_factor_enabled
    secret = one_time_links.make_link(nurse.id, by=person("admin"))
    chosen = said(desk(None), f"/welcome/{secret}", password=GOOD, again=GOOD)
    assert "Password saved. Sign in with it now." in chosen
    assert desk(None).form("/login", username="nurse", password=GOOD).status_code == 303


def test_each_message_about_departments_is_about_a_row(desk, db):
    admin = desk("admin")
    assert "Department Surgery saved." in said(admin, "/admin/departments/new", name="Surgery")
    row = database.session.scalars(select(Department).filter_by(name="Surgery")).one()
    page = f"/admin/departments/{row.id}"
    assert "Department closed." in said(admin, page, "/close")
    assert not database.session.get(Department, row.id, populate_existing=True).is_active
    assert "Department reopened." in said(admin, page, "/reopen")
    assert database.session.get(Department, row.id, populate_existing=True).is_active


def test_each_message_about_roles_is_about_a_row(desk, db):
    admin = desk("admin")
    assert "Role Porter created. Tick its permissions." in said(admin, "/admin/roles/new", name="Porter")
    porter = database.session.scalars(select(Role).filter_by(name="Porter")).one()
    assert porter.grants == []
    page = f"/admin/roles/{porter.id}"
    assert "Role saved." in said(admin, page, description="Carries things")
    assert database.session.get(Role, porter.id, populate_existing=True).description == "Carries things"
    assert "Role closed." in said(admin, page, to=f"{page}/put-away")
    assert not database.session.get(Role, porter.id, populate_existing=True).is_active
    assert "Role reopened." in said(admin, page, to=f"{page}/take-up")
    assert database.session.get(Role, porter.id, populate_existing=True).is_active
    lab = role("lab")
    less = [name for name in lab.grants if name != "lab.enter_result"]
    sent = {"seen": f"{lab.id}:{lab.version}", "grant": [f"{lab.id}:{name}" for name in less]}
    review = admin.post("/admin/roles", data=_token(admin) | sent)
    fields = next(form for form in Page(review.get_data(as_text=True)).forms if form["action"] == "/admin/roles")
    saved = admin.post("/admin/roles", data=fields["fields"] | sent | {"reviewed": "y"})
    assert saved.status_code == 303
    shown = words(admin.get(saved.location).get_data(as_text=True))
    assert "Saved. It applies from the next page each person opens." in shown
    assert set(role("lab").grants) == set(less)
    assert "Default permissions restored." in said(admin, f"/admin/roles/{lab.id}", to=f"/admin/roles/{lab.id}/reset")
    assert "lab.enter_result" in role("lab").grants


def _token(client) -> dict[str, str]:
    posts = [
        form for form in Page(client.get("/admin/roles/new").get_data(as_text=True)).forms if form["method"] == "post"
    ]
    return {"csrf_token": posts[0]["fields"]["csrf_token"]}


def _request() -> RoleChangeRequest:
    newest = select(RoleChangeRequest).order_by(RoleChangeRequest.id.desc()).limit(1)
    return database.session.scalars(newest.execution_options(populate_existing=True)).unique().one()


def test_each_message_about_role_requests_is_about_a_row(desk, db):
    mine, admin = desk("receptionist"), desk("admin")

    def send(wanted: str) -> str:
        return said(mine, "/profile/role", requested_role_id=str(role(wanted).id), reason="Covering December")

    assert "Request sent. You will get an alert when it is decided." in send("cashier")
    assert (_request().status, _request().requested_role_id) == ("pending", role("cashier").id)
    assert "Request saved." in said(mine, f"/profile/role/{_request().id}", reason="Covering all of December")
    assert _request().reason == "Covering all of December"
    assert "Request withdrawn." in said(mine, "/profile/role", "/withdraw")
    assert _request().status == "withdrawn"
    send("cashier")
    rejected = said(
        admin, "/admin/role-requests", f"/{_request().id}", answer="reject", admin_response="Enough cashiers"
    )
    assert "Rejected." in rejected
    assert (_request().status, user("receptionist").role.code) == ("rejected", "receptionist")
    assert "Request removed from the list." in said(
        admin, "/admin/role-requests", to=f"/admin/role-requests/{_request().id}/archive"
    )
    assert _request().archived_at is not None
    send("cashier")
    approved = said(admin, "/admin/role-requests", f"/{_request().id}", answer="approve")
    assert "Approved. The new role applies from the next page the person opens." in approved
    assert (_request().status, user("receptionist").role.code) == ("approved", "cashier")
    account("second")
    said(desk("lab"), "/profile/role", requested_role_id=str(role("admin").id), reason="Head of the hospital")
    half = said(admin, "/admin/role-requests", f"/{_request().id}", answer="approve")
    assert "Your approval is saved. Another administrator must also approve." in half
    assert (_request().status, user("lab").role.code) == ("pending", "lab")


def test_each_message_about_oneself_is_about_a_row(desk, db):
    nurse = desk("nurse")
    assert "Preferences saved." in said(nurse, "/profile", "/profile", theme="dark")
    assert user("nurse").preferences["theme"] == "dark"
    assert "Name saved." in said(nurse, "/profile/name", title="Sr", first_name="Nana", last_name="Sesay")
    assert user("nurse").first_name == "Nana"
    shown = said(nurse, "/profile/email", email="n@example.org", current=PASSWORD)
    assert "E-mail address saved." in shown
    assert user("nurse").email == "n@example.org"
    picture = BytesIO()
    Image.new("RGB", (64, 64), "teal").save(picture, "PNG")
    picture.seek(0)
    assert "Picture saved." in said(nurse, "/profile/photo", photo=(picture, "me.png"))
    assert nurse.get(f"/people/{user('nurse').id}/photo").status_code == 200
    assert "Picture removed." in said(nurse, "/profile/photo", to="/profile/photo/remove")
    assert nurse.get(f"/people/{user('nurse').id}/photo").status_code == 404


def test_each_message_about_ones_sessions_is_about_a_row(desk, db):
    other, third = desk("nurse"), desk("nurse")
    here = desk(None)
    here.form("/login", username="nurse", password=PASSWORD)
    assert _live_sessions("nurse") == 3
    ended = said(here, "/profile/security", to=f"/profile/sessions/{_session_of(other)}/end")
    assert "Device signed out." in ended
    assert _live_sessions("nurse") == 2
    assert "Other devices signed out: 1." in said(here, "/profile/security", to="/profile/sessions/end-others")
    assert (_live_sessions("nurse"), third.get("/profile").status_code) == (1, 302)
    desk("nurse")
    shown = said(here, "/profile/password", current=PASSWORD, password=GOOD, again=GOOD)
    assert "Password changed. You were signed out on all other devices." in shown
    assert _live_sessions("nurse") == 1
    assert desk(None).form("/login", username="nurse", password=GOOD).status_code == 303


def _session_of(client) -> int:
    client.get("/profile")
    query = select(UserSession.id).filter_by(user_id=user("nurse").id, ended_at=None).order_by(UserSession.id)
    return database.session.scalars(query).first()


def test_each_message_about_pin_and_second_factor_is_about_a_row(desk, person):
    pc = desk(None)
    pc.form("/login", username="nurse", password=PASSWORD)
    shown = said(pc, "/profile/pin", pin=PIN, pin_again=PIN)
    assert "PIN saved. It unlocks pages on PCs where you signed in with your password in the last 12 hours." in shown
    assert user("nurse").pin_hash is not None
    assert "PIN removed. Use your password to unlock." in said(pc, "/profile/pin", to="/profile/pin/drop")
    assert user("nurse").pin_hash is None
    phone = give_second_factor("receptionist")
    at = desk("receptionist")
    off = said(at, "/profile/second-factor/off", password=PASSWORD, otp=code_now(phone))
    assert "Second factor switched off. You now sign in with your password only." in off
    assert not user("receptionist").two_factor_enabled


def test_who_unlocks_a_shared_pc_with_a_pin_is_signed_in(desk, person):
    pc = desk(None)
    for username in ("doctor", "nurse"):
        pins.set_pin(pin=PIN, by=person(username))
        pc.form("/login", username=username, password=PASSWORD)
        if username == "doctor":
            pc.form("/logout")
    pc.post("/lock", data=_lock_token(pc))
    shown = said(pc, "/lock", who=str(user("doctor").id), pin=PIN)
    assert f"Signed in as {user('doctor').display_name}." in shown
    assert _live_sessions("doctor") == 1


def _lock_token(client) -> dict[str, str]:
    page = Page(client.get("/profile").get_data(as_text=True))
    return next(form["fields"] for form in page.forms if form["action"].startswith("/lock"))
