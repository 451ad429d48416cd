"""Changes of the audit trail made with all database rights and without triggers are found and reported."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import create_engine, func, select, text

from hms.core.audit import chain, checkpoints, recording
from hms.core.audit.models import AuditEntry, AuditSeal
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.local.servers.postgres import APPLICATION

pytestmark = pytest.mark.security("O")


@pytest.fixture
def trail(db, person) -> list[int]:
    """Ids of twelve sealed entries in a row: ten changes, and a chart that was opened twice."""
    for number in range(10):
        settings.change_setting("hospital.name", f"Hospital {number}", by=person("admin"))
    for _ in range(2):
        recording.record("clinical.open_chart", person("doctor"), entity="patient", entity_id=7, patient_id=7)
    database.session.commit()
    chain.seal_pending()
    assert chain.verify().fault is None
    return list(database.session.scalars(select(AuditEntry.id).order_by(AuditEntry.id.desc()).limit(12)))[::-1]


def as_superuser(*statements: str, **values: object) -> None:
    """Run statements with all rights and without triggers, which no program has."""
    database.session.execute(text("RESET ROLE"))
    database.session.execute(text("SET LOCAL session_replication_role = replica"))
    for statement in statements:
        database.session.execute(text(statement), values)
    database.session.execute(text("SET LOCAL session_replication_role = origin"))
    database.session.execute(text(f"SET ROLE {APPLICATION}"))


COLUMNS = "recorded_at, action, actor_id, actor_name, actor_role, entity, entity_id, patient_id, new, ticket, signature"
COPY = f"INSERT INTO audit_entry ({COLUMNS}) SELECT {COLUMNS} FROM audit_entry WHERE id = :one"  # noqa: S608 - constants


@pytest.mark.parametrize(
    "edit",
    [
        "actor_name = 'somebody'",
        "actor_id = NULL",
        "recorded_at = recorded_at + interval '1 second'",
        "action = 'clinical.sign'",
        "new = jsonb_set(new, '{value}', '\"Other\"')",
        "old = NULL",
        "ip = '10.0.0.1'",
        "purpose = 'BTG'",
        "outcome = 'denied'",
        "patient_id = 8",
    ],
)
def test_an_edit_names_the_entry(trail, edit):
    as_superuser(f"UPDATE audit_entry SET {edit} WHERE id = :one", one=trail[4])  # noqa: S608 - constants
    assert str(trail[4]) in chain.verify().fault


def test_a_deletion_names_the_entry(trail):
    as_superuser("DELETE FROM audit_entry WHERE id = :one", one=trail[3])
    assert chain.verify().fault == f"audit entry {trail[3]} was deleted"


def test_a_deletion_with_its_seal_names_the_place(trail):
    n = database.session.scalars(select(AuditSeal.n).filter_by(entry_id=trail[3])).one()
    as_superuser(
        "DELETE FROM audit_seal WHERE entry_id = :one", "DELETE FROM audit_entry WHERE id = :one", one=trail[3]
    )
    assert chain.verify().fault == f"seal {n} is missing"


def test_a_deletion_with_the_seals_numbered_anew_is_found(trail):
    as_superuser(
        "DELETE FROM audit_seal WHERE entry_id = :one",
        "DELETE FROM audit_entry WHERE id = :one",
        "UPDATE audit_seal SET n = -n",
        "UPDATE audit_seal s SET n = t.k FROM (SELECT n, row_number() OVER (ORDER BY n DESC) AS k FROM audit_seal) t "
        "WHERE s.n = t.n",
        one=trail[3],
    )
    assert str(trail[4]) in chain.verify().fault


@pytest.mark.parametrize("place", ["at the end", "in a gap"])
def test_an_insertion_names_the_entry_whatever_it_copies(trail, place):
    if place == "in a gap":
        as_superuser("DELETE FROM audit_seal WHERE entry_id = :one", one=trail[-1])
        as_superuser("DELETE FROM audit_entry WHERE id = :one", one=trail[-1])
        number = f"INSERT INTO audit_entry (id, {COLUMNS}) OVERRIDING SYSTEM VALUE SELECT :new, {COLUMNS} "
        as_superuser(number + "FROM audit_entry WHERE id = :one", new=trail[-1], one=trail[-2])
        forged = trail[-1]
    else:
        as_superuser(COPY, one=trail[-1])
        forged = database.session.execute(select(func.max(AuditEntry.id))).scalar_one()
    chain.seal_pending()
    assert chain.verify().fault == f"audit entry {forged} was not written by the hospital's programs"


def test_an_insertion_through_the_triggers_is_found_too(trail):
    database.session.execute(text("RESET ROLE"))
    database.session.execute(text("SELECT set_config('hms.ticket', 'abc:def', true)"))
    database.session.execute(text("INSERT INTO audit_entry (action, actor_name) VALUES ('clinical.sign', 'doctor')"))
    chain.seal_pending()
    assert "was not written by the hospital's programs" in chain.verify().fault


def test_a_swap_of_two_entries_names_the_first(trail):
    content = "actor_id, actor_name, action, entity, entity_id, patient_id, old, new"
    pairs = ", ".join(f"{name} = b.{name}" for name in content.split(", "))
    as_superuser(
        f"UPDATE audit_entry a SET {pairs} FROM audit_entry b "  # noqa: S608 - constants
        "WHERE (a.id, b.id) IN ((:one, :two), (:two, :one))",
        one=trail[2],
        two=trail[8],
    )
    assert str(trail[2]) in chain.verify().fault


def test_a_swap_of_two_seals_names_the_first(trail):
    as_superuser(
        "UPDATE audit_seal SET entry_id = -entry_id WHERE entry_id IN (:one, :two)",
        "UPDATE audit_seal SET entry_id = CASE entry_id WHEN -:one THEN :two ELSE :one END WHERE entry_id < 0",
        one=trail[2],
        two=trail[8],
    )
    assert str(trail[8]) in chain.verify().fault


def _cut_off(trail: list[int]) -> None:
    as_superuser(
        "DELETE FROM audit_seal WHERE entry_id > :one", "DELETE FROM audit_entry WHERE id > :one", one=trail[5]
    )


def test_a_cut_off_end_is_found_by_the_checkpoint(trail):
    kept = chain.checkpoint()
    _cut_off(trail)
    assert chain.verify().fault is None
    verdict = chain.verify(kept)
    assert verdict.fault == f"the end is cut off: entries {verdict.checked + 1} to {kept['n']} are gone"


def test_a_cut_off_end_that_grew_again_is_found_by_the_checkpoint(trail, person):
    kept = chain.checkpoint()
    _cut_off(trail)
    for number in range(9):
        settings.change_setting("hospital.name", f"Hospital {number}", by=person("admin"))
    chain.seal_pending()
    assert chain.verify().fault is None
    assert chain.verify(kept).fault == f"the chain was rebuilt: seal {kept['n']} is not that of the checkpoint"


def test_seals_made_without_the_key_are_found(trail):
    as_superuser("UPDATE audit_seal SET seal = sha256(seal) WHERE entry_id >= :one", one=trail[6])
    assert str(trail[6]) in chain.verify().fault


def test_a_chain_built_anew_over_what_is_left_is_found_by_the_checkpoint(trail):
    kept = chain.checkpoint()
    as_superuser("DELETE FROM audit_seal", "DELETE FROM audit_entry WHERE id = :one", one=trail[3])
    chain.seal_pending()
    assert chain.verify().fault is None
    assert chain.verify(kept).fault is not None


def test_what_is_sealed_late_still_fits(trail, person):
    settings.change_setting("hospital.name", "Last", by=person("admin"))
    assert chain.verify().unsealed == 1
    assert chain.seal_pending() == 1
    assert chain.verify().unsealed == 0


def test_the_commands_report_a_fault_and_exit_with_1(real_app):
    settings.change_setting("hospital.name", "Hill Hospital", by=SYSTEM)
    runner, here = real_app.test_cli_runner(), checkpoints.checkpoint_file()
    here.unlink(missing_ok=True)
    kept = json.loads(runner.invoke(args=["audit", "checkpoint"]).output)
    assert kept["n"] > 0
    checkpoints.append_checkpoint()
    assert here.stat().st_mode & 0o077 == 0
    assert runner.invoke(args=["audit", "verify"]).exit_code == 0
    _at_the_server(
        real_app,
        "DELETE FROM audit_seal WHERE n > 3",
        "DELETE FROM audit_entry WHERE id NOT IN (SELECT entry_id FROM audit_seal)",
    )
    answer = runner.invoke(args=["audit", "verify"])
    here.unlink()
    assert answer.exit_code == 1
    assert "the end is cut off" in answer.output


def _at_the_server(app, *statements: str) -> None:
    """Run statements as the owner of the database, without triggers."""
    engine = create_engine(app.config["DATABASE_OWNER_URL"])
    with engine.begin() as connection:
        for statement in ("SET LOCAL session_replication_role = replica", *statements):
            connection.execute(text(statement))
    engine.dispose()
