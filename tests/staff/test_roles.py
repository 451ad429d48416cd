"""Roles: the permission matrix, changes that apply from the next request, and the last administrator."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from hms.core.actions import action_context
from hms.core.audit.models import AuditEntry
from hms.core.errors import Conflict, NotAllowed, RuleBroken
from hms.core.permissions import Permission
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.staff.roles import actions, assignment
from tests.page import Page
from tests.staff.factories import account, defaults, role, user, who

pytestmark = pytest.mark.security("C")


def _matrix_form(client, part="admin"):
    """What a browser sends from one part of the matrix: every ticked box and every version seen."""
    return _sent_from(client.get(f"/admin/roles?part={part}").get_data(as_text=True))


def _sent_from(page):
    inputs = _Inputs(page)
    return {"csrf_token": inputs.single["csrf_token"], **inputs.many}


class _Inputs(Page):
    def __init__(self, html):
        self.single, self.many = {}, {"seen": [], "opened": [], "grant": []}
        super().__init__(html)

    def _field(self, tag, attributes):
        super()._field(tag, attributes)
        if attributes["name"] in self.many and (attributes.get("type") != "checkbox" or "checked" in attributes):
            self.many[attributes["name"]].append(attributes["value"])
        else:
            self.single[attributes["name"]] = attributes.get("value")


def test_a_tick_is_reviewed_audited_and_applies_from_the_next_request(desk, program, db):
    admin, cashier = desk("admin"), program("cashier")
    assert cashier.get("/api/audit-logs/").status_code == 403
    sent = _matrix_form(admin)
    sent["grant"].append(f"{role('cashier').id}:admin.read_audit")
    review = admin.post("/admin/roles", data=sent)
    assert "Read the audit trail" in review.get_data(as_text=True)
    assert cashier.get("/api/audit-logs/").status_code == 403
    saved = admin.post("/admin/roles", data={**sent, "reviewed": "1"})
    assert saved.status_code == 303
    assert cashier.get("/api/audit-logs/").status_code == 200
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "staff.grants_changed")).one()
    assert entry.new == {"role": "Cashier", "given": ["admin.read_audit"], "taken": []}


def test_two_administrators_ticking_at_once_do_not_undo_each_other(desk):
    admin = desk("admin")
    mine = _matrix_form(admin)
    actions.change_role(role("cashier").id, grants=[*role("cashier").grants, "admin.read_sign_ins"], by=who("admin"))
    mine["grant"].append(f"{role('cashier').id}:admin.read_audit")
    late = admin.post("/admin/roles", data={**mine, "reviewed": "1"})
    assert late.status_code == 409
    page = late.get_data(as_text=True)
    assert ("Read the audit trail" in page, "Removed permissions" in page) == (True, False)
    assert admin.post("/admin/roles", data={**_sent_from(page), "reviewed": "1"}).status_code == 303
    assert {"admin.read_audit", "admin.read_sign_ins"} <= set(role("cashier").grants)


def test_the_grants_of_the_last_administrator_stay(desk, person):
    admin_role = role("admin")
    for lost in ("staff.manage", "staff.manage_roles"):
        with pytest.raises(Conflict) as refused:
            actions.change_role(admin_role.id, grants=set(admin_role.grants) - {lost}, by=person("admin"))
        assert refused.value.code == "last_administrator"
    sent = _matrix_form(desk("admin"), "staff")
    sent["grant"].remove(f"{admin_role.id}:staff.manage_roles")
    refused = desk("admin").post("/admin/roles", data={**sent, "reviewed": "1"})
    assert refused.status_code in (400, 409)
    assert "staff.manage_roles" in role("admin").grants


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE app_user SET is_active = false WHERE username = 'admin'",
        "UPDATE app_user SET role_id = NULL WHERE username = 'admin'",
        "UPDATE role SET grants = '{staff.manage}' WHERE code = 'admin'",
    ],
)
def test_a_hand_written_statement_cannot_remove_the_last_administrator(db, seeding, statement):
    with pytest.raises(DBAPIError, match="nobody would be left"):
        db.session.execute(text(statement))
    db.session.rollback()


def test_a_role_is_added_renamed_and_closed(program):
    admin = program("admin")
    made = admin.post("/api/roles/", json={"name": "Porter", "permissions": ["patients.find", "staff.read"]})
    assert made.status_code == 201
    address = f"/api/roles/{made.json['id']}/"
    assert admin.post("/api/roles/", json={"name": "porter"}).json == {
        "name": ["A role with this name already exists."]
    }
    assert admin.put(address, json={"name": "Porters"}).json["permissions"] == ["patients.find", "staff.read"]
    account("p.orter", role=None)
    assignment.assign_role(user("p.orter").id, made.json["id"], by=who("admin"))
    assert admin.delete(address).status_code == 409
    assignment.assign_role(user("p.orter").id, role("nurse").id, by=who("admin"))
    assert admin.delete(address).status_code == 204
    assert admin.get(address).status_code == 404


def test_a_built_in_role_keeps_its_name_and_is_reset(program, person):
    cashier = role("cashier")
    with pytest.raises(Conflict):
        actions.change_role(cashier.id, name="Till", by=person("admin"))
    with pytest.raises(Conflict):
        actions.deactivate_role(cashier.id, by=person("admin"))
    actions.change_role(cashier.id, grants=["patients.find"], by=person("admin"))
    actions.reset_role(cashier.id, by=person("admin"))
    assert set(role("cashier").grants) == defaults("cashier")


@pytest.mark.parametrize("grants", [["no.such"], ["public"], ["signed_in"]])
def test_unknown_permissions_are_refused(program, grants):
    answer = program("admin").post("/api/roles/", json={"name": "Odd", "permissions": grants})
    assert (answer.status_code, list(answer.json)) == (400, ["permissions"])


def test_the_patient_role_gets_no_staff_permission(person):
    with pytest.raises(RuleBroken):
        actions.change_role(role("patient").id, grants=["patients.find"], by=person("admin"))


def test_nobody_gives_a_permission_they_do_not_have(person):
    clerk = actions.add_role(name="Clerk", grants=["staff.manage_roles"], by=person("admin"))
    account("clerk", clerk.code)
    with pytest.raises(NotAllowed):
        actions.change_role(clerk.id, grants=["staff.manage_roles", "staff.manage"], by=who("clerk"))
    with pytest.raises(NotAllowed):
        actions.change_role(clerk.id, grants=[], by=who("nurse"))


def test_one_administrator_cannot_add_administrator_permissions_to_a_role_in_use(person):
    account("second")
    with pytest.raises(Conflict) as refused:
        actions.change_role(role("nurse").id, grants=[*role("nurse").grants, "staff.manage"], by=person("admin"))
    assert refused.value.code == "needs_second"
    settings.change_setting("staff.two_person_admin_grant", False, by=person("admin"))
    settings.clear_cache()
    actions.change_role(role("nurse").id, grants=[*role("nurse").grants, "staff.manage"], by=person("admin"))


def test_a_new_permission_is_added_to_built_in_roles_once(person, db):
    nurse = role("nurse")
    with action_context("tests.seed", SYSTEM):
        nurse.offered = sorted(set(nurse.offered) - {Permission.CHECK_IN.value})
        nurse.grants = sorted(set(nurse.grants) - {Permission.CHECK_IN.value, Permission.BOOK.value})
    with action_context("tests.install", SYSTEM):
        actions.install_roles(by=SYSTEM)
    grants = set(role("nurse").grants)
    assert Permission.CHECK_IN.value in grants
    assert Permission.BOOK.value not in grants


def test_each_part_of_the_matrix_keeps_the_others(desk):
    admin, kept = desk("admin"), set(role("nurse").grants)
    sent = _matrix_form(admin, "patients")
    sent["grant"].remove(f"{role('nurse').id}:patients.find")
    assert admin.post("/admin/roles", data={**sent, "reviewed": "1"}).status_code == 303
    assert set(role("nurse").grants) == kept - {"patients.find"}
    for part in ("patients", "clinical", "admin", "no such part"):
        page = admin.get(f"/admin/roles?part={part}").get_data(as_text=True)
        assert len(re.findall(r"<[a-z]", page)) < 800
