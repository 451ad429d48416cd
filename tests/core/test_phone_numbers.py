import re

import pytest

from hms.core.text import phone_numbers
from hms.core.web.template_filters import marked


@pytest.mark.parametrize(
    "text",
    ["076123476", "076 123 476", "+232 76 123476", "+232 076 123 476", "0023276123476", "76-123-476", " (076) 123476 "],
)
def test_one_number_however_it_is_written(text):
    kept = phone_numbers.parse_phone(text, "SL")
    assert kept.e164 == "+23276123476"
    assert kept.as_typed == text.strip()


def test_numbers_from_abroad():
    assert phone_numbers.parse_phone("+233\u00a024\u00a0123\u00a04567", "SL").e164 == "+233241234567"
    assert phone_numbers.parse_phone("024 123 4567", "GH").e164 == "+233241234567"


@pytest.mark.parametrize(
    "text", ["", "ask brother", "12", "+1234567890", "076123476 / 077976410", "٠", "\x00", "1" * 5000, "\ud800"]
)
def test_what_is_no_number_is_kept_as_typed(text):
    assert phone_numbers.parse_phone(text, "SL") == (None, text.strip())


def test_a_number_is_shown_as_dialled_locally():
    assert phone_numbers.format_phone("+23276123476", "", "SL") == "076\u00a0123\u00a0476"
    assert phone_numbers.format_phone("+233241234567", "", "SL") == "+233\u00a024\u00a0123\u00a04567"
    assert phone_numbers.format_phone(None, "ask brother", "SL") == "ask brother"


@pytest.mark.parametrize("typed", ["076 123 476", "76123", "123476", "+232 76 123", "0023276", "076"])
def test_typed_digits_are_found_in_the_stored_number(typed):
    assert phone_numbers.strip_dial_prefix(typed) in "+23276123476"


def test_masked():
    assert phone_numbers.mask_phone("+23276123476", "") == "•••476"
    assert phone_numbers.mask_phone(None, "") == "•••"
    assert phone_numbers.mask_phone(None, "12345") == "•••"


@pytest.mark.parametrize("typed", ["555981", "076555981", "76 555"])
def test_typed_digits_are_highlighted_in_a_grouped_number(typed):
    assert "<mark>" in marked("076\u00a0555\u00a0981", typed)
    assert "".join(re.findall(r"<mark>(.*?)</mark>", marked("076\u00a0555\u00a0981", "555981"))) == "555\u00a0981"
