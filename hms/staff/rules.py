"""What must be true of accounts: usernames, e-mail addresses and passwords.

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
from hms.core.text import fold
from hms.core.words import _

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 1024
LONGEST_USERNAME, LONGEST_EMAIL = 150, 254
LOWEST_SCORE = 3
"""Of zxcvbn's 0 to 4: more than a hundred million guesses."""
JUDGED_CHARACTERS = 32
"""The beginning alone has to be strong enough. A text of 72 characters, the most zxcvbn takes, can be written so that it
keeps a processor busy for three seconds; one of 32 for less than half a second."""
MOST_JOINED = 12
"""Of a person's words so many are also joined in pairs."""
_ONE_AT_A_TIME = Lock()
"""zxcvbn keeps the words it was given last in a variable of its module."""
_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*")
_EMAIL = re.compile(
    r"[^@\s]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_PIN = re.compile(r"[0-9]{4,8}", re.ASCII)
_YEAR = re.compile(r"(19|20)[0-9]{2}", re.ASCII)
_DIGITS_IN_A_ROW = "01234567890" * 2


def username(text: str, field: str = "username") -> str:
    """The username as it is kept; compare it without case. `RuleBroken` on `field` says what it may hold."""
    typed = text.strip()
    if not typed:
        raise RuleBroken(_("Enter a username."), field)
    if len(typed) > LONGEST_USERNAME or not _USERNAME.fullmatch(typed):
        raise RuleBroken(_("A username has up to 150 letters A to Z, digits and . _ - + @, and no blanks."), field)
    return typed


def email(text: str, field: str = "email") -> str:
    """The address as it is kept, or nothing; hosts of the hospital's own network without a dot are fine."""
    typed = text.strip()
    if typed and (len(typed) > LONGEST_EMAIL or not _EMAIL.fullmatch(typed) or not typed.isprintable()):
        raise RuleBroken(_("Write the e-mail address like name@example.org."), field)
    return typed


def check_password(
    password: str, own_words: Iterable[str] = (), field: str = "password", *, shortest: int = SHORTEST_PASSWORD
) -> None:
    """Refuse a password that is short or easy to guess; `own_words` are the person's and the hospital's names."""
    check_length(password, field, shortest=shortest)
    check_guesses(password, own_words, field)


def check_length(password: str, field: str = "password", *, shortest: int = SHORTEST_PASSWORD) -> None:
    """Refuse a password that is too short, too long, or has characters that cannot be typed."""
    length = len(unicodedata.normalize("NFKC", password))
    if length < shortest:
        message = _("Use at least %(count)s characters. Four or five words that do not belong together are good.")
        raise RuleBroken(message, field, code="too_short", count=shortest)
    if len(password) > LONGEST_PASSWORD or length > LONGEST_PASSWORD:
        raise RuleBroken(_("Use at most 1,024 characters."), field, code="too_long")
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in password):
        raise RuleBroken(_("Leave out characters that cannot be typed."), field)


def check_guesses(password: str, own_words: Iterable[str] = (), field: str = "password") -> None:
    """Refuse a password that zxcvbn says is guessed quickly. A stranger's request is counted before this is called."""
    judged = unicodedata.normalize("NFKC", password)[:JUDGED_CHARACTERS]
    with _ONE_AT_A_TIME:
        score = zxcvbn(judged, [*_own_words(own_words), *hospital_words()])["score"]
    if score < LOWEST_SCORE:
        raise RuleBroken(
            _("This password is easy to guess. Use four or five words that do not belong together."),
            field,
            code="guessable",
        )


def check_pin(pin: str, field: str = "pin") -> None:
    """Four to eight plain digits, and none of those everybody tries first: one digit repeated, a run, a year."""
    if not _PIN.fullmatch(pin):
        raise RuleBroken(_("A PIN has 4 to 8 digits."), field)
    half = len(pin) // 2
    is_doubled = pin[:half] == pin[half:]
    if len(set(pin)) < 2 or is_doubled or _is_run(pin) or _YEAR.fullmatch(pin):
        raise RuleBroken(_("This PIN is easy to guess. Leave out runs, repeated digits and years."), field)


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


def _own_words(texts: Iterable[str]) -> list[str]:
    """The texts, their words of three letters and more, all letters of each in a row, and every two words joined.

    `k.kamara` gives k.kamara, kamara and kkamara; with `Jane` also janekamara and kamarajane.
    """
    words: dict[str, None] = {}
    for text in map(fold, texts):
        parts = [text, *re.split(r"[\W\d_]+", text), re.sub(r"[\W\d_]", "", text)]
        words |= dict.fromkeys(part for part in parts if len(part) > 2)
    alone = [word for word in words if word.isalpha()]
    return [*words, *map("".join, permutations(alone[:MOST_JOINED], 2))]


@lru_cache(maxsize=1)
def hospital_words() -> tuple[str, ...]:
    """The words of a hospital, which its people choose first."""
    return tuple(Path(__file__).with_name("hospital_words.txt").read_text(encoding="utf-8").split())
