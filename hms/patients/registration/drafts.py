"""Drafts of registrations, stored for their author for seven days."""

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
    *("other_names", "other_numbers", "other_phone_number", "other_phone_owner"),
    *("kin_name", "kin_relation", "kin_phone", "area", "area_id", "payer", "payer_number"),
    *("allergies", "known_allergies"),
)
"""Fields of the form that are saved."""
PRESET_FIELDS = ("age_unit", "allergies", "other_phone_owner")
"""Fields that have a value before anything is typed: a draft with only these is not saved."""
_KEY = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class UnfinishedRegistration:
    """An unfinished registration: its `key`, and the name or phone typed so far."""

    key: str
    name: str
    saved_at: datetime


def new_key() -> str:
    """A new random draft key, one for each opened form."""
    return secrets.token_hex(6)


def is_key(text: str | None) -> bool:
    return bool(_KEY.fullmatch(text or ""))


def draft_name(key: str) -> str:
    return f"{KIND}:{key}"


def unfinished_registrations(who: Person, limit: int = MAX_COUNT) -> list[UnfinishedRegistration]:
    """Drafts of `who`, newest first."""
    saved = drafts.drafts_of_kind(who.id, KIND, limit) if who.id is not None else []
    return [
        UnfinishedRegistration(draft.form.partition(":")[2], _name(draft.content), draft.saved_at) for draft in saved
    ]


def get_content(who: Person, key: str) -> dict[str, Any] | None:
    """The saved values by field name; None when the registration is finished, discarded or too old."""
    draft = drafts.get_draft(who.id, draft_name(key)) if is_key(key) else None
    return draft.content if draft else None


def save_draft(who: Person, key: str, typed: dict[str, Any]) -> datetime | None:
    """Save the draft and return when; None when nothing was typed. Commits."""
    values = {name: str(typed[name])[:MAX_LENGTH].replace("\0", "") for name in DRAFT_FIELDS if typed.get(name)}
    if not any(value.strip() for name, value in values.items() if name not in PRESET_FIELDS):
        return None
    return drafts.save_draft(who.id, draft_name(key), values).saved_at


def belongs_to_other(who: Person, key: str) -> bool:
    """Whether the draft belongs to another user."""
    return is_key(key) and drafts.belongs_to_other(who.id, draft_name(key))


def discard(who: Person, key: str) -> None:
    """Delete the draft. Commits."""
    drafts.discard(who.id, draft_name(key))


def _name(content: dict[str, Any]) -> str:
    names = " ".join(filter(None, (content.get("first_name"), content.get("last_name"))))
    return names or content.get("contact_info") or gettext("No name yet")
