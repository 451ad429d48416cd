"""The words of a page in the reader's language, found by one look into a dictionary.

A busy page has hundreds of sentences; asking the catalogue through all its layers for each cost a third of the page.
The layers are asked once for each sentence and language.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from flask import Flask, g
from flask_babel import Babel, Domain, get_locale, get_translations
from markupsafe import Markup

_spoken: dict[str, dict[str, Markup]] = {}


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
        app.jinja_env.globals.update(_=say, gettext=say)

    @cached_property
    def domain_instance(self) -> Domain:
        return Sentences(domain=self.domain)


def language() -> str:
    """The reader's language, e.g. "en"; English where nobody asks."""
    known = g.get("language") if g else None
    if known is None:
        locale = get_locale()
        known = locale.language if locale else "en"
        if locale and g:
            g.language = known
    return known


def say(sentence: str, **values: Any) -> Markup:
    """The sentence in the reader's language, its `values` escaped. Templates are all HTML."""
    known = g.get("spoken")
    if known is None:
        known = g.spoken = _spoken.setdefault(language(), {})
    said = known.get(sentence)
    if said is None:
        said = known[sentence] = Markup(get_translations().ugettext(sentence))  # noqa: S704 - our own # nosec B704
    return said % values if values or "%" in said else said
