"""Which passwords and PINs are accepted.

Passwords follow NIST SP 800-63B: long, not guessable, without rules about kinds of characters, never cut.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import permutations
from pathlib import Path
from threading import Lock

from zxcvbn import zxcvbn

from hms.core.errors import RuleBroken
from hms.core.text.cleaning import fold
from hms.core.text.translation import N_

MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH = 12, 1024
MIN_SCORE = 3
"""Of zxcvbn's 0 to 4: more than a hundred million guesses."""
MAX_SCORED_LENGTH = 32
"""The beginning alone has to be strong enough. A text of 72 characters, the most zxcvbn takes, can be written so that it
keeps a processor busy for three seconds; one of 32 for less than half a second."""
MAX_JOINED_WORDS = 12
"""Of a person's words so many are also joined in pairs."""
_ZXCVBN_LOCK = Lock()
"""zxcvbn keeps the words it was given last in a variable of its module."""
_PIN = re.compile(r"[0-9]{4,8}", re.ASCII)
_YEAR = re.compile(r"(19|20)[0-9]{2}", re.ASCII)
_DIGITS_IN_A_ROW = "01234567890" * 2


def check_password(
    password: str, own_words: Iterable[str] = (), field: str = "password", *, shortest: int = MIN_PASSWORD_LENGTH
) -> None:
    """Refuse a password that is short or easy to guess; `own_words` are the person's and the hospital's names."""
    check_length(password, field, shortest=shortest)
    check_strength(password, own_words, field)


def check_length(password: str, field: str = "password", *, shortest: int = MIN_PASSWORD_LENGTH) -> None:
    """Refuse a password that is too short, too long, or has characters that cannot be typed."""
    length = len(unicodedata.normalize("NFKC", password))
    if length < shortest:
        message = N_("Use at least %(count)s characters. Four or five unrelated words are good.")
        raise RuleBroken(message, field, code="too_short", count=shortest)
    if len(password) > MAX_PASSWORD_LENGTH or length > MAX_PASSWORD_LENGTH:
        raise RuleBroken(N_("Use at most 1,024 characters."), field, code="too_long")
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in password):
        raise RuleBroken(N_("Remove characters that cannot be typed."), field)


def check_strength(password: str, own_words: Iterable[str] = (), field: str = "password") -> None:
    """Refuse a password that zxcvbn says is guessed quickly. A stranger's request is counted before this is called."""
    judged = unicodedata.normalize("NFKC", password)[:MAX_SCORED_LENGTH]
    with _ZXCVBN_LOCK:
        score = zxcvbn(judged, [*_expand_words(own_words), *hospital_words()])["score"]
    if score < MIN_SCORE:
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
    if len(set(pin)) < 2 or is_doubled or _is_run(pin) or _YEAR.fullmatch(pin):
        raise RuleBroken(N_("This PIN is easy to guess. Do not use sequences, repeated digits or years."), field)


def _is_run(pin: str) -> bool:
    """`1234`, `98765`, `12344321`: nothing but pieces of the row of digits, forwards or backwards."""
    rows = (_DIGITS_IN_A_ROW, _DIGITS_IN_A_ROW[::-1])
    at = 0
    while at < len(pin):
        step = next((n for n in range(len(pin) - at, 2, -1) if any(pin[at : at + n] in row for row in rows)), 0)
        if step < min(4, len(pin) - at) and len(pin) - at > 2:
            return False
        at += max(step, 2)
    return True


def _expand_words(texts: Iterable[str]) -> list[str]:
    """The texts, their words of three letters and more, all letters of each in a row, and every two words joined.

    `k.kamara` gives k.kamara, kamara and kkamara; with `Jane` also janekamara and kamarajane.
    """
    words: dict[str, None] = {}
    for text in map(fold, texts):
        parts = [text, *re.split(r"[\W\d_]+", text), re.sub(r"[\W\d_]", "", text)]
        words |= dict.fromkeys(part for part in parts if len(part) > 2)
    alone = [word for word in words if word.isalpha()]
    return [*words, *map("".join, permutations(alone[:MAX_JOINED_WORDS], 2))]


@lru_cache(maxsize=1)
def hospital_words() -> tuple[str, ...]:
    """The words of a hospital, which its people choose first."""
    return tuple((Path(__file__).parents[1] / "hospital_words.txt").read_text(encoding="utf-8").split())
