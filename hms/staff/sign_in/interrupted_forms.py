"""A form that was sent while its page was locked or signed out: kept at the server for its owner, to be sent again.

Only the server keeps it: neither the lock page nor the sign-in page may hold what a patient told. It is kept like a
draft, seven days, seen by its owner alone, and dropped once it was sent again with success.
"""

from __future__ import annotations

import secrets

from flask import request, url_for
from flask_wtf.csrf import CSRFError

from hms.core import drafts
from hms.core.db.session import db
from hms.core.errors import RuleBroken
from hms.core.web import security_headers
from hms.core.web.error_handlers import resubmittable_fields
from hms.core.web.guard import csrf

DRAFT_PREFIX = "held"
NOT_SAVED = frozenset(
    {"staff.sign_out", "staff.stay", "staff.lock_now", "staff.unlock", "staff.sign_in", "staff.enter_code"}
)


def save_interrupted_form(owner_id: int | None) -> str | None:
    """Keep the form of this request for its owner; returns the address at which they find it, None when nothing is kept.

    A form that another site sent, or without this browser's token, is not theirs and is not kept; nor is what a page asks
    by itself while somebody types.
    """
    is_form = request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data")
    is_form = is_form and request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
    if owner_id is None or not is_form or request.endpoint in NOT_SAVED or security_headers.is_cross_site():
        return None
    try:
        csrf.protect()
        return url_for("staff.held", key=_save(owner_id))
    except (CSRFError, RuleBroken):
        return None


def _save(owner_id: int) -> str:
    key = secrets.token_urlsafe(12)
    path = request.full_path.rstrip("?")
    content = {
        "path": path,
        "fields": resubmittable_fields(),
        "has_file": any(f.filename for f in request.files.values()),
    }
    drafts.save_draft(owner_id, f"{DRAFT_PREFIX}:{key}", content)
    return key


def get_interrupted_form(owner_id: int, key: str) -> drafts.Draft | None:
    """The form kept under `key`, when it is this person's."""
    return drafts.get_draft(owner_id, f"{DRAFT_PREFIX}:{key}")


def delete_resubmitted_form(owner_id: int, key: str) -> None:
    """The form kept under `key` was sent again and accepted: forget it. Commits."""
    if key:
        drafts.delete_draft(owner_id, f"{DRAFT_PREFIX}:{key}")
        db.session.commit()
