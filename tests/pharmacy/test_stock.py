import random
from datetime import date, timedelta

import pytest

from hms.core.errors import RuleBroken
from hms.pharmacy.stock import rules
from hms.pharmacy.stock.allocation import Batch
from hms.pharmacy.stock.rules import MovementKind as Kind

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("kind", "change", "after"),
    [(Kind.RECEIPT, 10, 15), (Kind.DISPENSE, -5, 0), (Kind.RETURN, 1, 6), (Kind.ADJUSTMENT, -5, 0),
     (Kind.ADJUSTMENT, 3, 8),
     (Kind.WRITE_OFF, -1, 4), (Kind.COUNT, 0, 5), (Kind.COUNT, -5, 0)],
)  # fmt: skip
def test_movements(kind, change, after):
    assert rules.check_movement(kind, change, 5, "because") == after


@pytest.mark.parametrize(
    ("kind", "change"),
    [(Kind.RECEIPT, 0), (Kind.RECEIPT, -1), (Kind.RETURN, -1), (Kind.DISPENSE, 1), (Kind.DISPENSE, 0),
     (Kind.WRITE_OFF, 2),
     (Kind.ADJUSTMENT, 0), (Kind.DISPENSE, -6), (Kind.WRITE_OFF, -6), (Kind.COUNT, -6), (Kind.RECEIPT, 100_001),
     (Kind.RECEIPT, True), (Kind.RECEIPT, 1.0), (Kind.RECEIPT, "1"), (Kind.RECEIPT, None)],
)  # fmt: skip
def test_movements_that_are_refused(kind, change):
    with pytest.raises(RuleBroken) as refusal:
        rules.check_movement(kind, change, 5, "because")
    assert refusal.value.field == "quantity"


@pytest.mark.parametrize("kind", [Kind.RETURN, Kind.ADJUSTMENT, Kind.WRITE_OFF, Kind.COUNT])
def test_what_needs_a_reason(kind):
    change = rules.signed_change(kind, 1)
    with pytest.raises(RuleBroken) as refusal:
        rules.check_movement(kind, change, 5, " ")
    assert refusal.value.field == "reason"


def test_a_count_that_agrees_needs_no_reason():
    assert rules.check_movement(Kind.COUNT, rules.change_after_count(5, 5), 5) == 5


def test_the_ledger_of_any_batch_adds_up_and_never_falls_below_zero():
    dice = random.Random(3)
    for _ in range(100):
        on_hand, ledger = 0, []
        for _ in range(60):
            kind = dice.choice(list(Kind))
            quantity = dice.randrange(1, 30)
            change = (
                rules.change_after_count(quantity, on_hand)
                if kind is Kind.COUNT
                else rules.signed_change(kind, quantity)
            )
            try:
                on_hand = rules.check_movement(kind, change, on_hand, "test")
            except RuleBroken:
                continue
            ledger.append(change)
            assert on_hand == sum(ledger) >= 0


@pytest.mark.parametrize("found", [-1, 100_001, True, 0.5, "7", None])
def test_counts_nobody_makes(found):
    with pytest.raises(RuleBroken):
        rules.change_after_count(found, 5)


def test_only_expired_stock_is_no_stock():
    shelf = [Batch(1, 500, TODAY - timedelta(days=1)), Batch(2, 0, TODAY + timedelta(days=500))]
    assert rules.count_usable(shelf, TODAY) == 0
    assert rules.compute_flags(shelf, 10, TODAY) == rules.StockFlags(True, True, False, True)


@pytest.mark.parametrize(("on_hand", "is_below"), [(49, True), (50, True), (51, False)])
def test_time_to_order(on_hand, is_below):
    found = rules.compute_flags([Batch(1, on_hand, TODAY + timedelta(days=91))], 50, TODAY)
    assert found == rules.StockFlags(False, is_below, False, False)


def test_near_expiry():
    assert rules.compute_flags([Batch(1, 60, TODAY + timedelta(days=90))], 50, TODAY).is_near_expiry
    assert not rules.compute_flags([Batch(1, 60, TODAY)], 50, TODAY).is_near_expiry


@pytest.mark.parametrize(
    ("on_hand", "used", "days", "left"),
    [(240, 1200, 90, 18), (4, 0, 90, None), (0, 30, 90, 0), (30, 30, 10, 10), (10, 5, 0, None), (-3, 9, 90, 0)],
)
def test_days_left(on_hand, used, days, left):
    assert rules.estimate_days_left(on_hand, used, days) == left
