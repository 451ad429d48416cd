"""Cleaning of typed text, escaping for LIKE, and folding for comparison."""

from __future__ import annotations

import re
import unicodedata

from hms.core.errors import RuleBroken

from .translation import N_, Sentence

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")
_LINE_BREAK = re.compile(r"[\r\n\t\u2028\u2029]")


class TextError(ValueError):
    """Typed text that is not allowed; `sentence` says what the user should change."""

    def __init__(self, message: str, /, **values: object) -> None:
        self.sentence = Sentence(message, **values)
        super().__init__(self.sentence)


def clean(text: str | None, *, longest: int, multiline: bool = False) -> str:
    """`text` in NFC, without blanks at both ends, with `\\n` as line break; None counts as empty text.

    `TextError` for control characters, lone surrogates, bidirectional overrides, more than `longest` characters, or text in
    which nothing is visible.
    """
    cleaned = unicodedata.normalize("NFC", text or "").strip().replace("\r\n", "\n")
    if _CONTROL.search(cleaned) or (not multiline and _LINE_BREAK.search(cleaned)):
        raise TextError(N_("Remove the characters that cannot be displayed."))
    if cleaned and not any(unicodedata.category(c)[0] in "LNPS" for c in cleaned):
        raise TextError(N_("Enter some text."))
    if len(cleaned) > longest:
        count = len(cleaned)
        raise TextError(N_("Use at most %(longest)s characters; this has %(count)s."), longest=longest, count=count)
    return cleaned


def clean_field(text: str | None, field: str, *, longest: int, multiline: bool = False) -> str:
    """`clean(text)`; `RuleBroken` at `field` instead of `TextError`."""
    try:
        return clean(text, longest=longest, multiline=multiline)
    except TextError as error:
        raise RuleBroken(error.sentence, field) from error


def without_control_characters(text: str) -> str:
    """`text` without the characters that `clean` refuses, to show a refused form again."""
    return _CONTROL.sub("", text)


def escape_like(term: str) -> str:
    """`term` escaped for LIKE with `\\` as escape character; the caller adds the `%`."""
    return re.sub(r"([\\%_])", r"\\\1", unicodedata.normalize("NFC", term))


def search_text(typed: str | None, *, longest: int = 100) -> str:
    """The text to search for: `typed` with blanks instead of characters that cannot be displayed.

    When only such characters were typed, the result is a character that matches nothing (`is_only_punctuation`), because an
    empty search finds everything.
    """
    printable = "".join(c if c.isprintable() else " " for c in (typed or "")[:longest]).strip()
    return printable or ("\N{REPLACEMENT CHARACTER}" if (typed or "").strip() else "")


def is_only_punctuation(text: str) -> bool:
    """Whether `text` is not blank but has neither a letter nor a digit; a search for it finds nothing."""
    return bool(text.strip()) and not any(unicodedata.category(c)[0] in "LN" for c in text)


def fold(text: str) -> str:
    """Lower case, without accents, with single blanks, for comparing names: "José  Ñandú" -> "jose nandu"."""
    unaccented = text
    if not text.isascii():
        unaccented = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(unaccented.casefold().replace("ø", "o").replace("ł", "l").replace("đ", "d").split())


def digits(text: str) -> str:
    """Only the ASCII digits of `text`."""
    return re.sub(r"[^0-9]", "", text)
