"""Numbers of several series are taken in one statement, each from its own row."""

from __future__ import annotations

from hms.core import gapless_numbers
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
