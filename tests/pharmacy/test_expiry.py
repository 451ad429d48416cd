import random
import string
from contextlib import suppress
from datetime import date, timedelta

import pytest

from hms.core.errors import RuleBroken
from hms.pharmacy.stock import expiry
from hms.pharmacy.stock.expiry import ExpiryStatus

TODAY = date(2026, 11, 22)


def test_every_month_reads_back():
    for year in range(2026, 2047):
        for month in range(1, 13):
            end = expiry.expiry(f"{month:02d}{year % 100:02d}", TODAY)
            assert (end.year, end.month) == (year, month)
            assert (end + timedelta(days=1)).day == 1
            assert expiry.expiry(f"{end:%b%y}", TODAY) == expiry.expiry(f"{end:%d%m%y}", TODAY) == end


def test_noise_is_refused_in_words():
    dice = random.Random(4)
    for _ in range(3000):
        text = "".join(dice.choices(string.digits * 3 + "/-. novdec", k=dice.randrange(10)))
        with suppress(RuleBroken):
            assert 2000 <= expiry.expiry(text, TODAY).year <= 2046


@pytest.mark.parametrize(
    ("ahead", "how"),
    [(-1, ExpiryStatus.EXPIRED), (0, ExpiryStatus.EXPIRED), (1, ExpiryStatus.SOON), (30, ExpiryStatus.SOON),
     (31, ExpiryStatus.NEAR), (90, ExpiryStatus.NEAR), (91, ExpiryStatus.FAR)],
)  # fmt: skip
def test_how_near(ahead, how):
    assert expiry.expiry_status(TODAY + timedelta(days=ahead), TODAY, 90) is how
    assert expiry.expiry_status(None, TODAY, 90) is ExpiryStatus.FAR


def test_expired_goods_are_not_received():
    expiry.check_received(TODAY + timedelta(days=1), TODAY)
    expiry.check_received(None, TODAY)
    with pytest.raises(RuleBroken):
        expiry.check_received(TODAY, TODAY)
