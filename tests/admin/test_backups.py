"""A backup restores everything, and never into a database in use."""

from __future__ import annotations

import pytest
from alembic.migration import MigrationContext
from flask_migrate import upgrade
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from hms.admin.system import backups
from hms.core.actions import action_context
from hms.core.audit import chain
from hms.core.db.session import db
from hms.core.person import SYSTEM
from hms.patients.models import Patient
from tests.conftest import own_application

pytestmark = pytest.mark.security("K")


@pytest.fixture
def patient(real_app):
    """A hospital with one patient and a sealed audit trail."""
    with action_context("tests.seed", SYSTEM):
        db.session.add(
            Patient(hospital_number="HMS-1", number=1, given_names="Isatu", family_name="Traoré", sex="female")
        )
    chain.seal_pending()
    return real_app


def _figures() -> dict[str, object]:
    """Every table with its number of rows, every trigger, view and function, and the version of the schema."""
    tables = db.session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
    parts = """SELECT tgrelid::regclass || '.' || tgname FROM pg_trigger WHERE NOT tgisinternal
               UNION ALL SELECT viewname FROM pg_views WHERE schemaname = 'public'
               UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1"""
    figures = {
        "rows": {name: db.session.scalar(text(f'SELECT count(*) FROM "{name}"')) for name in tables},  # noqa: S608
        "parts": db.session.scalars(text(parts)).all(),
        "version": MigrationContext.configure(db.session.connection()).get_current_revision(),
    }
    db.session.rollback()
    return figures


@pytest.mark.parametrize("is_migrated", [False, True])
def test_a_backup_restores_into_an_empty_database(patient, template, tmp_path, is_migrated):
    dump = backups.backup(tmp_path)
    assert dump.stat().st_mode & 0o077 == 0
    with own_application("hms_restored", template if is_migrated else None):
        backups.restore(tmp_path)
        assert db.session.scalars(select(Patient.family_name)).all() == ["Traoré"]
        assert chain.verify().fault is None


def test_a_backup_that_failed_leaves_nothing_behind(real_app, tmp_path, monkeypatch):
    missing = make_url(real_app.config["DATABASE_OWNER_URL"]).set(database="hms_nowhere")
    monkeypatch.setitem(real_app.config, "DATABASE_OWNER_URL", missing.render_as_string(hide_password=False))
    with pytest.raises(backups.BackupFailed, match="hms_nowhere"):
        backups.backup(tmp_path)
    assert list(tmp_path.iterdir()) == []


OLDER = """INSERT INTO patient (hospital_number, number, given_names, family_name, sex, title, birth_is_estimated, phone,
                                phone_is_checked, email, address, next_of_kin, national_id, occupation, language,
                                allergy_status, status, is_restricted, withdrawn_reason, version)
           VALUES ('HMS-7', 7, 'Binta', 'Kamara', 'female', '', false, '', false, '', '', '', '', '', '',
                   'not_asked', 'active', false, '', 1)"""


@pytest.mark.parametrize("is_migrated", [False, True])
def test_a_backup_of_an_older_version_is_brought_up_to_date(real_app, template, tmp_path, is_migrated):
    now = _figures()
    with own_application("hms_older"):
        upgrade(revision="0018")
        with action_context("tests.seed", SYSTEM):
            db.session.execute(text(OLDER))
        backups.backup(tmp_path)
    with own_application("hms_restored", template if is_migrated else None):
        backups.restore(tmp_path)
        assert db.session.scalars(select(Patient.family_name)).all() == ["Kamara"]
        restored = _figures()
        assert (restored["version"], restored["parts"]) == (now["version"], now["parts"])


def test_a_whole_hospital_is_restored_as_it_was(demo_template, template, tmp_path):
    with own_application("hms_whole", demo_template):
        before = _figures()
        backups.backup(tmp_path)
    with own_application("hms_restored", template):
        backups.restore(tmp_path)
        assert _figures() == before


def test_an_invalid_backup_removes_nothing(real_app, tmp_path):
    before = _figures()
    (tmp_path / "hms-20260101-000000.dump").write_text("no backup")
    with pytest.raises(backups.BackupFailed):
        backups.restore(tmp_path)
    assert _figures() == before


def test_a_living_hospital_is_not_overwritten(patient, tmp_path):
    backups.backup(tmp_path)
    with pytest.raises(backups.BackupFailed, match="has patients"):
        backups.restore(tmp_path)


def test_a_folder_without_backups_is_said_to_be_so(real_app, tmp_path):
    answer = real_app.test_cli_runner().invoke(args=["restore", str(tmp_path)])
    assert (answer.exit_code, answer.stderr) == (1, f"There is no backup in {tmp_path}.\n")


def test_a_folder_that_cannot_be_written_is_named(real_app, tmp_path):
    (tmp_path / "backups").write_text("a file, not a folder")
    answer = real_app.test_cli_runner().invoke(args=["backup", str(tmp_path / "backups" / "today")])
    refused = f"{tmp_path}/backups/today could not be written: Not a directory. Choose another folder.\n"
    assert (answer.exit_code, answer.stderr) == (1, refused)
