"""Registrations somebody began and has not finished: kept at the server for the person who began them, seven days long."""

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
MOST = 20
LONGEST = 5000
KEPT = (
    *("first_name", "last_name", "gender", "date_of_birth", "age", "age_unit", "age_is_checked", "contact_info"),
    *("address", "title", "preferred_name", "next_of_kin", "occupation", "language", "national_id", "email"),
    *("allergies", "known_allergies"),
)
"""Fields of the form that are kept."""
SET_AT_THE_START = ("age_unit", "allergies")
_KEY = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Unfinished:
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


def of(who: Person, limit: int = MOST) -> list[Unfinished]:
    """What `who` has not finished, the newest first."""
    kept = drafts.of_kind(who.id, KIND, limit) if who.id is not None else []
    return [Unfinished(draft.form.partition(":")[2], _name(draft.content), draft.saved_at) for draft in kept]


def content(who: Person, key: str) -> dict[str, Any] | None:
    """What was typed, by the form's field names; None when it is finished, discarded or too old."""
    draft = drafts.get_draft(who.id, draft_name(key)) if is_key(key) else None
    return draft.content if draft else None


def keep(who: Person, key: str, typed: dict[str, Any]) -> datetime | None:
    """Keep what is typed; None when that is nothing yet. Commits."""
    known = {name: str(typed[name])[:LONGEST].replace("\0", "") for name in KEPT if typed.get(name)}
    if not any(value.strip() for name, value in known.items() if name not in SET_AT_THE_START):
        return None
    return drafts.save(who.id, draft_name(key), known).saved_at


def is_anothers(who: Person, key: str) -> bool:
    """Whether somebody else began it."""
    return is_key(key) and drafts.belongs_to_other(who.id, draft_name(key))


def discard(who: Person, key: str) -> None:
    """Forget it. Commits."""
    drafts.forget(who.id, draft_name(key))


def _name(kept: dict[str, Any]) -> str:
    names = " ".join(filter(None, (kept.get("first_name"), kept.get("last_name"))))
    return names or kept.get("contact_info") or gettext("No name yet")
