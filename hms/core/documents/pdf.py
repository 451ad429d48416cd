"""Renders a template to PDF without network or file access, with the same font on every machine."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from flask import current_app

FONTCONFIG = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><dir>/usr/share/fonts</dir><cachedir>{cache}</cachedir></fontconfig>
"""


@lru_cache(maxsize=1)
def _weasyprint() -> Any:
    """WeasyPrint and its fetcher class. The import is slow, and WeasyPrint crashes when fontconfig finds no font: set its
    font folder first."""
    folder = Path(current_app.config["DATA_DIR"]) / "fonts"
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "fonts.conf"
    configuration.write_text(FONTCONFIG.format(fonts=files("fontpkg_inter"), cache=folder / "cache"), encoding="utf-8")
    os.environ["FONTCONFIG_FILE"] = str(configuration)
    import weasyprint
    from weasyprint.urls import URLFetcher

    return weasyprint, URLFetcher


def warm_up() -> None:
    """Do the slow import now; the worker calls it before its first job."""
    _weasyprint()


def render_pdf(template: str, **context: Any) -> bytes:
    """The PDF of `template`. Only `data:` addresses are fetched.

    The template gets `context`, the filters and the globals (`hospital`), but nothing of a request or a signed-in person.
    """
    weasyprint, fetcher = _weasyprint()
    html = current_app.jinja_env.get_template(template).render(context)
    fetch = fetcher(allowed_protocols={"data"}, allow_redirects=False)
    return weasyprint.HTML(string=html, base_url=None, url_fetcher=fetch).write_pdf()
