"""Translatable sentences for modules that do not import Flask: the marker `N_`, and a sentence with its values.

A label without values is a `flask_babel.lazy_gettext` literal instead.
"""

from __future__ import annotations

from collections.abc import Iterable


def N_(sentence: str) -> str:
    """Return the sentence unchanged. The marker adds it to the catalogue; it is translated where it is shown."""
    return sentence


class Sentence:
    """A sentence of the catalogue and the values of its placeholders, such as `%(due)s`, kept apart until it is shown.

    `localisation.translate` (the filter `translate` in templates) translates it and fills it in. `str()` gives the English
    sentence, to store, compare or log it. A value may itself be a `Sentence` or a lazy label. A lazy label is in the
    language of the request: use `localisation.in_english` to store a sentence that has one.
    """

    __slots__ = ("message", "values")

    def __init__(self, message: str, /, **values: object) -> None:
        self.message = message
        self.values = values

    def __str__(self) -> str:
        return self.message % self.values if self.values else self.message

    def __repr__(self) -> str:
        return f"Sentence({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sentence) and (self.message, self.values) == (other.message, other.values)

    def __hash__(self) -> int:
        return hash(str(self))


def joined(sentences: Iterable[Sentence]) -> Sentence:
    """The sentences as one `Sentence`, with a blank between them; each is translated separately."""
    parts = {f"part_{number}": sentence for number, sentence in enumerate(sentences)}
    return Sentence(" ".join(f"%({name})s" for name in parts), **parts)
