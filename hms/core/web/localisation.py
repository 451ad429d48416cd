"""The languages of pages, the reader's language, and the translation of sentences with their values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from babel.support import NullTranslations
from flask import Flask, g, has_app_context, has_request_context, request, session
from flask_babel import Babel, force_locale, get_babel, get_locale, get_translations, gettext
from flask_login import current_user

from hms.core.errors import DomainError
from hms.core.money import Money
from hms.core.text.numbers import show
from hms.core.text.translation import Sentence

babel = Babel(configure_jinja=False)
_KEPT = ("catalogue", "language_name")
"""What is kept for a request in one language."""


def offered_languages() -> dict[str, str]:
    """The languages that pages can be read in, by code, each with its own name: English and those with a catalogue."""
    return _languages_in(tuple(get_babel().translation_directories))


@lru_cache(maxsize=8)
def _languages_in(_folders: tuple[str, ...]) -> dict[str, str]:
    # The folders are the cache's key: Flask-Babel reads them from the application.
    locales = babel.list_translations()
    return {"en": "English"} | {locale.language: locale.get_language_name().capitalize() for locale in locales}


def install(app: Flask) -> None:
    """Set up Flask-Babel, and `_()` and `ngettext()` for templates.

    They return text, which Jinja escapes; the functions of Flask-Babel's Jinja extension would return markup.
    """
    babel.init_app(app, locale_selector=select_language)
    app.jinja_env.globals.update(_=_template_gettext, ngettext=_template_ngettext)


def _template_gettext(message: str, **values: object) -> str:
    sentence = catalogue().ugettext(message)
    return sentence % values if values else sentence


def _template_ngettext(singular: str, plural: str, num: int, **values: object) -> str:
    return catalogue().ungettext(singular, plural, num) % {"num": num, **values}


def catalogue() -> NullTranslations:
    """The catalogue of the current language, kept for the request: the page of a list has hundreds of sentences."""
    current = g.get("catalogue")
    if current is None:
        current = g.catalogue = get_translations()
    return current


@contextmanager
def language(name: str) -> Iterator[None]:
    """Use the language `name` ("fr") inside the block, whatever the reader's is; without an application context, English."""
    if not has_app_context():
        yield
        return
    kept = {key: g.pop(key, None) for key in _KEPT}
    try:
        with force_locale(name):
            yield
    finally:
        for key, value in kept.items():
            g.pop(key, None)
            if value is not None:
                setattr(g, key, value)


def select_language() -> str:
    """The language the reader has chosen, else the browser's, as far as it is offered; English outside a request, as for
    documents.

    The reader is not loaded before the guard has accepted the request (`g.is_reader_known`): an error page for a refused
    request must not need the database. Its language is then the one that the session remembers.
    """
    if not has_request_context():
        return "en"
    is_known = g.get("is_reader_known", True)
    own_choice = getattr(current_user, "language", None) if is_known and current_user else session.get("language")
    offered = offered_languages()
    return own_choice if own_choice in offered else request.accept_languages.best_match(offered) or "en"


def current_language() -> str:
    """The language of this page, for example "en", kept for the request; English outside a request."""
    if not has_app_context():
        return "en"
    language_name = g.get("language_name")
    if language_name is None:
        locale = get_locale()
        language_name = g.language_name = locale.language if locale else "en"
    return language_name


def is_right_to_left() -> bool:
    """Whether the language of this page is written from right to left."""
    locale = get_locale()
    return locale is not None and locale.text_direction == "rtl"


def translate_error(error: DomainError) -> str:
    """The message of `error` in the reader's language with its values: plain text, to be escaped where it is shown."""
    return translate(error.sentence)


def translate(sentence: object) -> str:
    """`sentence` in the reader's language with its values: plain text, to be escaped where it is shown.

    Anything else (data, a lazy label) is only converted to text.
    """
    if not isinstance(sentence, Sentence):
        return str(sentence)
    return gettext(sentence.message, **{name: _shown(value) for name, value in sentence.values.items()})


def _shown(value: object) -> object:
    if isinstance(value, Money):
        return show(value)
    return translate(value) if isinstance(value, Sentence) else value


def in_english(sentence: object) -> str:
    """`sentence`, or a lazy label, in English whatever the reader's language, to store it."""
    with language("en"):
        return translate(sentence)
