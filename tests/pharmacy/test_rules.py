import random
from datetime import date, timedelta

import pytest

from hms.core.errors import RuleBroken
from hms.pharmacy.dispensing import rules
from hms.pharmacy.dispensing.rules import LineState
from hms.pharmacy.stock import allocation
from hms.pharmacy.stock.allocation import Batch

TODAY = date(2026, 11, 22)


def in_days(n):
    return TODAY + timedelta(days=n)


def test_first_expiry_first_out_across_batches():
    shelf = [Batch(3, 100, in_days(400)), Batch(1, 28, in_days(40)), Batch(2, 50, in_days(90))]
    found = allocation.allocate(90, shelf, TODAY)
    assert found == allocation.Allocation([(1, 28), (2, 50), (3, 12)], 0, [])


def test_expired_never_leaves():
    shelf = [Batch(1, 10, in_days(-1)), Batch(2, 10, TODAY), Batch(3, 10, in_days(1))]
    found = allocation.allocate(15, shelf, TODAY)
    assert found.picks == [(3, 10)]
    assert found.short == 5
    assert [(batch, str(why)) for batch, why in found.skipped] == [(1, "expired"), (2, "expires today")]


def test_a_batch_must_outlast_the_course():
    shelf = [Batch(1, 50, in_days(6)), Batch(2, 50, in_days(10)), Batch(3, 50, in_days(11))]
    found = allocation.allocate(20, shelf, TODAY, course_days=10)
    assert found.picks == [(3, 20)]
    assert [(batch, str(why)) for batch, why in found.skipped] == [
        (1, "expires on day 6 of 10"),
        (2, "expires on day 10 of 10"),
    ]


def test_ties_and_batches_without_expiry():
    shelf = [Batch(9, 5, None), Batch(7, 5, in_days(60)), Batch(4, 5, in_days(60)), Batch(5, 0, in_days(5))]
    assert allocation.allocate(12, shelf, TODAY).picks == [(4, 5), (7, 5), (9, 2)]


def test_without_batches_nothing_is_allocated():
    assert allocation.allocate(3, [], TODAY) == allocation.Allocation([], 3, [])
    assert allocation.allocate(3, [Batch(1, -2, None)], TODAY) == allocation.Allocation([], 3, [])


def test_allocation_keeps_its_invariants_for_random_stock():
    dice = random.Random(5)
    for _ in range(500):
        shelf = [
            Batch(i, dice.randrange(-1, 20), dice.choice([None, in_days(dice.randrange(-20, 60))]))
            for i in range(dice.randrange(8))
        ]
        wanted, course = dice.randrange(1, 60), dice.randrange(30)
        found = allocation.allocate(wanted, shelf, TODAY, course)
        held = {b.batch_id: b for b in shelf}
        assert sum(q for _, q in found.picks) + found.short == wanted
        assert all(0 < q <= held[i].on_hand for i, q in found.picks)
        assert not {i for i, _ in found.picks} & {i for i, _ in found.skipped}
        assert all(held[i].expires is None or held[i].expires > in_days(course) for i, _ in found.picks)
        usable = sum(
            b.on_hand for b in shelf if b.on_hand > 0 and not allocation.unusable_reason(b.expires, TODAY, course)
        )
        assert found.short == max(wanted - usable, 0)
        order = [held[i].expires or date.max for i, _ in found.picks]
        assert order == sorted(order)
        mixed = shelf.copy()
        dice.shuffle(mixed)
        assert allocation.allocate(wanted, mixed, TODAY, course) == found


@pytest.mark.parametrize("quantity", [0, -1, 100_001, True, 1.5, "3", None])
def test_quantities_nobody_gives(quantity):
    with pytest.raises(RuleBroken) as refusal:
        allocation.allocate(quantity, [], TODAY)
    assert refusal.value.field == "quantity"


def test_never_more_than_ordered():
    rules.check_dispense(4, 10, 6)
    for quantity, given in [(5, 6), (1, 10), (1, 12)]:
        with pytest.raises(RuleBroken) as refusal:
            rules.check_dispense(quantity, 10, given)
        assert refusal.value.code == "more_than_ordered"


@pytest.mark.parametrize(
    ("batch", "quantity", "reason", "is_first", "field"),
    [
        (Batch(1, 10, TODAY), 1, "x", True, "batch"),
        (Batch(1, 10, in_days(-9)), 1, "x", True, "batch"),
        (Batch(1, 10, in_days(9)), 11, "x", True, "quantity"),
        (Batch(1, 10, in_days(9)), 10, " ", False, "reason"),
    ],
)
def test_batches_that_may_not_be_chosen(batch, quantity, reason, is_first, field):
    with pytest.raises(RuleBroken) as refusal:
        rules.check_chosen(batch, quantity, TODAY, reason, is_first=is_first)
    assert refusal.value.field == field


def test_batches_that_may_be_chosen():
    rules.check_chosen(Batch(1, 10, in_days(1)), 10, TODAY)
    rules.check_chosen(Batch(1, 10, None), 1, TODAY, "opened pack", is_first=False)


def test_returns():
    rules.check_return(4, 10, 6, "not tolerated")
    for quantity, reason in [(5, "x"), (4, ""), (0, "x")]:
        with pytest.raises(RuleBroken):
            rules.check_return(quantity, 10, 6, reason)


@pytest.mark.parametrize(
    ("given", "state", "owed"),
    [
        (0, LineState.WAITING, 6),
        (4, LineState.PART_DISPENSED, 2),
        (6, LineState.DISPENSED, 0),
        (7, LineState.DISPENSED, 0),
    ],
)
def test_where_a_line_stands(given, state, owed):
    assert rules.line_state(6, given) is state
    assert rules.remaining_quantity(6, given) == owed
