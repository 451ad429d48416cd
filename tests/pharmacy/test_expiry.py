import random
import string
from contextlib import suppress
from datetime import date, timedelta

import pytest

from hms.core.errors import RuleBroken
from hms.pharmacy.stock import expiry
from hms.pharmacy.stock.expiry import ExpiryStatus

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    "text",
    ["1127", "11/27", "11-27", "11 27", "11.2027", "nov27", "Nov 27", "NOV/2027", "november 2027", "nov-27",
     "112027", "2027-11",
     "202711", "30-Nov-2027", "30/11/2027", "30/11/27", "301127", "2027-11-30", "30 nov 27"],
)  # fmt: skip
def test_one_expiry_as_packs_print_it(text):
    assert expiry.expiry(text, TODAY) == date(2027, 11, 30)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("0228", date(2028, 2, 29)),
        ("2/27", date(2027, 2, 28)),
        ("15-Nov-2027", date(2027, 11, 15)),
        ("1220", date(2020, 12, 31)),
        ("2001-01-01", date(2001, 1, 1)),
        ("12/46", date(2046, 12, 31)),
        ("déc 27", date(2027, 12, 31)),
    ],
)
def test_other_expiries(text, day):
    assert expiry.expiry(text, TODAY) == day


@pytest.mark.parametrize(
    "text",
    ["", "never", "2711", "1327", "0027", "13/27", "31/11/2027", "30 nov", "nov", "ju 27", "01/47", "1/1/1999",
     "t", "+3d", "11",
     "11275", "٣", "\x00", "1" * 5000, "11//27"],
)  # fmt: skip
def test_unreadable_expiries_are_blamed_on_the_field(text):
    with pytest.raises(RuleBroken) as refusal:
        expiry.expiry(text, TODAY)
    assert refusal.value.field == "expiry_date"


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
