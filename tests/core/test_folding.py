"""Names are folded in one way: stored ones by the database, compared ones by Python, in every spelling people use."""

from __future__ import annotations

import unicodedata

import pytest
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import array

from hms.core.db.folding import folded, folded_name
from hms.core.text.cleaning import TextError, clean, escape_like, fold

WEST_AFRICA = "ɓɗɖəǝɛɣƙŋɲɔɩʋƴʊɪɵɨɑʃʒɂʔẹọṣạịụḅḍḥṭẓáàâãäāăǎéèêẽëēěíìîĩïīǐóòôõöōǒúùûũüūǔńǹñḿçşžƒħǥ"
EUROPE = "æøåœßþðıłđŧħĸŋąćĉčďęěĝğģĥĵķĺļľňńņőŕřśŝšșţťțůűųŵŷýÿźżžǿǽėįīūġċżàâçéèêëîïôùûüÿäöüß"
APOSTROPHES = "'’‘‛ʼʻʽʾʿˈˊˋ`´′‵＇ꞌꞋʹ՚׳❛❜᾽᾿ʔɂ"
INVISIBLE = "\u3164\u200b\u200d\u2060\u00ad\u115f\uffa0\u2800\u200e"
HYPHENS = "-‐‑‒–—―−﹣－"


def rows(db, expression, texts: list[str]) -> list[str]:
    return [db.session.scalar(select(expression(text))) for text in texts]


def test_every_letter_of_west_africa_and_europe_has_a_plain_letter_in_both(db):
    letters = sorted(set(WEST_AFRICA + EUROPE + (WEST_AFRICA + EUROPE).upper() + "ẞİ") - set("ʔɂɁ"))
    in_database = rows(db, folded, letters)
    assert {letter: plain for letter, plain in zip(letters, in_database, strict=True) if not plain.isalpha()} == {}
    assert [plain for plain in in_database if not plain.isascii()] == []
    assert {letter: fold(letter) for letter in letters} == dict(zip(letters, in_database, strict=True))


def test_every_letter_of_latin_and_ipa_has_a_plain_letter_in_both(db):
    """Latin-1, Latin Extended-A and -B, IPA, Latin Extended Additional, in capitals too."""
    ranges = (range(0xC0, 0x250), range(0x250, 0x2B0), range(0x1E00, 0x1F00))
    letters = [chr(n) for codes in ranges for n in codes if chr(n).isalpha()]
    in_database = rows(db, folded, letters)
    assert [letter for letter, plain in zip(letters, in_database, strict=True) if not (plain and plain.isascii())] == []
    assert {letter: fold(letter) for letter in letters} == dict(zip(letters, in_database, strict=True))


def test_letters_of_central_asia_are_found_by_those_of_a_russian_keyboard(db):
    names = {
        "Әлия": "алия",
        "Өмүр": "омур",
        "Ғұлама": "гулама",
        "Қаҳҳор": "каххор",
        "Ҷамшед": "чамшед",
        "Іңкәр": "инкар",
    }
    assert rows(db, folded, list(names)) == list(names.values()) == [fold(name) for name in names]


def test_the_dot_of_catalan_is_not_needed(db):
    names = ["Ŀlop", "Col\u00b7lell", "Co\u0140lell"]
    assert rows(db, folded, names) == ["llop", "collell", "collell"] == [fold(name) for name in names]


def test_an_accent_typed_as_a_mark_of_its_own_is_the_same(db):
    letters = [letter for letter in WEST_AFRICA if unicodedata.normalize("NFD", letter) != letter]
    apart = [unicodedata.normalize("NFD", letter) for letter in letters] + ["ɔ̀", "ɛ̃", "ẹ́", "ŋ̀"]
    whole = rows(db, folded, letters) + ["o", "e", "e", "n"]
    assert rows(db, folded, apart) == [fold(letter) for letter in apart] == whole


def test_every_apostrophe_is_one_and_is_not_needed_in_a_name(db):
    names = [f"N{sign}Diaye" for sign in APOSTROPHES]
    assert set(rows(db, folded, names)) == {"n'diaye"} == {fold(name) for name in names}
    assert set(rows(db, folded_name, [*names, "ndiaye"])) == {"ndiaye"}


def test_every_hyphen_is_a_blank_in_a_name(db):
    assert set(rows(db, folded_name, [f"Abdul{sign}Rahman" for sign in HYPHENS])) == {"abdul rahman"}


def test_other_scripts_are_found_in_capitals_too(db):
    assert rows(db, folded, ["ИВАНОВ", "ΠΑΠΑΔΟΠΟΥΛΟΣ", "ԱՐԱՄ"]) == ["иванов", "παπαδοπουλοσ", "արամ"]


def test_no_character_becomes_a_placeholder_of_like(db):
    """`%`, `_` and `\\` are escaped before the database folds; a character that becomes one of them must not match all."""
    signs = [chr(n) for n in range(0x20, 0x3000) if chr(n).isprintable()] + ["％", "＿", "＼", "﹪", "﹨"]
    pairs = (
        func.unnest(array(signs), array([escape_like(sign) for sign in signs]))
        .table_valued("sign", "escaped")
        .render_derived()
    )
    loose = select(pairs.c.sign).where(func.hms_fold("qqq").like(func.hms_fold(pairs.c.escaped), escape="\\"))
    assert db.session.scalars(loose).all() == []


def test_what_shows_nothing_is_left_out_and_is_no_text(db):
    names = [f"Ka{invisible}mara" for invisible in INVISIBLE]
    assert {clean(name, longest=60) for name in names} == {"Kamara"}
    for hidden in "\ufe0f\ufe00\u180b\u206a\ufff9\U000e0041\U000e0100\U0001d173":
        assert (clean(f"Ka{hidden}mara", longest=60), fold(f"Ka{hidden}mara")) == ("Kamara", "kamara")
    assert (
        clean("\u2764\ufe0f \U0001f3f4\U000e0067\U000e007f", longest=60)
        == "\u2764\ufe0f \U0001f3f4\U000e0067\U000e007f"
    )
    assert {clean(invisible * 3, longest=60) for invisible in INVISIBLE} == {""}
    assert set(rows(db, folded, names)) == {"kamara"} == {fold(name) for name in names}


def test_a_joiner_stays_where_it_is_seen():
    assert clean("نمی\u200cخواهم", longest=60) == "نمی\u200cخواهم"
    assert clean("Ka\u200dmara", longest=60) == "Kamara"
    with pytest.raises(TextError, match="some text"):
        clean("\u0301", longest=60)
