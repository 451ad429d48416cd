"""What the clock does: the steps that are due. What is sent out of the alerts of a step, which names nobody and no value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from flask_babel import lazy_gettext as _l
from sqlalchemy import Row

from hms.core.settings import store as settings
from hms.messages.kinds import MessageKind, News, Recipient
from hms.messages.outgoing.jobs import offer_kind

from . import actions, queries

VALID_FOR = timedelta(hours=2)
"""Longer than all attempts to send it. It is not sent once the escalation has ended."""


def do_due_steps() -> None:
    """Called by the scheduler: do every step that is due."""
    actions.do_due_steps()


def _find_news(notification_id: int) -> News | None:
    row = queries.find_alert_to_send(notification_id)
    if row is None:
        return None
    person = Recipient(user_id=row.user_id, email=row.email, phone=row.phone, language=row.language)
    return News(person, "escalation", row.created_at, row.created_at + VALID_FOR, partial(_values, row))


def _values(row: Row, _language: str) -> Mapping[str, str]:
    site = settings.value("hospital.site_address").rstrip("/")
    return _words(f"{site}{row.url}" if site else "", row.position)


def _find_example(_patient_id: int, _language: str) -> Mapping[str, str]:
    return _words(settings.value("hospital.site_address"), 2)


def _words(link: str, step: int) -> dict[str, str]:
    return {"hospital": settings.value("hospital.name"), "step": str(step), "link": link}


_LINK = "{% if link %} {{ link }}{% endif %}"
_MAIL_LINK = "{% if link %}\n\n{{ link }}{% endif %}"
_SENTENCES = {
    "en": ("Urgent: your answer is needed", "Urgent, your answer is needed now. Open your alerts. (Step {{ step }})"),
    "fr": (
        "Urgent : votre réponse est nécessaire",
        "Urgent, votre réponse est nécessaire maintenant. Ouvrez vos alertes. (Étape {{ step }})",
    ),
    "pt": (
        "Urgente: a sua resposta é necessária",
        "Urgente, a sua resposta é necessária agora. Abra os seus alertas. (Passo {{ step }})",
    ),
}

ESCALATION = offer_kind(
    MessageKind(
        actions.SENT_AS,
        _l("Critical value that nobody has acknowledged, to staff"),
        {
            "hospital": _l("Name of the hospital"),
            "step": _l("Number of the step"),
            "link": _l("Address of the page, may be blank"),
        },
        {
            **{("sms", name): ("", "{{ hospital }}: " + words + _LINK) for name, (_s, words) in _SENTENCES.items()},
            **{
                ("email", name): (subject + " – {{ hospital }}", words + _MAIL_LINK)
                for name, (subject, words) in _SENTENCES.items()
            },
        },
        _find_news,
        _find_example,
        record="notification_id",
        is_for_staff=True,
    )
)
