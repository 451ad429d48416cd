"""What several tests of appointments need."""

from __future__ import annotations

import pytest

from hms.staff.models import User
from tests.appointments import factories


@pytest.fixture
def bah(db: object) -> User:
    """A doctor with clinic hours (`factories.hours`)."""
    made = factories.doctor()
    factories.hours(made.id)
    return made
