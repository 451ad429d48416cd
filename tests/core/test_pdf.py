"""A PDF is made from its template only: its content never makes the server fetch an address or read a file."""

from __future__ import annotations

import io
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from jinja2 import ChoiceLoader, DictLoader
from pypdf import PdfReader

from hms.core.documents import pdf

pytestmark = pytest.mark.security("K")

SECRET = b"a word that no paper may hold"
PAPER = """<!doctype html><html><head><title>Paper</title>
<link rel="stylesheet" href="{0}/style.css"><link rel="attachment" href="{0}"><link rel="attachment" href="{1}">
<style>@import "{0}/more.css"; @font-face {{ font-family: Far; src: url("{0}/far.woff2"); }}
body {{ background: url("{0}/back.png"); font-family: Far; }}</style></head>
<body><img src="{0}/picture.png"><img src="{1}"><object data="{1}"></object><a rel="attachment" href="{1}">file</a>
<svg xmlns:x="http://www.w3.org/1999/xlink"><image x:href="{0}/drawn.svg"/></svg><p>What was typed</p></body></html>"""


@pytest.fixture
def neighbour():
    """A web server, and the paths that were requested from it."""
    asked = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(SECRET)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_pdf_fetches_nothing_and_reads_no_file(app, neighbour, tmp_path, monkeypatch, record_property):
    address, asked = neighbour
    file = tmp_path / "secret.txt"
    file.write_bytes(SECRET)
    paper = PAPER.format(address, file.as_uri())
    monkeypatch.setattr(app, "jinja_loader", ChoiceLoader([DictLoader({"p.html": paper}), app.jinja_loader]))
    with app.app_context():
        made = pdf.render_pdf("p.html")
    assert made.startswith(b"%PDF-")
    assert b"/EmbeddedFile" not in made
    assert SECRET not in made
    record_property("figure", f"papers: addresses fetched of nine on a paper: {len(asked)} (0)")
    assert asked == []


WEIGHTS = """<!doctype html><html><head><style>body { font-family: Inter; }</style></head><body>
{% for weight in (400, 500, 600, 700) %}{% for size in (7, 12, 21) %}
<p style="font-weight: {{ weight }}; font-size: {{ size }}pt">Weight {{ weight }}</p>{% endfor %}{% endfor %}</body></html>"""


def test_papers_are_set_in_static_fonts_and_no_instance_is_cut_while_rendering(app, monkeypatch):
    cut = []
    monkeypatch.setattr("weasyprint.pdf.fonts.instantiateVariableFont", lambda font, *_, **__: cut.append(font) or font)
    monkeypatch.setattr(app, "jinja_loader", ChoiceLoader([DictLoader({"w.html": WEIGHTS}), app.jinja_loader]))
    with app.app_context():
        made = pdf.render_pdf("w.html")
    assert cut == []
    fonts = {str(font.get_object()["/BaseFont"]) for font in _fonts(made)}
    assert {name.partition("+")[2] for name in fonts} == {"Inter", "Inter-Medium", "Inter-Semi-Bold", "Inter-Bold"}


def _fonts(made):
    return [font for page in PdfReader(io.BytesIO(made)).pages for font in page["/Resources"]["/Font"].values()]
