"""Alerts administrators when messages to patients fail, once and not for each message."""

from __future__ import annotations

from datetime import timedelta

from hms.core import clock
from hms.core.permissions import Permission
from hms.core.person import SYSTEM
from hms.core.text.translation import N_, Sentence
from hms.core.web.localisation import in_english
from hms.messages.actions import notify_everyone_with

from . import actions, queries

PERIOD = timedelta(hours=1)
LEAST_FAILURES, LEAST_SHARE = 5, 0.2
QUIET_AFTER_ALERT = timedelta(hours=6)


def alert_of_failures() -> bool:
    """Alert those who manage the settings when many of the last hour's messages failed or still wait after several
    attempts; not again within six hours."""
    (failed, sent), delayed = queries.count_since(clock.now() - PERIOD), queries.count_delayed()
    if failed + delayed < LEAST_FAILURES or failed + delayed < LEAST_SHARE * (failed + delayed + sent):
        return False
    return actions.note_alert(QUIET_AFTER_ALERT, lambda: _notify(failed, delayed, sent), by=SYSTEM)


def _notify(failed: int, delayed: int, sent: int) -> None:
    message = Sentence(
        N_(
            "In the last hour %(failed)s messages failed and %(sent)s were sent; %(delayed)s wait for another attempt. "
            "Open one to see the gateway's own words."
        ),
        failed=failed,
        delayed=delayed,
        sent=sent,
    )
    notify_everyone_with(
        Permission.MANAGE_SETTINGS,
        title=N_("Messages to patients fail"),
        message=in_english(message),
        url=f"/messages?status={'failed' if failed else 'waiting'}",
        except_for=SYSTEM,
        by=SYSTEM,
    )
