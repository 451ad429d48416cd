"""The languages of pages, the reader's language, and the one place where a sentence is translated and filled in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from babel.support import NullTranslations
from flask import Flask, g, has_app_context, has_request_context, request
from flask_babel import Babel, force_locale, get_locale, get_translations, gettext
from flask_login import current_user

from hms.core.errors import DomainError
from hms.core.text.translation import Sentence

LANGUAGES = ("en", "fr", "sw")

babel = Babel(configure_jinja=False)


def install(app: Flask) -> None:
    """Flask-Babel, with `_()` and `ngettext()` for templates.

    They return text, which Jinja escapes like any other; Flask-Babel's own way would mark the sentence as markup.
    """
    babel.init_app(app, locale_selector=select_language)
    app.jinja_env.globals.update(_=_in_page, ngettext=_in_page_counted)


def _in_page(message: str, **values: object) -> str:
    sentence = catalogue().ugettext(message)
    return sentence % values if values else sentence


def _in_page_counted(one: str, many: str, num: int, **values: object) -> str:
    return catalogue().ungettext(one, many, num) % {"num": num, **values}


def catalogue() -> NullTranslations:
    """The catalogue of the language in force, looked up once for a page: a page of a list holds hundreds of sentences."""
    kept = g.get("catalogue")
    if kept is None:
        kept = g.catalogue = get_translations()
    return kept


@contextmanager
def language(name: str) -> Iterator[None]:
    """Sentences inside are in the language `name` ("fr"), whatever the reader's is; outside the application they are English."""
    if not has_app_context():
        yield
        return
    kept = g.pop("catalogue", None)
    try:
        with force_locale(name):
            yield
    finally:
        g.pop("catalogue", None)
        if kept is not None:
            g.catalogue = kept


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
    with language("en"):
        return translate(sentence)
