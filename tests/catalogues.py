"""Pages in another language: a compiled catalogue for the time of a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import Flask


@contextmanager
def offered(
    app: Flask, folder: Path, language: str, sentences: Mapping[str | tuple[str, str], str | list[str]]
) -> Iterator[None]:
    """Offer `language` with these translations, compiled in `folder`, instead of the application's own languages."""
    catalogue = Catalog(locale=language)
    for words, translated in sentences.items():
        catalogue.add(words, translated)
    messages = folder / language / "LC_MESSAGES"
    messages.mkdir(parents=True)
    with (messages / "messages.mo").open("wb") as out:
        write_mo(out, catalogue)
    settings = app.extensions["babel"]
    before, settings.translation_directories = settings.translation_directories, [str(folder)]
    with app.app_context():
        settings.instance.domain_instance.cache.clear()
    yield
    settings.translation_directories = before
    settings.instance.domain_instance.cache.clear()
