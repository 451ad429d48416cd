"""Papers as they leave the printer: each page with its words, its size and its picture."""

from __future__ import annotations

import contextvars
import io
import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pypdfium2
from PIL import Image, ImageOps
from playwright.sync_api import Browser, Route
from pypdf import PdfReader

DOTS_PER_MM = 8
"""As a receipt printer of 203 dots per inch has them."""
POINT_MM = 25.4 / 72


@dataclass(frozen=True)
class Sheet:
    """One printed page: its words in one line, its size in whole mm, and its picture in grey."""

    words: str
    size: tuple[int, int]
    picture: Image.Image

    @property
    def ink(self) -> tuple[int, int, int, int] | None:
        """What is printed, in mm from the top left corner: left, top, right, bottom; None for an empty page."""
        box = ImageOps.invert(self.picture).point(lambda level: 255 if level > 96 else 0).getbbox()
        return box and tuple(round(edge / DOTS_PER_MM) for edge in box)


def sheets_of(pdf: bytes, name: str) -> list[Sheet]:
    """The pages of a PDF. With HMS_PAPERS=folder their pictures stay there, to be looked at."""
    texts = [
        " ".join(unicodedata.normalize("NFKC", page.extract_text()).split())
        for page in PdfReader(io.BytesIO(pdf)).pages
    ]
    document = pypdfium2.PdfDocument(pdf)
    sheets = []
    for number, (text, page) in enumerate(zip(texts, document, strict=True), 1):
        picture = page.render(scale=DOTS_PER_MM * POINT_MM, grayscale=True).to_pil()
        size = tuple(round(points * POINT_MM) for points in page.get_size())
        sheets.append(Sheet(text, size, picture))
        if folder := os.environ.get("HMS_PAPERS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            picture.save(Path(folder) / f"{name}-{number}.png")
    document.close()
    return sheets


def printed(chromium: Browser, client: Any, url: str) -> list[Sheet]:
    """The pages that Chromium prints of a page of the hospital, without its scripts."""

    of_test = contextvars.copy_context()  # Playwright calls `answer` outside the context of the test

    def answer(route: Route) -> None:
        address = urlsplit(route.request.url)
        response = of_test.copy().run(client.get, f"{address.path}?{address.query}")
        route.fulfill(status=response.status_code, headers=dict(response.headers), body=response.get_data())
        response.close()

    context = chromium.new_context(java_script_enabled=False, base_url="http://hospital.test")
    try:
        tab = context.new_page()
        tab.route("**/*", answer)
        response = tab.goto(url)
        assert response.status == 200, f"{url} answers {response.status}"
        return sheets_of(tab.pdf(prefer_css_page_size=True), _name_of(url))
    finally:
        context.close()


def _name_of(url: str) -> str:
    address = urlsplit(url)
    return "-".join([*address.path.strip("/").split("/"), *filter(None, [address.query.replace("&", "-")])])


def check_one_page(sheets: list[Sheet], size: tuple[int, int]) -> Sheet:
    """The only page, of that size, with nothing printed over an edge."""
    assert len(sheets) == 1, [sheet.words for sheet in sheets]
    (sheet,) = sheets
    assert sheet.size == size
    left, top, right, bottom = sheet.ink
    assert left >= 1, sheet.ink
    assert top >= 1, sheet.ink
    assert right <= size[0] - 1, sheet.ink
    assert bottom <= size[1] - 1, sheet.ink
    return sheet


def check_words(words: str, *expected: str) -> None:
    """Each of the texts is printed, whatever the lines it is broken into and the case of its letters."""
    squeezed = "".join(words.split()).casefold()
    missing = [text for text in expected if "".join(text.split()).casefold() not in squeezed]
    assert missing == [], words
