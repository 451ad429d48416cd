import base64

import pyotp
import pytest

from hms.staff.second_factor.codes import STEP_SECONDS, matching_step

pytestmark = pytest.mark.security("F")

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("instant", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_the_codes_of_rfc_6238(instant, code):
    assert matching_step(RFC_SECRET, code, instant) == instant // STEP_SECONDS


@pytest.mark.parametrize(("late", "is_accepted"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_code_is_accepted_one_step_early_or_late(late, is_accepted):
    secret, now = pyotp.random_base32(32), 1_800_000_000
    step = matching_step(secret, pyotp.TOTP(secret).at(now), now + late)
    assert (step == now // STEP_SECONDS) is is_accepted


@pytest.mark.parametrize(
    "code", ["", "28708", "2870822", "２８７０８２", "٢٨٧٠٨٢", "287 082", "287082\n", "28708a", "\x00" * 6]
)
def test_only_six_plain_digits_are_a_code(code):
    assert matching_step(RFC_SECRET, code, 59) is None
