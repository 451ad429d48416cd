"""Sends alerts by e-mail and SMS to the people who chose it: a kind of message for the staff.

A further kind for the staff is one more `MessageKind` about a record, with texts for the channels that it uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Row

from hms.core.settings import store as settings

from . import queries
from .kinds import MessageKind, News, Recipient
from .outgoing.jobs import offer_kind

VALID_FOR = timedelta(days=2)
"""An alert that could not be sent for so long is only in the list of alerts."""
_SMS = "{{ hospital }}: {{ title }}{% if link %} {{ link }}{% endif %}"
_BODY = "{{ title }}{% if details %}\n\n{{ details }}{% endif %}{% if link %}\n\n{{ link }}{% endif %}"


def _find_news(notification_id: int) -> News | None:
    row = queries.find_alert_to_send(notification_id)
    if row is None:
        return None
    person = Recipient(user_id=row.user_id, email=row.email, phone=row.phone, language=row.language)
    return News(person, "alert", row.created_at, row.created_at + VALID_FOR, partial(_values, row))


def _values(row: Row, _language: str) -> Mapping[str, str]:
    site = settings.value("hospital.site_address").rstrip("/")
    link = f"{site}{row.url}" if site else ""
    return {"hospital": settings.value("hospital.name"), "title": row.title, "details": row.message, "link": link}


def _find_example(_patient_id: int, _language: str) -> Mapping[str, str]:
    link = settings.value("hospital.site_address")
    return {"hospital": settings.value("hospital.name"), "title": _("The report is ready"), "details": "", "link": link}


ALERT = offer_kind(
    MessageKind(
        "staff.alert",
        _l("Alert to staff"),
        {
            "hospital": _l("Name of the hospital"),
            "title": _l("The alert"),
            "details": _l("More about it, may be blank"),
            "link": _l("Address of the page, may be blank"),
        },
        {
            ("email", "en"): ("Alert from {{ hospital }}", _BODY),
            ("email", "fr"): ("Alerte de {{ hospital }}", _BODY),
            ("email", "pt"): ("Alerta de {{ hospital }}", _BODY),
            **{("sms", language): ("", _SMS) for language in ("en", "fr", "pt")},
        },
        _find_news,
        _find_example,
        record="notification_id",
        is_for_staff=True,
    )
)
