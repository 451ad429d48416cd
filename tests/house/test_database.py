"""Rules in the database: migrations equal models, every record is audited, permanent rows stay."""

from __future__ import annotations

import warnings

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from hms.core.db.models import ImmutableRecord, Record
from hms.core.db.session import db as database

ACCOUNT_BELONGINGS = {
    "user_session",
    "refresh_token",
    "known_device",
    "recovery_code",
    "notification",
    "note_template",
}


def _records(kind: type) -> set[str]:
    return {
        mapper.local_table.name
        for mapper in database.Model.registry.mappers
        if issubclass(mapper.class_, kind) and mapper.local_table is not None
    }


def _tables_with_trigger(name: str) -> set[str]:
    query = text("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = :name")
    return {table.strip('"') for table in database.session.scalars(query, {"name": name})}


def test_the_migrations_make_what_the_models_say(real_app):
    with database.engine.connect() as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, database.metadata) == []


@pytest.mark.slow
def test_every_migration_goes_down_and_up_again(real_app):
    downgrade(revision="base")
    left = database.session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
    assert set(left) <= {"alembic_version"}
    database.session.rollback()
    upgrade()


@pytest.mark.slow
def test_departments_that_the_migration_could_not_tell_apart_get_their_number(real_app):
    downgrade(revision="0034")
    names = ["Surgery", "SURGERY", "Épidémies", "épidémies", " "]
    database.session.execute(text("SELECT set_config('hms.doing', '{\"action\": \"core.migrate\"}', true)"))
    database.session.execute(
        text("INSERT INTO department (name, is_active) VALUES (:name, true)"), [{"name": name} for name in names]
    )
    database.session.commit()
    upgrade()
    stored = database.session.execute(text("SELECT id, name FROM department ORDER BY id")).all()[-len(names) :]
    numbered = [f"SURGERY ({stored[1].id})", f"épidémies ({stored[3].id})", f"({stored[4].id})"]
    assert [row.name for row in stored] == ["Surgery", numbered[0], "Épidémies", *numbered[1:]]


@pytest.mark.security("O")
def test_every_record_is_in_the_trail(db):
    assert _records(Record) - _tables_with_trigger("audit") == set()


@pytest.mark.security("O")
def test_every_permanent_row_is_kept_by_a_trigger(db):
    assert _records(ImmutableRecord) - _tables_with_trigger("permanent") == set()


@pytest.mark.security("O")
def test_no_foreign_key_deletes_care_or_money(db):
    query = text(
        "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND confdeltype = 'c'"
    )
    cascading = {tuple(row) for row in db.session.execute(query)}
    assert {table for table, _parent in cascading} <= ACCOUNT_BELONGINGS


def test_every_named_refusal_names_a_real_constraint(db):
    from hms.core.db.constraint_messages import constraint_messages

    query = text("SELECT conname FROM pg_constraint UNION SELECT relname FROM pg_class WHERE relkind = 'i'")
    assert set(constraint_messages()) <= set(db.session.scalars(query))


def test_constraints_have_only_keys_that_are_read():
    """`constraint_messages` reads `message` and `field`, and `code` where a constraint is unique or exclusive."""
    from hms.core.db.constraint_messages import constraint_info

    wrong = [f"{column} has info" for table in database.metadata.tables.values() for column in table.c if column.info]
    for table in database.metadata.tables.values():
        for constraint in (*table.constraints, *table.indexes):
            info = constraint_info(constraint)
            has_code = isinstance(constraint, (UniqueConstraint, ExcludeConstraint)) or getattr(
                constraint, "unique", False
            )
            allowed = {"message", "field"} | ({"code"} if has_code else set())
            if info and ("message" not in info or constraint.name is None or set(info) - allowed):
                wrong.append(f"{table.name}.{constraint.name}: {sorted(info)}")
    assert wrong == []
