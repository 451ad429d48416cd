"""The reader's language, and the one place where a sentence with values is translated and filled in."""

from __future__ import annotations

from flask_babel import force_locale, gettext

from .errors import DomainError
from .words import Sentence


def translate_error(error: DomainError) -> str:
    """The sentence of `error` in the reader's language with its values in place: plain text, to be escaped where it is shown."""
    return translate(error.sentence)


def translate(sentence: object) -> str:
    """`sentence` in the reader's language with its values in place: plain text, to be escaped where it is shown.

    What is no `Sentence` is data or a lazy label, and only becomes text.
    """
    if not isinstance(sentence, Sentence):
        return str(sentence)
    values = {
        name: translate(value) if isinstance(value, Sentence) else value for name, value in sentence.values.items()
    }
    return gettext(sentence.message, **values)


def in_english(sentence: object) -> str:
    """`sentence`, or a lazy label, in English whoever asks: for what is stored."""
    with force_locale("en"):
        return translate(sentence)
