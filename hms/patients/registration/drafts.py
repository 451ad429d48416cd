"""Unfinished registrations, kept on the server for their author for seven days."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext

from hms.core import drafts
from hms.core.person import Person

KIND = "registration"
MAX_COUNT = 20
MAX_LENGTH = 5000
DRAFT_FIELDS = (
    *("first_name", "last_name", "gender", "date_of_birth", "age", "age_unit", "age_is_checked", "contact_info"),
    *("address", "title", "preferred_name", "next_of_kin", "occupation", "language", "national_id", "email"),
    *("allergies", "known_allergies"),
)
"""Fields of the form that are kept."""
PRESET_FIELDS = ("age_unit", "allergies")
_KEY = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class UnfinishedRegistration:
    """A registration that waits: its `key`, and who it seems to be of."""

    key: str
    name: str
    saved_at: datetime


def new_key() -> str:
    """Names one opened form, so that two can be unfinished at once."""
    return secrets.token_hex(6)


def is_key(text: str | None) -> bool:
    return bool(_KEY.fullmatch(text or ""))


def draft_name(key: str) -> str:
    return f"{KIND}:{key}"


def unfinished_registrations(who: Person, limit: int = MAX_COUNT) -> list[UnfinishedRegistration]:
    """What `who` has not finished, the newest first."""
    kept = drafts.drafts_of_kind(who.id, KIND, limit) if who.id is not None else []
    return [
        UnfinishedRegistration(draft.form.partition(":")[2], _name(draft.content), draft.saved_at) for draft in kept
    ]


def get_content(who: Person, key: str) -> dict[str, Any] | None:
    """What was typed, by the form's field names; None when it is finished, discarded or too old."""
    draft = drafts.get_draft(who.id, draft_name(key)) if is_key(key) else None
    return draft.content if draft else None


def save_draft(who: Person, key: str, typed: dict[str, Any]) -> datetime | None:
    """Keep what is typed; None when that is nothing yet. Commits."""
    known = {name: str(typed[name])[:MAX_LENGTH].replace("\0", "") for name in DRAFT_FIELDS if typed.get(name)}
    if not any(value.strip() for name, value in known.items() if name not in PRESET_FIELDS):
        return None
    return drafts.save_draft(who.id, draft_name(key), known).saved_at


def is_anothers(who: Person, key: str) -> bool:
    """Whether somebody else began it."""
    return is_key(key) and drafts.belongs_to_other(who.id, draft_name(key))


def discard(who: Person, key: str) -> None:
    """Forget it. Commits."""
    drafts.discard(who.id, draft_name(key))


def _name(kept: dict[str, Any]) -> str:
    names = " ".join(filter(None, (kept.get("first_name"), kept.get("last_name"))))
    return names or kept.get("contact_info") or gettext("No name yet")
