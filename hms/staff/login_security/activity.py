"""Login activity: each attempt with its outcome, address and device; the alert when many accounts are locked out."""

from __future__ import annotations

import re
from datetime import timedelta

from flask import request
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from hms.core import clock
from hms.core.actions import action_context
from hms.core.audit import recording
from hms.core.background.outbox import enqueue
from hms.core.db.session import db
from hms.core.person import SYSTEM
from hms.staff.models import LoginActivity, User

OUTCOMES: dict[str, tuple[str, str]] = {
    "success": ("good", _l("Signed in")),
    "pin": ("good", _l("Unlocked with PIN")),
    "unlocked": ("good", _l("Unlocked with password")),
    "confirmed": ("good", _l("Confirmed")),
    "otp_needed": ("info", _l("Code requested")),
    "failed": ("caution", _l("Wrong password")),
    "otp_failed": ("caution", _l("Wrong code")),
    "otp_replayed": ("caution", _l("Code used twice")),
    "pin_failed": ("caution", _l("Wrong PIN")),
    "not_confirmed": ("caution", _l("Not confirmed")),
    "lockout": ("stop", _l("Wrong, then locked out")),
    "locked": ("stop", _l("Refused while locked out")),
}
"""The outcomes of an attempt by stored status: (colour of the label, text of the label)."""

SUCCESSFUL = frozenset({"success", "pin", "unlocked", "confirmed", "otp_needed"})
MAX_USER_AGENT_LENGTH = 300
LOCKOUTS_PER_ALARM = 3
ALARM_WINDOW = timedelta(hours=1)

_SYSTEMS = (
    ("Android", "Android"),
    ("iPad", "iPad"),
    ("iPhone", "iPhone"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrom", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari/", "Safari"),
)


def user_agent() -> str:
    """The request's User-Agent header, shortened to the column's length."""
    return request.user_agent.string[:MAX_USER_AGENT_LENGTH]


def describe_device(user_agent: str) -> str:
    """A user agent for people: "Chrome on Windows", else the first word of the header, else ""."""
    # The order of `_BROWSERS` matters: Edge's header also contains "Chrome".
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return gettext("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or re.split(r"[/ (]", user_agent, maxsplit=1)[0][:40]


def record_login(user: User | None, typed_name: str, status: str) -> None:
    """Write one attempt to the login activity and the audit trail. Commits."""
    user_id = user.id if user else None
    sender = {"typed_name": typed_name[:150], "user_agent": user_agent(), "ip": request.remote_addr}
    db.session.add(LoginActivity(status=status, user_id=user_id, at=clock.now(), **sender))
    outcome = "success" if status in SUCCESSFUL else "denied"
    recording.record(f"staff.sign_in.{status}", None, entity="app_user", entity_id=user_id, outcome=outcome)
    db.session.commit()
    if status == "lockout":
        _raise_alarm()


def _raise_alarm() -> None:
    """Queue an alert to administrators at every third lockout within an hour."""
    with action_context("staff.raise_alarm", SYSTEM):
        count = count_recent_lockouts()
        if count and count % LOCKOUTS_PER_ALARM == 0:
            enqueue("staff.warn_of_lockouts", count)


def count_recent_lockouts() -> int:
    """Number of lockouts within the last hour."""
    is_recent = (LoginActivity.status == "lockout", LoginActivity.at > clock.now() - ALARM_WINDOW)
    return db.session.execute(select(func.count(LoginActivity.id)).where(*is_recent)).scalar_one()


def list_attempts(user_id: int, limit: int = 10, before: int | None = None) -> list[LoginActivity]:
    """The login attempts on one account, newest first; only those older than row `before` when it is given."""
    query = select(LoginActivity).filter_by(user_id=user_id).order_by(LoginActivity.id.desc()).limit(limit)
    if before is not None:
        query = query.where(LoginActivity.id < before)
    return list(db.session.scalars(query))
