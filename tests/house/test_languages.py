"""Every page and answer in another language: nothing fails, and no label that is translated stays English.

The language is invented: each translated sentence is between ‹ and ›, so that untranslated text is visible.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from sqlalchemy import update

from hms.core.web.localisation import offered_languages
from hms.staff.models import User
from tests.catalogues import offered
from tests.house.hospital import every_record
from tests.house.places import places

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
METHODS = [("hms/**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
SAME_IN_ALL = re.compile(r"[^A-Za-z]*|NEWS2|HMS|PIN|SpO₂|OK")


def _sentences() -> dict[str, str | tuple[str, str]]:
    found: dict[str, str | tuple[str, str]] = {}
    for _file, _line, words, _comments, _context in extract_from_dir(ROOT, METHODS, keywords=KEYWORDS):
        found[words if isinstance(words, str) else words[0]] = words
    return found


@pytest.fixture(scope="module")
def sentences() -> dict[str, str | tuple[str, str]]:
    return _sentences()


@pytest.fixture
def made_up(app, sentences, tmp_path):
    """An invented French catalogue with every sentence between ‹ and ›."""
    between_signs = {
        words: f"‹{words}›" if isinstance(words, str) else [f"‹{one}›" for one in words] for words in sentences.values()
    }
    with offered(app, tmp_path, "fr", between_signs):
        yield


class Texts(HTMLParser):
    """The texts of a page, without scripts and values of forms."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._skips = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._skips = tag in ("script", "style", "textarea")

    def handle_endtag(self, tag: str) -> None:
        self._skips = False

    def handle_data(self, data: str) -> None:
        if not self._skips and data.strip():
            self.found.append(" ".join(data.split()))


STORED = {"Insurance", "Not done", "Note"}
"""Texts of the settings and of the test's records that are also in the catalogue; they are data and shown unchanged."""
SHOWS_STORED_VALUES = {"/admin/audit", "/issued-documents/<int:issued_id>"}


@pytest.mark.parametrize("role", ["admin", "doctor", "nurse", "pharmacist", "cashier", "lab"])
def test_every_page_opens_in_another_language_and_is_translated(app, db, desk, made_up, sentences, role):
    known = every_record("Walked")
    client = desk(role)
    client.checks = False  # they know English pages
    db.session.execute(update(User).values(language="fr", first_name="Aminata", last_name="Sesay"))
    db.session.commit()
    wrong: set[str] = set()
    for place in sorted(places(app, known), key=lambda place: place.method != "GET"):
        if place.is_api or place.endpoint in ("staff.sign_out", "staff.lock_now"):
            continue
        answer = client.open(place.path, method=place.method)
        if answer.status_code >= 500:
            wrong.add(f"{place.method} {place.rule}: {answer.status_code}")
        if answer.mimetype != "text/html":
            continue
        page = Texts()
        page.feed(answer.get_data(as_text=True))
        wrong |= {f"{place.rule}: {text}" for text in page.found if "%(" in text}
        if place.method == "GET" and place.rule not in SHOWS_STORED_VALUES:
            wrong |= {f"{place.rule}: {text}" for text in page.found if _is_english(text, sentences)}
    assert not wrong, "\n".join(sorted(wrong))


def _is_english(text: str, sentences: dict[str, str | tuple[str, str]]) -> bool:
    return text in sentences and text not in STORED and not SAME_IN_ALL.fullmatch(text)


def test_every_offered_language_has_every_sentence(app, sentences):
    """English needs none; another is offered as soon as its catalogue is compiled into `translations/`."""
    with app.test_request_context():
        offered = [code for code in offered_languages() if code != "en"]
    incomplete = {code: set(sentences) - _translated(code) for code in offered}
    assert not any(incomplete.values()), incomplete


def _translated(code: str) -> set[str]:
    with (ROOT / "translations" / code / "LC_MESSAGES" / "messages.mo").open("rb") as compiled:
        catalogue = read_mo(compiled)
    return {message.id if isinstance(message.id, str) else message.id[0] for message in catalogue if message.string}
