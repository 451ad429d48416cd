"""Drafts of the encounter page: typed text that is not in the record yet.

Each open page has its own text, so two pages of the same encounter do not overwrite each other. A random id in the form
(`page`) names the page; `came` is the time of the draft that the page was opened with.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from hms.clinical.models import Encounter
from hms.core import clock, drafts
from hms.core.person import Person
from hms.core.web.merging import opened_marks

MAX_PAGES = 8
RECORD_FIELDS = ("chief_complaint", "notes", "no_diagnosis_reason", "plan")


@dataclass(frozen=True)
class UnsavedText:
    """The typed fields of one open page, the encounter's version on it, and the time of saving (`at`, ISO, UTC).

    `opened` are the marks of the texts that the page was opened with (`hms.core.web.merging`).
    """

    fields: dict[str, str]
    page: str
    version: int
    at: str
    opened: dict[str, str] = field(default_factory=dict)

    @property
    def saved_at(self) -> datetime:
        return datetime.fromisoformat(self.at)


@dataclass(frozen=True)
class PageState:
    """The page that sends a form: its id, the draft it was opened with, the encounter's version on it, and the marks of the
    texts that it was opened with."""

    page: str = ""
    came: str = ""
    version: int = 0
    opened: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_fields(cls, typed: dict[str, Any]) -> PageState:
        """The state of the page in the fields that a browser sent."""
        version = str(typed.get("version", ""))
        number = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0
        page, came = (_storable(str(typed.get(name, "")))[:40] for name in ("page", "came"))
        return cls(page, came, number, {name: _storable(mark) for name, mark in opened_marks(typed).items()})

    def is_source_of(self, typed: UnsavedText) -> bool:
        """Whether `typed` was saved by this page, or is the draft it was opened with."""
        return typed.page == self.page or (self.came != "" and typed.at == self.came)


def draft_name(encounter_id: int) -> str:
    """The form name of an encounter's draft in `hms.core.drafts`."""
    return f"encounter:{encounter_id}"


def new_page_id() -> str:
    """A random id for one open page."""
    return secrets.token_urlsafe(12)


def parse_texts(content: dict[str, Any]) -> tuple[UnsavedText, ...]:
    """The unsaved texts in the content of a draft, newest first."""
    return tuple(UnsavedText(**page) for page in content.get("pages", ()))


def save(encounter_id: int, who: Person, fields: dict[str, str], origin: PageState) -> tuple[UnsavedText, ...]:
    """Save the fields of one page; returns all unsaved texts, this one first. Commits."""
    fields = {name: _storable(text) for name, text in fields.items()}
    newest = UnsavedText(fields, _storable(origin.page), origin.version, clock.now().isoformat(), origin.opened)

    def add_newest(content: dict[str, Any]) -> dict[str, Any]:
        others = [other for other in parse_texts(content) if not origin.is_source_of(other) and other.fields != fields]
        return _to_content([newest, *others[: MAX_PAGES - 1]])

    return parse_texts(drafts.update_draft(who.id, draft_name(encounter_id), add_newest).content)


def remove_saved(encounter_id: int, who: Person, origin: PageState) -> None:
    """Remove one page's text after it was saved in the record, in the caller's transaction."""
    _remove(encounter_id, who, lambda text: not origin.is_source_of(text))


def discard(encounter_id: int, who: Person, page: str) -> None:
    """Discard one page's text at the person's request. Commits."""

    def remove_page(content: dict[str, Any]) -> dict[str, Any]:
        return _to_content([text for text in parse_texts(content) if text.page != page])

    drafts.update_draft(who.id, draft_name(encounter_id), remove_page)


def remove_recorded(encounter: Encounter, who: Person) -> None:
    """Remove texts that do not differ from the record, in the caller's transaction."""
    _remove(encounter.id, who, lambda text: bool(changed_fields(encounter, text.fields)))


def changed_fields(encounter: Encounter, fields: dict[str, str]) -> tuple[str, ...]:
    """The record's texts that are different in `fields`; blank fields and blanks at line ends do not count."""
    return tuple(
        name
        for name in RECORD_FIELDS
        if name in fields
        and _comparable_lines(fields[name])
        and _comparable_lines(fields[name]) != _comparable_lines(getattr(encounter, name))
    )


def _storable(text: str) -> str:
    """`text` without characters that the database refuses: NUL and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def _comparable_lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def _remove(encounter_id: int, who: Person, is_kept: Callable[[UnsavedText], bool]) -> None:
    drafts.prune_draft(
        who.id,
        draft_name(encounter_id),
        lambda content: _to_content([text for text in parse_texts(content) if is_kept(text)]),
    )


def _to_content(saved: list[UnsavedText]) -> dict[str, Any]:
    return {"pages": [asdict(text) for text in saved]} if saved else {}
