"""Which passwords and PINs are accepted."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

from hms.core.errors import RuleBroken
from hms.core.text.cleaning import fold
from hms.core.text.translation import N_
from hms.staff.rules import (
    _PIN,
    _READ_AS,
    _WALKS,
    _YEAR,
    FEWEST_SIGNS,
    LONGEST_PASSWORD,
    LONGEST_PIECE,
    SHORTEST_LEAKED,
    SHORTEST_PASSWORD,
)


def check_password(
    password: str, own_words: Iterable[str] = (), field: str = "password", *, shortest: int = SHORTEST_PASSWORD
) -> None:
    """Refuse a password that is short or easy to guess; `own_words` are the person's and the hospital's names."""
    length = len(unicodedata.normalize("NFKC", password))
    if length < shortest:
        message = N_("Use at least %(count)s characters. Four or five unrelated words are good.")
        raise RuleBroken(message, field, code="too_short", count=shortest)
    if len(password) > LONGEST_PASSWORD or length > LONGEST_PASSWORD:
        raise RuleBroken(N_("Use at most 1,024 characters."), field, code="too_long")
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in password):
        raise RuleBroken(N_("Remove characters that cannot be typed."), field)
    if is_guessable(password, own_words):
        raise RuleBroken(
            N_("This password is easy to guess. Use four or five unrelated words."),
            field,
            code="guessable",
        )


def check_pin(pin: str, field: str = "pin") -> None:
    """Four to eight plain digits, and none of those everybody tries first: one digit repeated, a run, a year."""
    if not _PIN.fullmatch(pin):
        raise RuleBroken(N_("Enter a PIN of 4 to 8 digits."), field)
    half = len(pin) // 2
    is_doubled = pin[:half] == pin[half:]
    if len(set(pin)) < 2 or is_doubled or _is_walk(pin) or _YEAR.fullmatch(pin):
        raise RuleBroken(N_("This PIN is easy to guess. Do not use sequences, repeated digits or years."), field)


def is_guessable(password: str, own_words: Iterable[str] = ()) -> bool:
    """True for runs, repeats, and for common or own words strung together, whatever stands between."""
    plain = fold(unicodedata.normalize("NFKC", password))
    if len(set(plain)) < FEWEST_SIGNS or _is_repeat(plain) or _is_walk(plain):
        return True
    if {plain, _trimmed(plain)} & used_passwords():
        return True
    known = common_words() | {word for text in own_words for word in _words(fold(text))}
    return any(_is_strung(letters, known) for letters in _readings(plain))


def _words(text: str) -> set[str]:
    """The words of three letters and more, and all letters in a row: `k.kamara` gives kamara and kkamara."""
    letters = re.sub(r"[\W\d_]", "", text)
    return {word for word in [*re.split(r"[\W\d_]+", text), letters] if len(word) > 2}


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """Words people choose first: the most used passwords, names, football, faith, places, the hospital's words."""
    here = Path(__file__).parents[1]
    return frozenset(f"{(here / 'common_words.txt').read_text()} {(here / 'hospital_words.txt').read_text()}".split())


@lru_cache(maxsize=1)
def used_passwords() -> frozenset[str]:
    """The 30,000 passwords met most often in leaks, as the library zxcvbn keeps them; its list alone is read."""
    folder = find_spec("zxcvbn").submodule_search_locations[0]
    spec = spec_from_file_location("used_passwords", Path(folder) / "frequency_lists.py")
    lists = module_from_spec(spec)
    spec.loader.exec_module(lists)
    return frozenset(word for word in lists.FREQUENCY_LISTS["passwords"] if len(word) >= SHORTEST_LEAKED)


def _trimmed(plain: str) -> str:
    """Without the digits and signs people put around a word they know."""
    return re.sub(r"^[\W\d_]+|[\W\d_]+$", "", plain)


def _readings(plain: str) -> set[str]:
    """The letters alone, and the letters with digits and signs read as the letters they resemble (`p4ssw0rd`)."""
    read = [text.translate(table) for text in (plain, _trimmed(plain)) for table in _READ_AS]
    return {re.sub(r"[\W\d_]", "", text) for text in [plain, *read]}


def _is_repeat(plain: str) -> bool:
    """`abcabcabcabc`: one short piece over and over, perhaps cut at the end."""
    return any((plain[:size] * len(plain)).startswith(plain) for size in range(1, LONGEST_PIECE + 1))


def _is_walk(plain: str) -> bool:
    """`abcdefghijkl`, `qwertyuiop12`: nothing but pieces of the alphabet, the digits or the keyboard."""
    lines = [line for walk in _WALKS for line in (walk * 2, (walk * 2)[::-1])]
    at = 0
    while at < len(plain):
        step = next((n for n in range(len(plain) - at, 2, -1) if any(plain[at : at + n] in line for line in lines)), 0)
        if step < min(4, len(plain) - at) and len(plain) - at > 2:
            return False
        at += max(step, 2)
    return True


def _is_strung(letters: str, known: frozenset[str]) -> bool:
    """True when `letters` are known words and nothing else; no letters at all are digits, which is another matter."""
    reached = {0} if letters else set()
    longest = max(map(len, known), default=0)
    for end in range(1, len(letters) + 1):
        starts = range(max(0, end - longest), end)
        if any(start in reached and letters[start:end] in known for start in starts):
            reached.add(end)
    return bool(letters) and len(letters) in reached
