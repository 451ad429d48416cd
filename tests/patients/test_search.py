import random
from datetime import date

import pytest

from hms.patients.identity import hospital_numbers
from hms.patients.search.query_parser import SearchQuery, parse_query
from hms.patients.search.typed_facts import Days

TODAY = date(2026, 11, 22)
CARD = hospital_numbers.format_hospital_number(482)
KADIATU = date(1991, 3, 13)


@pytest.mark.parametrize(
    ("query", "parsed"),
    [
        ("kad 76", SearchQuery(words=("kad",), digit_runs=("76",))),
        ("KÁMARA  Kadiatu", SearchQuery(words=("KÁMARA", "Kadiatu"))),
        ("076 123 476", SearchQuery(digit_runs=("076123476",))),
        ("+232 (76) 123-476", SearchQuery(digit_runs=("23276123476",))),
        ("kad 076 123", SearchQuery(words=("kad",), digit_runs=("076123",))),
        ("13/3/91", SearchQuery(birth_date=KADIATU)),
        ("13-mar-91", SearchQuery(birth_date=KADIATU)),
        ("1991-03-13", SearchQuery(birth_date=KADIATU)),
        ("kam 13 mar 1991", SearchQuery(words=("kam",), birth_date=KADIATU)),
        ("130391", SearchQuery(birth_date=KADIATU, alternative_digits="130391")),
        ("kam 130391", SearchQuery(words=("kam",), birth_date=KADIATU, alternative_digits="130391")),
        ("13 3 91", SearchQuery(birth_date=KADIATU, alternative_digits="13391")),
        ("1991", SearchQuery(birth_year=1991, alternative_digits="1991")),
        ("kamara 1991", SearchQuery(words=("kamara",), birth_year=1991, alternative_digits="1991")),
        ("2991", SearchQuery(digit_runs=("2991",))),
        (CARD, SearchQuery(hospital_number=482)),
        (CARD.replace("-", "").lower(), SearchQuery(hospital_number=482)),
        (f"kamara {CARD}", SearchQuery(words=("kamara",), hospital_number=482)),
        ("000482", SearchQuery(digit_runs=("000482",))),
        ("HMS-000482", SearchQuery(short_number=482)),
        ("hms 12", SearchQuery(short_number=12)),
        ("Mr Kofi Kargbo", SearchQuery(words=("Kofi", "Kargbo"), sexes=(("Mr", "male"),))),
        ("f", SearchQuery(words=("f",))),
        ("kofi 52y", SearchQuery(words=("kofi",), born=Days(date(1973, 11, 23), date(1974, 11, 22)))),
        ("kofi mar 1974", SearchQuery(words=("kofi",), born=Days(date(1974, 3, 1), date(1974, 3, 31)))),
        ("musa 3 months", SearchQuery(words=("musa",), born=Days(date(2026, 7, 23), date(2026, 8, 22)))),
        ("kad 03/13/1991", SearchQuery(words=("kad",), birth_date=KADIATU)),
        ("kad about 1991", SearchQuery(words=("kad",), birth_year=1991, alternative_digits="1991")),
        ("dr kad", SearchQuery(words=("kad",), titles=("dr",))),
        ("N'Diaye", SearchQuery(words=("N'Diaye",))),
        ("Kamara, Kadiatu", SearchQuery(words=("Kamara", "Kadiatu"))),
        ("Abby752", SearchQuery(words=("Abby752",))),
        ("991399", SearchQuery(digit_runs=("991399",))),
    ],
)
def test_queries_are_parsed(query, parsed):
    assert parse_query(query, TODAY) == parsed


def test_the_bare_card_number_may_also_be_part_of_a_phone():
    bare = CARD.removeprefix("HMS-").replace("-", "")
    assert parse_query(bare, TODAY) == SearchQuery(hospital_number=482, alternative_digits=bare)


def test_eight_digits_may_be_a_card_and_a_birth_date():
    for day in range(1, 29):
        typed = f"{day:02d}031991"
        parsed = parse_query(typed, TODAY)
        assert parsed.birth_date == date(1991, 3, day)
        assert parsed.alternative_digits == typed
        assert parsed.hospital_number == hospital_numbers.parse_hospital_number(typed)


def test_a_wrong_check_digit_is_marked():
    wrong = CARD[:-1] + str((int(CARD[-1]) + 1) % 10)
    assert parse_query(wrong, TODAY) == SearchQuery(is_mistyped_number=True, finds_nobody=True)


@pytest.mark.parametrize("query", ["", " ", "76", "123", "7", "%", "\x00", "--", "* *"])
def test_too_little_to_search_for(query):
    assert parse_query(query, TODAY).is_empty


def test_never_raises_and_stays_small():
    dice = random.Random(9)
    letters = "0123456789" * 3 + "abchms -/.+()%_'\\\x00\ud800éß٣Ⅷ½王"
    for _ in range(3000):
        parsed = parse_query("".join(dice.choices(letters, k=dice.randrange(150))), TODAY)
        assert len(parsed.words) + len(parsed.digit_runs) <= 17
        assert all(run.isascii() and run.isdecimal() for run in parsed.digit_runs)
        assert parsed.birth_date is None or parsed.birth_date <= TODAY


RIGHT = hospital_numbers.format_hospital_number(12)
DIGIT = RIGHT[-1]
WRONG = str((int(DIGIT) + 1) % 10)


@pytest.mark.parametrize(
    "typed",
    [
        f"HMS-000012-{WRONG}",
        f"hms 000012 {WRONG}",
        f"HMS000012{WRONG}",
        f"HMS/000012/{WRONG}",
        f"HMS‑000012–{WRONG}",
        f"000012-{WRONG}",
        f"kofi HMS-000012-{WRONG}",
        f"HMS-000012-{WRONG} 1974",
        f"HMS-000021-{DIGIT}",
        f"HMS-00012-{DIGIT}",
        f"HMS-0000122-{DIGIT}",
        f"HMS-000012-{DIGIT}{DIGIT}",
        f"HMS-0O0012-{DIGIT}",
    ],
)
def test_a_mistyped_number_finds_nobody(typed):
    assert parse_query(typed, TODAY) == SearchQuery(is_mistyped_number=True, finds_nobody=True)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (RIGHT, ()),
        (f"hms 000012 {DIGIT}", ()),
        (f"HMS 000 012 {DIGIT}", ()),
        (f"HMS‑000012–{DIGIT}", ()),
        (f"HMS000012{DIGIT} 1974", ()),
        (f"kofi {RIGHT}", ("kofi",)),
        (f"{RIGHT}, kofi", ("kofi",)),
    ],
)
def test_a_right_number_is_found_with_other_words(typed, words):
    parsed = parse_query(typed, TODAY)
    assert (parsed.hospital_number, parsed.words, parsed.is_mistyped_number) == (12, words, False)


@pytest.mark.parametrize("typed", ["kofi 52", "076 123 476", "076-123-476", "HMS-0000", "13/3/91", "NA-0001", "hms"])
def test_other_lines_are_no_mistyped_numbers(typed):
    assert not parse_query(typed, TODAY).is_mistyped_number
