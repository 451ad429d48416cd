"""Alerts administrators when an account passes the read limit."""

from __future__ import annotations

from hms.core import read_limit
from hms.core.permissions import Permission
from hms.core.person import SYSTEM, Person
from hms.core.read_limit import Limit
from hms.core.text.translation import N_, Sentence
from hms.messages.actions import notify_everyone_with


def alert_administrators(by: Person, _limit: Limit) -> None:
    """Send every other administrator an alert with a link to the records that the account opened."""
    message = N_("%(name)s (%(username)s) is now limited. Check what this account opened, and ask why.")
    notify_everyone_with(
        Permission.ADMINISTER,
        title=N_("An account opened too many records"),
        message=str(Sentence(message, name=by.name, username=by.username)),
        url=f"/admin/audit?who={by.username}&did=:looked",
        except_for=by,
        by=SYSTEM,
    )


read_limit.on_limit_passed.append(alert_administrators)
