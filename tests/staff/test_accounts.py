"""Accounts: created with a one-time link, corrected, closed and reopened."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from hms.core import clock
from hms.core.audit.models import AuditEntry
from hms.core.errors import Conflict, NotAllowed, NotFound
from hms.staff.accounts import actions as account_actions
from hms.staff.models import OneTimeLink, UserSession
from hms.staff.onboarding import one_time_links
from hms.staff.roles import actions as role_actions
from tests.conftest import PASSWORD
from tests.staff.factories import GOOD, account, role, user, who

pytestmark = pytest.mark.security("C")

NEW = {"first_name": "Fatu", "last_name": "Koroma", "username": "f.koroma", "email": "f.koroma@example.org"}


def _shown_link(page: str) -> str | None:
    match = re.search(r'value="https?://[^/"]+(/welcome/[\w-]{43})"', page)
    return match.group(1) if match else None


def test_a_new_person_chooses_a_password_by_a_link_shown_once(desk):
    admin = desk("admin")
    made = admin.form("/admin/users/new", **NEW, role_id=str(role("nurse").id))
    assert made.status_code == 303
    link = _shown_link(admin.get(made.location).get_data(as_text=True))
    assert link
    assert _shown_link(admin.get(made.location).get_data(as_text=True)) is None

    stranger = desk(None)
    assert "f.koroma" in stranger.get(link).get_data(as_text=True)
    assert stranger.form(link, password="short", again="short").status_code == 400
    assert stranger.form(link, password=GOOD, again=GOOD + "!").status_code == 400
    assert stranger.form(link, password=GOOD, again=GOOD).status_code == 303
    assert stranger.get(link).status_code == 404
    assert stranger.form("/login", username="F.Koroma", password=GOOD).status_code == 303


def test_the_page_and_the_command_say_how_long_a_link_works(app, desk, db):
    admin = desk("admin")
    page = admin.get(admin.form("/admin/users/new", **NEW).location).get_data(as_text=True)
    left = db.session.scalars(select(OneTimeLink)).one().expires_at - clock.now()
    hours = f"{round(left / timedelta(hours=1))} hours"
    assert f"This link works once, for {hours}." in page
    assert f"within {hours} at" in app.test_cli_runner().invoke(args=["create-admin", "josephine"]).output


def test_the_link_is_in_the_trail_and_its_secret_nowhere(desk, db):
    admin = desk("admin")
    page = admin.get(admin.form("/admin/users/new", **NEW).location).get_data(as_text=True)
    secret = _shown_link(page).rpartition("/")[2]
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.entity == "one_time_link")).all()
    assert [entry.action for entry in entries] == ["staff.add_person"]
    row = db.session.scalars(select(OneTimeLink)).one()
    assert secret.encode() not in row.token_hash
    assert all(secret not in str(entry.new) for entry in db.session.scalars(select(AuditEntry)))


def test_an_expired_a_replaced_and_a_closed_accounts_link_look_like_an_unknown_link(desk, db, person):
    nurse = user("nurse")
    first, second = (one_time_links.make_link(nurse.id, by=person("admin")) for _time in range(2))
    assert desk(None).get(f"/welcome/{first}").status_code == 404
    assert desk(None).get(f"/welcome/{second}").status_code == 200
    row = db.session.scalars(select(OneTimeLink).filter_by(ended_at=None)).one()
    assert clock.now() + timedelta(hours=23) < row.expires_at < clock.now() + timedelta(hours=25)
    account_actions.deactivate(nurse.id, by=person("admin"))
    assert desk(None).get(f"/welcome/{second}").status_code == 404
    assert desk(None).get("/welcome/" + "x" * 43).status_code == 404


def test_choosing_a_password_ends_every_session_and_token(desk, program, db, person):
    at_desk, token = desk("nurse"), program("nurse")
    secret = one_time_links.make_link(user("nurse").id, by=person("admin"))
    one_time_links.use_link(secret, password=GOOD)
    assert at_desk.get("/").status_code == 302
    assert token.get("/api/users/me/").status_code == 401
    with pytest.raises(NotFound):
        one_time_links.use_link(secret, password=GOOD)


def test_the_same_submit_sent_twice_makes_one_account(desk, db):
    admin = desk("admin")
    fields = {**_fields(admin, "/admin/users/new"), **NEW}
    first, second = (admin.post("/admin/users/new", data=fields) for _time in range(2))
    assert (first.status_code, second.status_code, first.location) == (303, 303, second.location)


def _fields(client, path):
    from tests.page import Page

    forms = [form for form in Page(client.get(path).get_data(as_text=True)).forms if form["action"] == path]
    return forms[0]["fields"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"username": "ADMIN"}, "A user with that username already exists."),
        ({"username": "two words"}, "no spaces"),
        ({"email": "nowhere"}, "name@example.org"),
        ({"last_name": ""}, "Fill in “Family name”."),
        ({"last_name": "K\u202eoroma"}, "character"),
        ({"role_id": "987654"}, "Not a valid choice"),
    ],
)
def test_an_error_is_shown_at_its_field_and_typed_values_stay(desk, wrong, says):
    answer = desk("admin").form("/admin/users/new", **{**NEW, **wrong})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert says in page
    assert 'value="Fatu"' in page


def test_a_stale_correction_shows_what_the_other_saved(desk):
    admin = desk("admin")
    nurse_id = user("nurse").id
    fields = _fields(admin, f"/admin/users/{nurse_id}/edit")
    assert admin.form(f"/admin/users/{nurse_id}/edit", room="Ward 1").status_code == 303
    late = admin.post(f"/admin/users/{nurse_id}/edit", data={**fields, "once": "another", "room": "Ward 2"})
    page = late.get_data(as_text=True)
    assert late.status_code == 409
    assert "Ward 1" in page
    assert 'value="Ward 2"' in page
    assert user("nurse").room == "Ward 1"


def test_closing_an_account_signs_it_out_at_once_and_it_can_be_reopened(desk, program, db):
    admin, nurse, token = desk("admin"), desk("nurse"), program("nurse")
    nurse_id = user("nurse").id
    address = f"/admin/users/{nurse_id}"
    fields = _close_fields(admin, address)
    assert admin.post(f"{address}/close", data={**fields, "reason": "Left the hospital"}).status_code == 303
    assert nurse.get("/").status_code == 302
    assert token.get("/api/users/me/").status_code == 401
    assert desk(None).form("/login", username="nurse", password=PASSWORD).status_code == 401
    assert "Left the hospital" in admin.get(address).get_data(as_text=True)
    account_actions.reactivate(nurse_id, by=who("admin"))
    assert desk(None).form("/login", username="nurse", password=PASSWORD).status_code == 303


def _close_fields(client, address):
    from tests.page import Page

    forms = Page(client.get(address).get_data(as_text=True)).forms
    return next(form["fields"] for form in forms if form["action"] == f"{address}/close")


def test_nobody_closes_their_own_account(person):
    account("second")
    with pytest.raises(Conflict):
        account_actions.deactivate(user("admin").id, by=person("admin"))


def test_an_unlocked_account_can_sign_in_at_once(desk):
    for _try in range(5):
        desk(None).form("/login", username="nurse", password="wrong")
    assert desk(None).form("/login", username="nurse", password=PASSWORD).status_code == 429
    admin, address = desk("admin"), f"/admin/users/{user('nurse').id}"
    assert "Locked" in admin.get("/admin/users?state=locked").get_data(as_text=True)
    token = _close_fields(admin, address)["csrf_token"]
    assert admin.post(f"{address}/unlock", data={"csrf_token": token}).status_code == 303
    assert desk(None).form("/login", username="nurse", password=PASSWORD).status_code == 303


def test_resetting_a_second_factor_needs_the_administrators_own_password(desk):
    nurse = account("phoneless", "nurse", totp_secret="sealed")
    admin, address = desk("admin"), f"/admin/users/{nurse.id}/reset-second-factor"
    assert admin.form(address, proof="wrong").status_code == 400
    assert user("phoneless").totp_secret is not None
    assert admin.form(address, proof=PASSWORD).status_code == 303
    assert user("phoneless").totp_secret is None


def test_an_account_with_more_permissions_cannot_be_changed(person):
    clerk = role_actions.add_role(name="Clerk", grants=["staff.manage"], by=person("admin"))
    account("clerk", clerk.code)
    for act in (
        one_time_links.make_link,
        account_actions.end_sessions,
        account_actions.deactivate,
        account_actions.reset_second_factor,
    ):
        with pytest.raises(NotAllowed):
            act(user("admin").id, by=who("clerk"))
    with pytest.raises(NotAllowed):
        account_actions.change_person(user("admin").id, email="mine@example.org", by=who("clerk"))
    assert one_time_links.make_link(user("nurse").id, by=who("clerk"))


def test_people_are_found_filtered_and_paged(desk, db):
    for number in range(30):
        account(f"porter{number:02}", None, last_name=f"Porter{number:02}")
    admin = desk("admin")
    first = admin.get("/admin/users?q=porter").get_data(as_text=True)
    assert (first.count('data-ux="user-row"'), "Porter24" in first, "Porter25" in first) == (25, True, False)
    following = re.search(r'href="(/admin/users\?[^"]*after=\d+[^"]*)"', first).group(1).replace("&amp;", "&")
    assert admin.get(following).get_data(as_text=True).count('data-ux="user-row"') == 5
    assert admin.queries("/admin/users?q=porter") <= admin.queries("/admin/users?q=Nurse")


def test_signing_out_everywhere_ends_the_session(desk, db):
    nurse = desk("nurse")
    account_actions.end_sessions(user("nurse").id, by=who("admin"))
    assert nurse.get("/").status_code == 302
    assert db.session.scalars(select(UserSession).filter_by(user_id=user("nurse").id, ended_at=None)).all() == []
