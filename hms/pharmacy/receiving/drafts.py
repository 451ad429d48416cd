"""The draft of a goods receipt: what a person typed into the form and has not posted, stored for seven days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from werkzeug.datastructures import MultiDict

from hms.core import drafts
from hms.core.person import Person

DRAFT = "goods-receipt"
MAX_FIELDS = 1300
MAX_LENGTH = 300
_FIELD = re.compile(
    r"supplier|invoice_number|lines-\d{1,3}-(medicine|medication_id|lot_number|expires_on|quantity|unit_cost)"
)


def get_draft(who: Person) -> drafts.Draft | None:
    """The draft of `who`, or None."""
    return drafts.get_draft(who.id, DRAFT) if who.id is not None else None


def typed_fields(draft: drafts.Draft) -> MultiDict[str, Any]:
    """The typed texts of a draft, as the form reads them."""
    return MultiDict(draft.content)


def save_draft(who: Person, typed: Mapping[str, Any]) -> datetime | None:
    """Store the typed fields and return when; with none filled in, delete the draft and return None. Commits."""
    names = [name for name in typed if _FIELD.fullmatch(name)][:MAX_FIELDS]
    content = {name: str(typed[name])[:MAX_LENGTH].replace("\0", "") for name in names}
    if not any(text.strip() for text in content.values()):
        discard(who)
        return None
    return drafts.save_draft(who.id, DRAFT, content).saved_at


def discard(who: Person) -> None:
    """Delete the draft. Commits."""
    drafts.discard(who.id, DRAFT)
