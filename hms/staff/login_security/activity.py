"""The sign-in activity: every try with its outcome, address and device, and the alert when many accounts are locked out."""

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
    "otp_needed": ("info", _l("Code asked")),
    "failed": ("caution", _l("Wrong password")),
    "otp_failed": ("caution", _l("Wrong code")),
    "otp_replayed": ("caution", _l("Code used twice")),
    "pin_failed": ("caution", _l("Wrong PIN")),
    "not_confirmed": ("caution", _l("Not confirmed")),
    "lockout": ("stop", _l("Wrong, then locked out")),
    "locked": ("stop", _l("Refused while locked out")),
}
"""What can become of a try: how it looks and what it is called."""

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
    """What the browser or program calls itself."""
    return request.user_agent.string[:MAX_USER_AGENT_LENGTH]


def describe_device(user_agent: str) -> str:
    """ "Chrome on Windows"; a program by its own name; "" when it said nothing. Order matters: Edge also says Chrome."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return gettext("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or re.split(r"[/ (]", user_agent, maxsplit=1)[0][:40]


def record_login(user: User | None, typed_name: str, status: str) -> None:
    """One line of the activity and of the trail. Commits."""
    who = {"user_id": user.id if user else None, "typed_name": typed_name[:150], "user_agent": user_agent()}
    db.session.add(LoginActivity(status=status, ip=request.remote_addr, at=clock.now(), **who))
    outcome = "success" if status in SUCCESSFUL else "denied"
    entity_id = user.id if user else None
    recording.record(f"staff.sign_in.{status}", None, entity="app_user", entity_id=entity_id, outcome=outcome)
    db.session.commit()
    if status == "lockout":
        _raise_alarm()


def _raise_alarm() -> None:
    """Have the administrators told at the third, sixth, ninth … lockout of an hour."""
    with action_context("staff.raise_alarm", SYSTEM):
        count = count_recent_lockouts()
        if count and count % LOCKOUTS_PER_ALARM == 0:
            enqueue("staff.warn_of_lockouts", count)


def count_recent_lockouts() -> int:
    """Number of lockouts within the last hour."""
    lately = (LoginActivity.status == "lockout", LoginActivity.at > clock.now() - ALARM_WINDOW)
    return db.session.execute(select(func.count(LoginActivity.id)).where(*lately)).scalar_one()


def list_attempts(user_id: int, limit: int = 10, before: int | None = None) -> list[LoginActivity]:
    """One person's tries to sign in, newest first, from before the row `before`."""
    query = select(LoginActivity).filter_by(user_id=user_id).order_by(LoginActivity.id.desc()).limit(limit)
    if before is not None:
        query = query.where(LoginActivity.id < before)
    return list(db.session.scalars(query))
