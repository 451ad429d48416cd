"""Every template parses, and none has inline style, inline script or a raw filter of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import nodes

pytestmark = pytest.mark.security("J")

ROOT = Path(__file__).resolve().parents[2] / "templates"
PAGES = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.html"))
INLINE = re.compile(r"<[a-z][^>{]*\s(style|on(click|change|submit|load|input|key\w+))=|javascript:", re.IGNORECASE)
OUTSIDE = re.compile(r"""(src|href|action)=["']https?://""")


@pytest.mark.parametrize("name", PAGES)
def test_a_template_parses_and_keeps_the_rules(app, name):
    source = (ROOT / name).read_text(encoding="utf-8")
    app.jinja_env.parse(source)
    if not name.endswith(".pdf.html"):
        assert not INLINE.search(source), f"{name}: inline style or handler"
    assert not OUTSIDE.search(source), f"{name}: an address outside the hospital"


OF_THE_READER = {
    *("may", "current_user", "request", "session", "g", "person", "csrf_token", "once", "csp_nonce"),
    *("now", "today", "unread_alerts"),
}
REMEMBERED = re.compile(r"\bremembered\((\w+)")


@pytest.mark.parametrize("name", [name for name in PAGES if REMEMBERED.search((ROOT / name).read_text("utf-8"))])
def test_what_is_remembered_reads_only_what_it_is_given(app, name):
    """Such a macro writes once for all readers and hours (`core/pieces.py`)."""
    page = app.jinja_env.parse((ROOT / name).read_text(encoding="utf-8"))
    wanted = set(REMEMBERED.findall((ROOT / name).read_text(encoding="utf-8")))
    found = set()
    for taken in page.find_all(nodes.FromImport):
        assert not (wanted & set(taken.names) and taken.with_context), f"{name}: imported with context"
        macros = app.jinja_env.parse((ROOT / taken.template.value).read_text(encoding="utf-8")).find_all(nodes.Macro)
        for macro in (one for one in macros if one.name in wanted):
            found.add(macro.name)
            read = {one.name for one in macro.find_all(nodes.Name) if one.ctx == "load"}
            assert not read & OF_THE_READER, f"{name}: {macro.name} reads {read & OF_THE_READER}"
    assert found == wanted
