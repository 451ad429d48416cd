"""The ICD-10 list and the hospital's abbreviations."""

import pytest

from hms.clinical.diagnoses import icd10

ROWS = list(icd10.codes())
BY_CODE = {row.code: row for row in ROWS}


def found_by(typed):
    """Codes whose search text holds each typed word at the start of a word, as the page's query does it."""
    words = icd10.to_search_text(typed).split()
    return {row.code for row in ROWS if all(f" {word}" in f" {row.search_text}" for word in words)}


def test_the_list_is_complete_and_has_each_code_once():
    assert len(ROWS) == len(BY_CODE) == 12_246
    assert {row.chapter for row in ROWS} == set(icd10.chapters())
    assert len(icd10.chapters()) == 22


def test_malaria_has_its_chapter_and_block():
    row = BY_CODE["B50.9"]
    assert row.title == "Plasmodium falciparum malaria, unspecified"
    assert (row.chapter, row.block, row.parent, row.is_leaf) == ("I", "B50-B64", "B50", True)
    assert (BY_CODE["B50"].parent, BY_CODE["B50"].is_leaf) == ("", False)
    assert BY_CODE["B54"].is_leaf


def test_parents_come_before_their_children():
    seen = set()
    for row in ROWS:
        assert not row.parent or row.parent in seen
        seen.add(row.code)
        assert row.title
        assert len(row.search_text) <= 1000


def test_titles_are_tidy():
    assert not [row.title for row in ROWS if row.title != row.title.strip() or "  " in row.title or " : " in row.title]


def test_each_of_at_least_120_abbreviations_has_a_known_code():
    synonyms = icd10.code_by_synonym()
    assert len(synonyms) >= 120
    for code in synonyms.values():
        assert BY_CODE[code].is_leaf, code


@pytest.mark.parametrize(
    ("typed", "code"),
    [("mal", "B54"), ("uri", "J06.9"), ("htn", "I10"), ("dm", "E14.9"), ("uti", "N39.0"), ("ge", "A09.9"),
     ("cva", "I64"), ("ptb", "A16.2"), ("rta", "V89.2"), ("scd", "D57.1"), ("typhoid", "A01.0")],
)  # fmt: skip
def test_usual_abbreviations(typed, code):
    assert icd10.code_by_synonym()[typed] == code
    assert code in found_by(typed)


@pytest.mark.parametrize(
    ("typed", "code"),
    [("B50", "B50.9"), ("b50.9", "B50.9"), ("b509", "B50.9"), ("falciparum mal", "B50.9"), ("anemia", "D64.9"),
     ("anaemia", "D64.9"), ("diarrhoea", "A09.9"), ("diarrhea", "A09.9"), ("Sjögren", "M35.0"), ("sjogren", "M35.0"),
     ("hemorrhoids", "K64.9"), ("PRE-ECLAMPSIA", "O14.9"), ("meniere", "H81.0")],
)  # fmt: skip
def test_search_ignores_case_accents_spelling_and_the_point(typed, code):
    assert code in found_by(typed)


@pytest.mark.parametrize(
    ("typed", "code"),
    [("b509", "B50.9"), (" B50.9 ", "B50.9"), ("b 50 . 9", "B50.9"), ("B54", "B54"), ("M0012", "M00.12"), ("", ""),
     ("malaria", ""), ("50.9", ""), ("B5", ""), ("B50.999", ""), ("٣50", ""), ("B54; drop", "")],
)  # fmt: skip
def test_codes_are_normalised(typed, code):
    assert icd10.normalise_code(typed) == code
