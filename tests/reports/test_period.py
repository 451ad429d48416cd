"""Periods of the reports, and the period that each is compared with."""

from __future__ import annotations

from datetime import date

import pytest

from hms.reports.period import named_period


@pytest.mark.parametrize(
    ("name", "today", "first", "last"),
    [
        ("month", date(2026, 1, 1), date(2025, 12, 1), date(2025, 12, 1)),
        ("month", date(2026, 3, 10), date(2026, 2, 1), date(2026, 2, 10)),
        ("month", date(2026, 3, 31), date(2026, 2, 1), date(2026, 2, 28)),
        ("month", date(2024, 3, 31), date(2024, 2, 1), date(2024, 2, 29)),
        ("month", date(2026, 4, 30), date(2026, 3, 1), date(2026, 3, 30)),
        ("week", date(2026, 11, 25), date(2026, 11, 16), date(2026, 11, 18)),
        ("week", date(2026, 11, 29), date(2026, 11, 16), date(2026, 11, 22)),
        ("week", date(2026, 11, 23), date(2026, 11, 16), date(2026, 11, 16)),
        ("today", date(2026, 3, 1), date(2026, 2, 28), date(2026, 2, 28)),
    ],
)
def test_the_period_before_has_the_same_days(name, today, first, last):
    before = named_period(name, today).previous()
    assert (before.first, (before.until - before.first).days) == (first, (last - first).days + 1)
