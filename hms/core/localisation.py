"""The languages of pages, the reader's language, and the one place where a sentence is translated and filled in."""

from __future__ import annotations

from flask import g, has_request_context, request
from flask_babel import Babel, force_locale, get_locale, gettext
from flask_login import current_user

from .errors import DomainError
from .words import Sentence

LANGUAGES = ("en", "fr", "sw")

babel = Babel()


def select_language() -> str:
    """The reader's choice, or what the browser asks for; English for papers, which the worker makes without a reader.

    Who reads is not asked before the guard has let the request in (`g.is_reader_known`): a refusal of one that it has not
    let in must not need the database.
    """
    if not has_request_context():
        return "en"
    is_known = g.get("is_reader_known", True)
    chosen = getattr(current_user, "language", None) if is_known and current_user else None
    return chosen or request.accept_languages.best_match(LANGUAGES) or "en"


def current_language() -> str:
    """The language of this page, for example "en"; English outside a request."""
    locale = get_locale()
    return locale.language if locale else "en"


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
    """`sentence`, or a lazy label, in English whatever the reader's language: for what is stored."""
    with force_locale("en"):
        return translate(sentence)
