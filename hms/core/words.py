"""Marks sentences for translation where Flask may not be imported (rules, enums): the text itself is the key."""

from __future__ import annotations


def _(sentence: str) -> str:
    """The sentence unchanged; the catalogue extractor finds it, and the page translates it when it is shown."""
    return sentence
