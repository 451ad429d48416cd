"""The words of a page in the reader's language, found by one look into a dictionary.

A busy page has hundreds of sentences; asking the catalogue through all its layers for each cost a third of the page.
The layers are asked once for each sentence and language.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any

from flask import Flask, g
from flask_babel import Babel, Domain, get_locale, get_translations
from markupsafe import Markup

from .written import marked_up


class Sentences(Domain):
    """The catalogue, looked for once in a request instead of once for each sentence."""

    def get_translations(self) -> Any:
        found = g.get("translations") if g else None
        if found is None:
            found = super().get_translations()
            if g:
                g.translations = found
        return found


class Languages(Babel):
    """Flask-Babel with the hospital's catalogue and a short way from a template to a sentence."""

    def init_app(self, app: Flask, *args: Any, **kwargs: Any) -> None:
        super().init_app(app, *args, **kwargs)
        app.jinja_env.globals.update(_=say, gettext=say, ngettext=say_number)

    @cached_property
    def domain_instance(self) -> Domain:
        return Sentences(domain=self.domain)


def language() -> str:
    """The reader's language, e.g. "en"; English where nobody asks."""
    try:
        return g.language
    except (AttributeError, RuntimeError):  # not asked yet in this request; outside any
        locale = get_locale()
        if locale is None:
            return "en"
        g.language = locale.language
        return locale.language


def say(sentence: str, **values: Any) -> Markup:
    """The sentence in the reader's language, its `values` escaped. Templates are all HTML."""
    return say_in(language())(sentence, **values)


@lru_cache
def say_in(chosen: str) -> Callable[..., Markup]:
    """`say` for the reader's language, when it is known to be `chosen`."""
    known: dict[str, Markup] = {}

    def said(sentence: str, **values: Any) -> Markup:
        text = known.get(sentence)
        if text is None:
            text = known[sentence] = marked_up(get_translations().ugettext(sentence))
        return text % values if values or "%" in text else text

    return said


def say_number(one: str, many: str, num: int, **values: Any) -> Markup:
    """The sentence that fits the number, which is its `%(num)s`; its `values` escaped."""
    sentence = get_translations().ungettext(one, many, num)
    return marked_up(sentence) % {"num": num, **values}
