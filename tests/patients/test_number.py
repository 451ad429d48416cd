import random

import pytest

from hms.patients.identity import hospital_numbers


def test_the_number_on_the_card():
    assert hospital_numbers.format_hospital_number(482).startswith("HMS-000482-")
    assert hospital_numbers.parse_hospital_number(hospital_numbers.format_hospital_number(482)) == 482


def test_damms_own_example():
    assert hospital_numbers.check_digit("572") == "4"


@pytest.mark.parametrize("n", [1, 9, 482, 999999, 1000000, 12345678])
def test_a_number_is_read_from_many_spellings(n):
    card = hospital_numbers.format_hospital_number(n)
    prefix, digits, check = card.split("-")
    spellings = [
        card,
        card.lower(),
        card.replace("-", ""),
        card.replace("-", " "),
        f" {digits}{check} ",
        f"{digits}-{check}",
    ]
    spellings += [card.replace("-", "–"), f"{prefix}{digits} {check}", f"{prefix} {digits[:3]} {digits[3:]} {check}"]
    assert [hospital_numbers.parse_hospital_number(s) for s in spellings] == [n] * len(spellings)


def test_every_single_wrong_digit_is_noticed():
    for n in random.Random(1).sample(range(1, 10**6), 200):
        digits = hospital_numbers.format_hospital_number(n, "X")[2:].replace("-", "")
        for place, digit in enumerate(digits):
            for wrong in set("0123456789") - {digit}:
                assert hospital_numbers.parse_hospital_number(digits[:place] + wrong + digits[place + 1 :], "X") is None


def test_every_swap_of_neighbouring_digits_is_noticed():
    for n in random.Random(2).sample(range(1, 10**6), 500):
        digits = hospital_numbers.format_hospital_number(n, "X")[2:].replace("-", "")
        for i in range(len(digits) - 1):
            if digits[i] != digits[i + 1]:
                assert (
                    hospital_numbers.parse_hospital_number(
                        digits[:i] + digits[i + 1] + digits[i] + digits[i + 2 :], "X"
                    )
                    is None
                )


def test_all_numbers_are_different():
    assert len({hospital_numbers.format_hospital_number(n) for n in range(1, 20000)}) == 19999


@pytest.mark.parametrize(
    "text", ["", "HMS", "HMS-000000-0", "0000000", "482", "HMS-482-7", "kad 76", "٠٠٠٤٨٢", "²²²²²²²", "-" * 50]
)
def test_nonsense_is_not_a_number(text):
    assert hospital_numbers.parse_hospital_number(text) is None
    assert not hospital_numbers.is_valid(text)


def test_another_hospitals_number_is_not_ours():
    assert hospital_numbers.parse_hospital_number(hospital_numbers.format_hospital_number(482, "ABC")) is None
    assert hospital_numbers.parse_hospital_number(hospital_numbers.format_hospital_number(482, "ABC"), "ABC") == 482


def test_a_number_with_an_extra_zero_is_refused():
    assert (
        hospital_numbers.parse_hospital_number(
            "0" + hospital_numbers.format_hospital_number(482).replace("-", "").removeprefix("HMS")
        )
        is None
    )


def test_counting_begins_at_one():
    with pytest.raises(ValueError, match="count from 1"):
        hospital_numbers.format_hospital_number(0)
