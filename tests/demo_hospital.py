"""A small demo hospital in a database of its own, for tests that want a hospital full of people."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest
from filelock import FileLock
from flask_migrate import upgrade
from sqlalchemy import select

from hms.appointments.availability import actions as appointments
from hms.core import clock
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.demo import build
from hms.staff.models import User
from tests import servers
from tests.apps import app_beside
from tests.conftest import config_for

DEMO = "hms_demo_template"


@pytest.fixture(scope="session")
def demo_template(template: str) -> str:
    """The name of a database with a small demo hospital, made once per run: sixty patients, one week, and today."""
    marker = Path(servers.HOME) / f"demo-{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"
    with FileLock(str(Path(servers.HOME) / "demo.lock")):
        if not marker.exists():
            _make_demo(marker)
    return DEMO


def _make_demo(marker: Path) -> None:
    app = app_beside(config_for(servers.create_database(DEMO), 39, demo=True))
    with app.app_context():
        upgrade()
        build.build(lambda _step: None, patients=60, weeks=1)
        build.bring_to_today(lambda _step: None)
        _open_every_evening()
        database.session.remove()
        database.engine.dispose()
    marker.touch()


def _open_every_evening() -> None:
    """The doctor sees patients in the evening of every day, so that a test can book for today at a weekend too."""
    doctor_id = database.session.scalars(select(User.id).filter_by(username="doctor")).one()
    evening = {"starts": dt.time(16), "ends": dt.time(23, 59), "valid_from": clock.today() - dt.timedelta(days=30)}
    for weekday in range(7):
        appointments.add_hours(doctor_id, weekday=weekday, by=SYSTEM, **evening)
