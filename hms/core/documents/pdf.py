"""Renders a template to PDF without network or file access, with the same fonts on every machine."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import current_app

log = logging.getLogger(__name__)

FONTS = Path(__file__).resolve().parents[3] / "fonts"
"""Static weights of Inter, which `tools/fonts.py` makes at the set-up."""
FONTCONFIG = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><dir>/usr/share/fonts</dir><cachedir>{cache}</cachedir></fontconfig>
"""

_samples: list[Callable[[], object]] = []


def sample_paper(render: Callable[[], object]) -> Callable[[], object]:
    """Register a function that renders one made-up paper of its kind, for `warm_up`. It reads and writes no data."""
    _samples.append(render)
    return render


@lru_cache(maxsize=1)
def _weasyprint() -> Any:
    """WeasyPrint and its fetcher class. The import is slow, and WeasyPrint crashes when fontconfig finds no font: set its
    font folders first."""
    if not any(FONTS.glob("*.ttf")):
        raise RuntimeError("The fonts of printed papers are missing. Run: make setup")
    folder = Path(current_app.config["DATA_DIR"]) / "fonts"
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "fonts.conf"
    configuration.write_text(FONTCONFIG.format(fonts=FONTS, cache=folder / "cache"), encoding="utf-8")
    os.environ["FONTCONFIG_FILE"] = str(configuration)
    import weasyprint
    from weasyprint.urls import URLFetcher

    return weasyprint, URLFetcher


def warm_up() -> None:
    """Render the sample papers: imports, fonts, styles and templates are then ready, also in processes forked from this one.

    A failure is logged: the worker still sends e-mails when papers cannot be made.
    """
    try:
        for render in _samples:
            render()
    except Exception:
        log.exception("sample papers could not be rendered")


def lay_out(template: str, **context: Any) -> Any:
    """The WeasyPrint document of `template`, with its pages. Only `data:` addresses are fetched.

    The template gets `context`, the filters and the globals (`hospital`), but nothing of a request or a signed-in person.
    """
    weasyprint, fetcher = _weasyprint()
    html = current_app.jinja_env.get_template(template).render(context)
    fetch = fetcher(allowed_protocols={"data"}, allow_redirects=False)
    return weasyprint.HTML(string=html, base_url=None, url_fetcher=fetch).render()


def render_pdf(template: str, **context: Any) -> bytes:
    """The PDF of `template`, rendered as `lay_out` describes."""
    return lay_out(template, **context).write_pdf()
