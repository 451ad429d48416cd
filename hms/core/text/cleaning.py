"""One cleaner for what people type, one escaper for LIKE, one folding for comparison."""

from __future__ import annotations

import re
import unicodedata

from hms.core.errors import RuleBroken

from .translation import N_, Sentence

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")
_LINE_BREAK = re.compile(r"[\r\n\t\u2028\u2029]")


class TextError(ValueError):
    """Typed text that cannot be kept; `sentence` says what a person should change."""

    def __init__(self, message: str, /, **values: object) -> None:
        self.sentence = Sentence(message, **values)
        super().__init__(self.sentence)


def clean(text: str | None, *, longest: int, multiline: bool = False) -> str:
    """`text` in NFC without outer blanks (and with plain newlines); `TextError` says what a person should change.

    A field that was not sent at all is as good as an empty one.

    Refuses control characters, lone surrogates, bidirectional overrides, text longer than `longest` characters, and text
    in which nothing is visible.
    """
    tidy = unicodedata.normalize("NFC", text or "").strip().replace("\r\n", "\n")
    if _CONTROL.search(tidy) or (not multiline and _LINE_BREAK.search(tidy)):
        raise TextError(N_("Remove the characters that cannot be displayed."))
    if tidy and not any(unicodedata.category(c)[0] in "LNPS" for c in tidy):
        raise TextError(N_("Enter some text."))
    if len(tidy) > longest:
        raise TextError(N_("Use at most %(longest)s characters; this has %(count)s."), longest=longest, count=len(tidy))
    return tidy


def clean_field(text: str | None, field: str, *, longest: int, multiline: bool = False) -> str:
    """`text` as `clean` keeps it; `RuleBroken` on `field` says what a person should change."""
    try:
        return clean(text, longest=longest, multiline=multiline)
    except TextError as error:
        raise RuleBroken(error.sentence, field) from error


def without_control_characters(text: str) -> str:
    """`text` without the characters that `clean` refuses: what a refused form gives back to be put right."""
    return _CONTROL.sub("", text)


def escape_like(term: str) -> str:
    """`term` escaped for LIKE with `\\` as escape character; the caller adds the `%`."""
    return re.sub(r"([\\%_])", r"\\\1", unicodedata.normalize("NFC", term))


def search_text(typed: str | None, *, longest: int = 100) -> str:
    """What a search looks for: characters that cannot be shown are as good as blanks.

    When nothing else was typed, it is a sign that is found nowhere (`is_only_punctuation`): only an empty search finds all.
    """
    shown = "".join(c if c.isprintable() else " " for c in (typed or "")[:longest]).strip()
    return shown or ("\N{REPLACEMENT CHARACTER}" if (typed or "").strip() else "")


def is_only_punctuation(text: str) -> bool:
    """Whether `text` says something, but has neither a letter nor a digit: a search for it finds nothing."""
    return bool(text.strip()) and not any(unicodedata.category(c)[0] in "LN" for c in text)


def fold(text: str) -> str:
    """Lower case without accents, for comparing names: "José  Ñandú" -> "jose nandu"."""
    bare = text
    if not text.isascii():
        bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(bare.casefold().replace("ø", "o").replace("ł", "l").replace("đ", "d").split())


def digits(text: str) -> str:
    """Only the ASCII digits of `text`."""
    return re.sub(r"[^0-9]", "", text)
