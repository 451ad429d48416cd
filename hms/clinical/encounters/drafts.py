"""What was typed on an encounter page and is not in the record yet.

Each open page keeps its own text: somebody who opens an encounter at two computers finds both, and neither overwrites
the other. A page is known by a random word in its form; `came` is the text that it was opened with.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from hms.clinical.models import Encounter
from hms.core import clock, drafts
from hms.core.person import Person

MAX_PAGES = 8
RECORD_FIELDS = ("chief_complaint", "notes", "no_diagnosis_reason", "plan")


@dataclass(frozen=True)
class UnsavedText:
    """The fields of one open page as typed, the version of the encounter it showed, and when it was kept (ISO, UTC)."""

    fields: dict[str, str]
    page: str
    version: int
    at: str

    @property
    def kept_at(self) -> datetime:
        return datetime.fromisoformat(self.at)


@dataclass(frozen=True)
class PageState:
    """Which open page sends: its word, the text it was opened with, and the encounter's version it showed."""

    page: str = ""
    came: str = ""
    version: int = 0

    @classmethod
    def get_unsaved(cls, typed: dict[str, Any]) -> PageState:
        """The page behind the fields that a browser sent."""
        version = str(typed.get("version", ""))
        number = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0
        return cls(_storable(str(typed.get("page", "")))[:40], _storable(str(typed.get("came", "")))[:40], number)

    def is_behind(self, typed: UnsavedText) -> bool:
        """Whether `typed` is this page's own text, earlier, or the text it was opened with."""
        return typed.page == self.page or (self.came != "" and typed.at == self.came)


def draft_name(encounter_id: int) -> str:
    """The name under which an encounter's unsaved texts are kept."""
    return f"encounter:{encounter_id}"


def new_page_id() -> str:
    """The word by which one open page is known."""
    return secrets.token_urlsafe(12)


def parse_texts(content: dict[str, Any]) -> tuple[UnsavedText, ...]:
    """The texts of a draft, the last kept first."""
    return tuple(UnsavedText(**one) for one in content.get("pages", ()))


def get_unsaved(encounter_id: int, who: Person) -> tuple[UnsavedText, ...]:
    """The unsaved texts of `who`, the last kept first."""
    draft = drafts.get_draft(who.id, draft_name(encounter_id))
    return parse_texts(draft.content) if draft else ()


def save(encounter_id: int, who: Person, fields: dict[str, str], origin: PageState) -> tuple[UnsavedText, ...]:
    """Keep what one page holds now; returns all that is kept, this text first. Commits."""
    fields = {name: _storable(text) for name, text in fields.items()}
    draft = UnsavedText(fields, _storable(origin.page), origin.version, clock.now().isoformat())

    def added(content: dict[str, Any]) -> dict[str, Any]:
        others = [one for one in parse_texts(content) if not origin.is_behind(one) and one.fields != fields]
        return _to_content([draft, *others[: MAX_PAGES - 1]])

    return parse_texts(drafts.update_draft(who.id, draft_name(encounter_id), added).content)


def remove_saved(encounter_id: int, who: Person, origin: PageState) -> None:
    """Forget one page's text, within the caller's transaction: it is in the record. Texts of other pages stay."""
    _remove(encounter_id, who, lambda one: not origin.is_behind(one))


def discard(encounter_id: int, who: Person, page: str) -> None:
    """Forget one page's text because the person says so. Commits."""

    def without(content: dict[str, Any]) -> dict[str, Any]:
        return _to_content([one for one in parse_texts(content) if one.page != page])

    drafts.update_draft(who.id, draft_name(encounter_id), without)


def remove_recorded(encounter: Encounter, who: Person) -> None:
    """Forget texts that hold nothing but what is in the record. Within the caller's transaction."""
    _remove(encounter.id, who, lambda one: bool(changed_fields(encounter, one.fields)))


def changed_fields(encounter: Encounter, fields: dict[str, str]) -> tuple[str, ...]:
    """The names of the record's texts that `fields` tells otherwise; blanks at line ends do not count."""
    return tuple(
        name
        for name in RECORD_FIELDS
        if name in fields and _comparable_lines(fields[name]) and _comparable_lines(fields[name]) != _comparable_lines(getattr(encounter, name))
    )


def _storable(text: str) -> str:
    """`text` without what no database keeps: the zero character, and halves of characters."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def _comparable_lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def _remove(encounter_id: int, who: Person, stays: Callable[[UnsavedText], bool]) -> None:
    drafts.prune_draft(
        who.id, draft_name(encounter_id), lambda content: _to_content([one for one in parse_texts(content) if stays(one)])
    )


def _to_content(kept: list[UnsavedText]) -> dict[str, Any]:
    return {"pages": [asdict(one) for one in kept]} if kept else {}
