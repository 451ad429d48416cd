"""A backup brings everything back, and never over a living hospital."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from hms.admin import backups
from hms.core import chain
from hms.core.actions import doing
from hms.core.db import db
from hms.core.people import SYSTEM
from hms.patients.models import Patient
from tests import servers
from tests.apps import app_beside
from tests.conftest import config_for

pytestmark = pytest.mark.security("K")


@pytest.fixture
def patient(real_app):
    """One patient on the books, and the trail sealed."""
    with doing("tests.seed", SYSTEM):
        db.session.add(
            Patient(hospital_number="HMS-1", number=1, given_names="Isatu", family_name="Traoré", sex="female")
        )
    chain.seal_waiting()
    return real_app


def test_a_backup_restores_into_an_empty_database(patient, tmp_path):
    dump = backups.backup(tmp_path)
    assert dump.stat().st_mode & 0o077 == 0
    other = app_beside(config_for(servers.create_database("hms_restored")))
    with other.app_context():
        backups.restore(tmp_path)
        assert db.session.scalars(select(Patient.family_name)).all() == ["Traoré"]
        assert chain.verify().fault is None
        db.session.remove()
        db.engine.dispose()
    servers.drop_database("hms_restored")


def test_a_living_hospital_is_not_overwritten(patient, tmp_path):
    backups.backup(tmp_path)
    with pytest.raises(backups.BackupFailed, match="holds patients"):
        backups.restore(tmp_path)


def test_a_folder_without_backups_is_said_to_be_so(real_app, tmp_path):
    answer = real_app.test_cli_runner().invoke(args=["restore", str(tmp_path)])
    assert (answer.exit_code, answer.stderr) == (1, f"There is no backup in {tmp_path}.\n")
