"""Actions: allowed, one transaction, named in the trail, announced only when committed."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from hms.core.actions import action_context, after_commit, audit_nested_actions
from hms.core.audit import chain
from hms.core.audit.models import AuditEntry
from hms.core.errors import NotAllowed, RuleBroken
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.local.servers.postgres import APPLICATION, OWNER
from hms.staff.models import Department


@pytest.mark.security("A")
def test_an_action_without_the_grant_is_refused(person):
    with pytest.raises(NotAllowed):
        settings.change_setting("hospital.name", "Other", by=person("cashier"))


@pytest.mark.security("O")
def test_a_change_is_in_the_trail_with_old_and_new_value(db, person):
    settings.change_setting("hospital.name", "Hill Hospital", by=person("admin"))
    settings.change_setting("hospital.name", "Bay Hospital", by=person("admin"))
    entries = db.session.scalars(select(AuditEntry).filter_by(entity="system_setting").order_by(AuditEntry.id)).all()
    assert [(e.action, e.actor_name) for e in entries] == [("core.change_setting", "admin")] * 2
    assert entries[1].old == {"value": "Hill Hospital"}
    assert entries[1].new == {"value": "Bay Hospital"}


@pytest.mark.security("O")
def test_nested_actions_are_audited_under_their_own_names(db, person):
    department = Department(name="Ward")
    with action_context("tests.whole", SYSTEM):
        db.session.add(department)
        with audit_nested_actions():
            settings.change_setting("hospital.name", "Hill Hospital", by=person("admin"))
        department.name = "Ward 1"
    entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(3)).all()
    assert [(one.entity, one.action, one.new.get("name")) for one in reversed(entries)] == [
        ("department", "tests.whole", "Ward"),
        ("system_setting", "core.change_setting", None),
        ("department", "tests.whole", "Ward 1"),
    ]


@pytest.mark.security("O")
def test_a_write_outside_of_any_action_is_refused_by_the_database(real_app):
    from hms.core.db.session import db

    with pytest.raises(DBAPIError, match="outside of any action"):
        db.session.execute(text("INSERT INTO department (name, is_active, version) VALUES ('Ward', true, 1)"))
    db.session.rollback()


@pytest.mark.security("O")
def test_the_trail_cannot_be_rewritten(db, person):
    settings.change_setting("hospital.name", "Hill Hospital", by=person("admin"))
    chain.seal_pending()
    for role, refusal in ((APPLICATION, "permission denied"), (OWNER, "permanent")):
        db.session.execute(text(f"SET ROLE {role}"))
        for change in ("UPDATE audit_entry SET actor_name = 'nobody'", "DELETE FROM audit_seal", "TRUNCATE audit_seal"):
            with pytest.raises(DBAPIError, match=refusal), db.session.begin_nested():
                db.session.execute(text(change))


@pytest.mark.security("A")
def test_the_application_role_cannot_alter_tables_or_disable_triggers(db):
    for change in (
        "ALTER TABLE audit_entry DISABLE TRIGGER permanent",
        "DROP TRIGGER permanent ON audit_entry",
        "SET session_replication_role = replica",
        "CREATE TABLE kept_aside (id int)",
        "DROP TABLE audit_seal",
        "UPDATE alembic_version SET version_num = '0001'",
        "ALTER ROLE hms_app SUPERUSER",
    ):
        with (
            pytest.raises(DBAPIError, match="permission denied|must be owner|ust be superuser"),
            db.session.begin_nested(),
        ):
            db.session.execute(text(change))


@pytest.mark.security("O")
def test_a_refused_action_saves_nothing_and_publishes_no_event(db):
    heard = []

    def add_and_fail():
        with action_context("tests.fail", SYSTEM):
            db.session.add(Department(name="Ward 9"))
            db.session.flush()
            after_commit(lambda: heard.append(1))
            raise RuleBroken("no")

    with pytest.raises(RuleBroken):
        add_and_fail()
    assert heard == []
    assert db.session.scalars(select(Department).filter_by(name="Ward 9")).all() == []


def test_a_failed_announcement_does_not_undo_what_was_saved(db, caplog):
    with action_context("tests.add", SYSTEM):
        db.session.add(Department(name="Ward 9"))
        after_commit(lambda: 1 / 0)
    assert db.session.scalars(select(Department.name).filter_by(name="Ward 9")).one() == "Ward 9"
    assert "a step after the commit failed" in caplog.text


def test_unknown_settings_and_wrong_types_are_refused(person):
    for key, value in (
        ("no.such", 1),
        ("staff.idle_minutes", "soon"),
        ("staff.idle_minutes", 4),
        ("staff.registration_open", []),
    ):
        with pytest.raises(RuleBroken):
            settings.change_setting(key, value, by=person("admin"))
