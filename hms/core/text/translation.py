"""Sentences for translation where Flask may not be imported: the marker of a literal, and a sentence with its values.

A label without values is a `flask_babel.lazy_gettext` literal instead: it is printed in the reader's language as it is.
"""

from __future__ import annotations

from collections.abc import Iterable


def N_(sentence: str) -> str:
    """The sentence unchanged; the catalogue extractor finds it, and it is translated where it is shown."""
    return sentence


class Sentence:
    """A sentence of the catalogue and the values of its places, such as `%(due)s`, kept apart until it is shown.

    `localisation.translate` (the filter `translate` in templates) translates it and fills it in. `str()` gives the English
    sentence, for what is stored, compared or logged. A value may itself be a `Sentence` or a lazy label; a lazy label comes
    in the language of the request, so a sentence with one is stored by `localisation.in_english`.
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
    """Sentences that follow each other, as one; each is translated by itself."""
    parts = {f"part_{place}": sentence for place, sentence in enumerate(sentences)}
    return Sentence(" ".join(f"%({name})s" for name in parts), **parts)
