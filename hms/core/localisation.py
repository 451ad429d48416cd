"""The reader's language, and the one place where a refusal's sentence is translated and filled in."""

from __future__ import annotations

from flask_babel import gettext

from .errors import DomainError


def translate_error(error: DomainError) -> str:
    """The sentence of `error` in the reader's language with its values in place: plain text, to be escaped where it is shown."""
    return gettext(error.message, **error.values)
