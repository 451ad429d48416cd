"""Forms that were sent while their page was locked or signed out: saved for their owner, who can send them again.

They are stored only on the server, because the lock page and the sign-in page must not contain patient data. They are
drafts: visible to their owner only, for seven days, and deleted when they were sent again with success.
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
    """Save the form of this request for its owner; return the URL of the page that sends it again, None when not saved.

    Not saved: forms from another site or without a valid CSRF token, and background requests of a page.
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
    """The form saved under `key` by this person; None without one."""
    return drafts.get_draft(owner_id, f"{DRAFT_PREFIX}:{key}")


def delete_resubmitted_form(owner_id: int, key: str) -> None:
    """Delete the form saved under `key`, after it was sent again and accepted; "" does nothing. Commits."""
    if key:
        drafts.delete_draft(owner_id, f"{DRAFT_PREFIX}:{key}")
        db.session.commit()
