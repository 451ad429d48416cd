"""Background jobs that failed for good: the list, and the message to administrators."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from hms.core.background import outbox
from hms.core.background.outbox import FAILED, Outbox
from hms.core.db.session import db
from hms.core.permissions import Permission
from hms.core.person import SYSTEM
from hms.core.text.translation import N_
from hms.messages.actions import notify_everyone_with

MAX_SHOWN = 200
KINDS = {
    "billing.invoice": _l("Invoice of a bill"),
    "messages.make.staff.alert": _l("E-mail of an alert"),
    "staff.mail_link": _l("E-mail with a link for an account"),
    "staff.warn_of_lockouts": _l("Warning of many wrong sign-ins"),
}
REASONS = {
    outbox.WORKER_STOPPED: _l("The worker stopped in the middle of it"),
    "JobTimeoutException": _l("It took too long"),
    "SMTPRecipientsRefused": _l("The mail server refused the address"),
    "SMTPAuthenticationError": _l("The mail server refused the password"),
    "ConnectionRefusedError": _l("The mail server does not answer"),
    "TimeoutError": _l("The mail server does not answer"),
    "gaierror": _l("The mail server's name is not known"),
    "NotFound": _l("The record does not exist any more"),
}
"""Words for the class of an error; another class is shown by its name, for whoever looks after the system."""


def list_failed_jobs() -> list[Outbox]:
    """The jobs that were given up, newest first, at most `MAX_SHOWN`."""
    return list(db.session.scalars(select(Outbox).where(*FAILED).order_by(Outbox.dead_at.desc()).limit(MAX_SHOWN)))


def notify_administrators() -> None:
    """Send every administrator a message with the address of the list."""
    notify_everyone_with(
        Permission.ADMINISTER,
        title=N_("A document or e-mail failed"),
        message=N_("A document or an e-mail could not be made. Check the reason, then try again."),
        url="/admin/failed-jobs",
        except_for=SYSTEM,
        by=SYSTEM,
    )


outbox.on_given_up.append(notify_administrators)
