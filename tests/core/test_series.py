"""Numbers of several series are taken in one statement, each from its own row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import cycle

from hms.core import clock, gapless_numbers
from hms.core.db.session import db as database


def test_each_series_counts_for_itself(seeding):
    assert gapless_numbers.next_number("tests:a") == 1
    assert gapless_numbers.next_numbers(["tests:b", "tests:a"]) == [1, 2]
    assert gapless_numbers.next_numbers(["tests:a", "tests:b"]) == [3, 2]
    assert list(gapless_numbers.reserve_numbers("tests:b", 3)) == [3, 4, 5]


def test_a_number_of_what_failed_is_given_out_again(seeding):
    assert gapless_numbers.next_numbers(["tests:a", "tests:b"]) == [1, 1]
    part = database.session.begin_nested()
    assert gapless_numbers.next_numbers(["tests:a", "tests:b"]) == [2, 2]
    part.rollback()
    assert gapless_numbers.next_numbers(["tests:a", "tests:b"]) == [2, 2]


def test_year_and_time_of_a_number_are_of_one_instant(seeding, monkeypatch):
    """Each look at the clock is on the other side of midnight of the last of December."""
    sides = cycle([datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)])
    monkeypatch.setattr(clock, "_zone", UTC)
    monkeypatch.setattr(clock, "now", lambda: next(sides))
    taken = [number for _ in range(4) for number in gapless_numbers.take_yearly_numbers(["tests:y", "tests:z"])]
    assert [number.year for number in taken] == [number.at.year for number in taken]
    assert {(number.year, number.number) for number in taken} == {(year, n) for year in (2025, 2026) for n in (1, 2)}


def test_a_clock_that_was_set_back_dates_no_document_before_the_one_before_it(seeding):
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    taken = []
    for instant in (noon, noon - timedelta(hours=2), noon + timedelta(minutes=1)):
        with clock.frozen_at(instant):
            taken += gapless_numbers.take_numbers(["tests:a"])
    assert taken == [(1, noon), (2, noon), (3, noon + timedelta(minutes=1))]
