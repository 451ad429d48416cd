"""The message to administrators when the system's clock was set."""

from __future__ import annotations

from datetime import datetime

from hms.core.background import clock_watch
from hms.core.permissions import Permission
from hms.core.person import SYSTEM
from hms.core.text.formatting import format_datetime
from hms.core.text.translation import N_, Sentence
from hms.messages.actions import notify_everyone_with


def notify_administrators(expected: datetime, actual: datetime) -> None:
    """Send every administrator the time that was expected and the time that the clock shows."""
    message = Sentence(
        N_("It should show %(expected)s but shows %(actual)s. Check the date and time of the server."),
        expected=format_datetime(expected),
        actual=format_datetime(actual),
    )
    notify_everyone_with(
        Permission.ADMINISTER,
        title=N_("The server's clock was changed"),
        message=str(message),
        url="/admin/",
        except_for=SYSTEM,
        by=SYSTEM,
    )


clock_watch.on_jump.append(notify_administrators)
