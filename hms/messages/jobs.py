"""Jobs: sends alerts by e-mail."""

from __future__ import annotations

from flask_babel import gettext as _

from hms.core.background import mail
from hms.core.background.outbox import job
from hms.core.db.session import db
from hms.core.settings import store as settings
from hms.staff.models import User

from . import queries
from .models import Notification


@job("messages.mail")
def mail_notification(notification_id: int) -> None:
    """Send one alert by e-mail, unless it is read already or the person no longer wants e-mail."""
    row = db.session.get_one(Notification, notification_id)
    if row.read_at is not None or not queries.wants_mail(row.user_id):
        return
    user = db.session.get_one(User, row.user_id)
    site = settings.value("hospital.site_address").rstrip("/")
    text = (
        f"{row.title}\n\n{row.message}\n\n{site}{row.url}".strip() if site else f"{row.title}\n\n{row.message}".strip()
    )
    mail.send(user.email, _("Alert from %(name)s", name=settings.value("hospital.name")), text + "\n")
