"""Requests for roles: asked with a reason, answered by another, two for an administrator; felt at the next request."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from hms.core.actions import action_context
from hms.core.errors import Conflict, NotAllowed, NotFound, RuleBroken
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.messages.models import Notification
from hms.staff.models import RoleChangeRequest
from hms.staff.role_requests import actions as role_request_actions
from hms.staff.roles import actions as role_actions
from hms.staff.roles import assignment
from tests.staff.factories import account, role, user, who

pytestmark = pytest.mark.security("C")

PATH = "/api/role-change-requests/"


def _ask(program, username="receptionist", wanted="cashier"):
    asked = program(username).post(PATH, json={"requested_role_id": role(wanted).id, "reason": "Covering December"})
    assert asked.status_code == 201
    return asked.json


def test_a_request_is_seen_answered_and_counts_at_the_next_request(program):
    request = _ask(program)
    assert (request["status"], request["requested_role"]["name"]) == ("pending", "Cashier")
    token, admin = program("receptionist"), program("admin")
    assert token.get("/api/report/billing-stats/").status_code == 200
    assert admin.post(f"{PATH}{request['id']}/approve/", json={"admin_response": "ok"}).json == {"status": "approved"}
    assert user("receptionist").role.name == "Cashier"
    late = admin.post(f"{PATH}{request['id']}/approve/", json={"admin_response": "ok"})
    assert (late.status_code, late.json["code"]) == (409, "already_reviewed")
    seen = program("receptionist").get(f"{PATH}{request['id']}/").json
    assert (seen["status"], seen["admin_response"], seen["reviewed_by"]) == ("approved", "ok", user("admin").id)


def test_the_page_shows_the_difference_and_a_rejection_says_why(desk, program):
    request = _ask(program)
    admin = desk("admin")
    page = admin.get("/admin/role-requests").get_data(as_text=True)
    assert "See takings in reports" in page.split("Gains:")[1].split("</p>")[0]
    assert "Register patients" in page.split("Loses:")[1].split("</p>")[0]
    path = f"/admin/role-requests/{request['id']}"
    silent = admin.form("/admin/role-requests", answer="reject")
    assert silent.status_code == 400
    assert "Enter the reason" in silent.get_data(as_text=True)
    assert (
        admin.form("/admin/role-requests", answer="reject", admin_response="We have enough cashiers").status_code == 303
    )
    mine = desk("receptionist").get("/profile/role").get_data(as_text=True)
    assert "We have enough cashiers" in mine
    assert admin.post(path, data={}).status_code in (400, 409)


def test_others_requests_are_not_there(program):
    request = _ask(program)
    nurse = program("nurse")
    assert nurse.get(PATH).json == []
    for answer in (
        nurse.get(f"{PATH}{request['id']}/"),
        nurse.put(f"{PATH}{request['id']}/", json={"reason": "mine"}),
        nurse.post(f"{PATH}{request['id']}/withdraw/"),
        program("admin").put(f"{PATH}{request['id']}/", json={"reason": "theirs"}),
    ):
        assert answer.status_code == 404


def test_only_reason_and_role_change_and_only_while_it_waits(program):
    request = _ask(program)
    token = program("receptionist")
    sent = {"reason": "Better reason", "status": "approved", "admin_response": "yes", "user": 1}
    changed = token.put(f"{PATH}{request['id']}/", json=sent).json
    assert (changed["reason"], changed["status"], changed["admin_response"]) == ("Better reason", "pending", "")
    stale = token.put(f"{PATH}{request['id']}/", json={"reason": "x"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json["reason"]) == (412, "Better reason")
    assert token.post(f"{PATH}{request['id']}/withdraw/").json == {"status": "withdrawn"}
    assert token.put(f"{PATH}{request['id']}/", json={"reason": "late"}).status_code == 409


def test_asking_twice_for_the_same_role_is_told(program):
    _ask(program)
    again = program("receptionist").post(PATH, json={"requested_role_id": role("cashier").id, "reason": "again"})
    assert (again.status_code, again.json["code"]) == (409, "already_asked")
    missing = program("receptionist").post(PATH, json={"requested_role_id": 999, "reason": "x"})
    assert (missing.status_code, missing.json) == (
        400,
        {"requested_role_id": ['Invalid pk "999" - object does not exist.']},
    )


def test_what_was_typed_is_kept_when_the_reason_is_missing(desk):
    answer = desk("receptionist").form("/profile/role", requested_role_id=str(role("lab").id), reason=" ")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert f'selected value="{role("lab").id}"' in page


def test_somebody_without_a_role_asks_for_one_and_for_nothing_else(desk, program):
    assert (
        desk("norole").form("/profile/role", requested_role_id=str(role("lab").id), reason="New here").status_code
        == 303
    )
    assert program("norole").get(PATH).json[0]["status"] == "pending"
    assert program("norole").get("/api/users/").status_code == 403
    role_request_actions.approve_request(program("norole").get(PATH).json[0]["id"], by=who("admin"))
    assert program("norole").get("/api/users/").status_code == 200


def test_nobody_decides_their_own(program, desk, db):
    account("second")
    own = _ask(program, "admin", "doctor")
    for answer in ("approve", "reject"):
        refused = program("admin").post(f"{PATH}{own['id']}/{answer}/", json={})
        assert (refused.status_code, refused.json["code"]) == (409, "own_request")
    assert "your own request" in desk("admin").get("/admin/role-requests").get_data(as_text=True)
    with pytest.raises(Conflict):
        assignment.assign_role(user("admin").id, role("doctor").id, by=who("admin"))


def test_the_database_knows_that_nobody_decides_their_own(program, db):
    own = _ask(program)
    decided = "UPDATE role_change_request SET status = 'approved', reviewed_at = now(), reviewed_by_id = user_id WHERE id = :id"
    with (
        pytest.raises(RuleBroken, match="You cannot decide on your own request"),
        action_context("tests.cheat", who("receptionist")),
    ):
        db.session.execute(text(decided), {"id": own["id"]})


def test_an_answered_request_is_final(program, db):
    request = _ask(program)
    role_request_actions.reject_request(request["id"], admin_response="no", by=who("admin"))
    with pytest.raises(Conflict, match="cannot be changed"), action_context("tests.cheat", SYSTEM):
        db.session.execute(text("UPDATE role_change_request SET status = 'pending', reviewed_at = NULL"))


def test_a_new_administrator_needs_two_and_the_first_cannot_be_the_second(program, db):
    account("second")
    request = _ask(program, "nurse", "admin")
    first = program("admin").post(f"{PATH}{request['id']}/approve/", json={"admin_response": "trusted"})
    assert first.json == {"status": "pending"}
    assert user("nurse").role.code == "nurse"
    again = program("admin").post(f"{PATH}{request['id']}/approve/", json={})
    assert (again.status_code, again.json["code"]) == (409, "needs_second")
    changed = program("nurse").put(f"{PATH}{request['id']}/", json={"requested_role_id": role("lab").id})
    assert changed.status_code == 409
    assert program("second").post(f"{PATH}{request['id']}/approve/", json={}).json == {"status": "approved"}
    assert user("nurse").role.code == "admin"


def test_giving_it_directly_needs_two_as_well(program):
    account("second")
    sent = {"user_id": user("nurse").id, "role_id": role("admin").id}
    assert (
        program("admin").post(f"{PATH}assign_role/", json=sent).json["status"] == "waiting for a second administrator"
    )
    assert user("nurse").role.code == "nurse"
    assert program("second").post(f"{PATH}assign_role/", json=sent).json == {"status": "role assigned", "role": "Admin"}
    assert user("nurse").role.code == "admin"


def test_the_only_administrator_decides_alone_and_so_do_all_when_the_setting_is_off(program, person):
    sent = {"user_id": user("nurse").id, "role_id": role("admin").id}
    assert program("admin").post(f"{PATH}assign_role/", json=sent).json["status"] == "role assigned"
    settings.change_setting("staff.two_person_admin_grant", False, by=person("admin"))
    settings.clear_cache()
    sent["user_id"] = user("lab").id
    assert program("admin").post(f"{PATH}assign_role/", json=sent).json["status"] == "role assigned"


def test_direct_assignment_takes_effect_at_the_next_request_and_tells_the_person(program, db):
    token = program("cashier")
    assert token.get("/api/payments/1/").status_code == 404
    sent = {"user_id": user("cashier").id, "role_id": role("lab").id}
    assert program("admin").post(f"{PATH}assign_role/", json=sent).json == {"status": "role assigned", "role": "Lab"}
    told = db.session.scalars(select(Notification).filter_by(user_id=user("cashier").id)).one()
    assert told.title == "Your role is now Lab. Reload the page to see your new menu."
    assert program("cashier").get("/api/payments/1/").status_code == 403
    assert program("admin").post(f"{PATH}assign_role/", json={**sent, "role_id": 999}).status_code == 404


def test_a_role_put_away_is_not_asked_for(program, person):
    porter = role_actions.add_role(name="Porter", by=person("admin"))
    role_actions.deactivate_role(porter.id, by=person("admin"))
    with pytest.raises(RuleBroken):
        role_request_actions.request_role(requested_role_id=porter.id, reason="x", by=person("nurse"))


def test_those_who_answer_are_told_and_a_removed_request_is_off_the_list(program, db):
    request = _ask(program)
    told = db.session.scalars(select(Notification.title).filter_by(user_id=user("admin").id)).all()
    assert told == ["New role request."]
    assert program("admin").delete(f"{PATH}{request['id']}/").status_code == 204
    assert program("admin").get(f"{PATH}{request['id']}/").status_code == 404
    assert db.session.get(RoleChangeRequest, request["id"]).status == "withdrawn"


def test_only_those_who_may_answer_do(program, person):
    request = _ask(program)
    with pytest.raises(NotAllowed):
        role_request_actions.approve_request(request["id"], by=person("nurse"))
    with pytest.raises(NotFound):
        role_request_actions.approve_request(987654321, by=person("admin"))


@pytest.mark.parametrize(
    ("username", "statement"),
    [
        ("admin", "UPDATE app_user SET role_id = (SELECT id FROM role WHERE code = 'admin') WHERE username = 'nurse'"),
        ("nurse", "UPDATE app_user SET role_id = (SELECT id FROM role WHERE code = 'admin') WHERE username = 'nurse'"),
        ("admin", "UPDATE role SET grants = array_append(grants, 'staff.manage') WHERE code = 'nurse'"),
        ("admin", "UPDATE role_change_request SET first_approver_id = (SELECT id FROM app_user WHERE username = 'second')"),
        (
            "admin",
            "UPDATE role_change_request SET status = 'approved', reviewed_at = now(),"
            " reviewed_by_id = (SELECT id FROM app_user WHERE username = 'second')",
        ),
        ("admin", "INSERT INTO one_time_link (user_id, purpose, token_hash, expires_at, made_by_id)"
         " SELECT a.id, 'password', 'x', now(), b.id FROM app_user a, app_user b"
         " WHERE a.username = 'nurse' AND b.username = 'second'"),
    ],
)  # fmt: skip
@pytest.mark.security("C")
def test_the_database_makes_no_administrator_for_one_person(program, db, username, statement):
    account("second")
    _ask(program, "nurse", "admin")
    with pytest.raises(Conflict), action_context("tests.cheat", who(username)):
        db.session.execute(text(statement))
    assert user("nurse").role.code == "nurse"
