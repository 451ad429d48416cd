"""Every template parses, has short lines, and none has inline style, inline script or a raw filter of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.security("J")

ROOT = Path(__file__).resolve().parents[2] / "templates"
PAGES = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.html"))
INLINE = re.compile(r"<[a-z][^>{]*\s(style|on(click|change|submit|load|input|key\w+))=|javascript:", re.IGNORECASE)
ONE_LONG_VALUE = re.compile(r'"[^"]{100,}"|\'[^\']{100,}\'')
"""A sentence or data address that almost fills a line: it is not split, so that it is found and translated."""
OUTSIDE = re.compile(r"""(src|href|action)=["']https?://""")


@pytest.mark.parametrize("name", PAGES)
def test_a_template_parses_and_keeps_the_rules(app, name):
    source = (ROOT / name).read_text(encoding="utf-8")
    app.jinja_env.parse(source)
    if not name.endswith(".pdf.html"):
        assert not INLINE.search(source), f"{name}: inline style or handler"
    assert not OUTSIDE.search(source), f"{name}: an address outside the hospital"


def test_lines_are_at_most_120_characters():
    long = [
        f"{name}:{number}"
        for name in PAGES
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > 120 and not ONE_LONG_VALUE.search(line)
    ]
    assert long == [], "Break these where white space means nothing: inside {{ … }}, or between attributes or blocks."
