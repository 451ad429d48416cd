"""At any hour, the day of the test hospital has begun and does not end soon."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tests import morning_timezone


@pytest.mark.parametrize("hour", range(24))
def test_it_is_morning_where_the_test_hospital_stands(hour):
    on_the_wall = datetime(2026, 11, 22, hour, 46, tzinfo=UTC).astimezone(ZoneInfo(morning_timezone.zone_at(hour)))
    assert (on_the_wall.hour, on_the_wall.minute) == (9, 46)
