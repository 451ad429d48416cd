"""Changes the texts of messages. A text that cannot be rendered is refused."""

from __future__ import annotations

from sqlalchemy import select

from hms.core.actions import STALE_MESSAGE, action
from hms.core.db.session import db
from hms.core.errors import RuleBroken, StaleVersion
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_
from hms.messages.enums import Channel
from hms.messages.models import MessageText

from . import queries, rules


def checked_text(text: queries.Text, subject: str, body: str) -> tuple[str, str]:
    """Subject and body as they are stored; raises `RuleBroken` for a text that is blank or cannot be rendered.

    It is rendered with every name, and with blanks for those that may be blank: neither may leave nothing.
    """
    has_subject = text.channel is Channel.EMAIL
    subject = clean_field(subject, "subject", longest=rules.MAX_SUBJECT) if has_subject else ""
    body = clean_field(body, "body", longest=rules.MAX_TEXT, multiline=True)
    for field, part in (("subject", subject), ("body", body)) if has_subject else (("body", body),):
        rules.check_text(part, text.kind.names, field)
        for blank in (frozenset(), rules.MAY_BE_BLANK):
            if not rules.render(part, {name: "" if name in blank else "x" for name in text.kind.names}):
                raise RuleBroken(N_("Enter a text."), field)
    return subject, body


@action(Permission.MANAGE_MESSAGE_TEXTS, "messages.change_text")
def change_text(
    kind: str, channel: str, language: str, *, body: str, subject: str = "", version: int | None = None, by: Person
) -> MessageText:
    """Use this text from now on. Raises `StaleVersion` when `version` is not the stored one (0: never changed)."""
    text = queries.find_text(kind, channel, language)
    subject, body = checked_text(text, subject, body)
    place = {"kind": kind, "channel": channel, "language": language}
    row = db.session.scalars(select(MessageText).filter_by(**place).with_for_update()).one_or_none()
    if version is not None and version != (row.version if row else 0):
        raise StaleVersion(STALE_MESSAGE)
    if row is None:
        row = MessageText(**place, subject=subject, body=body, changed_by_id=by.id)
        db.session.add(row)
    elif (row.subject, row.body) != (subject, body):
        row.subject, row.body, row.changed_by_id = subject, body, by.id
        row.increment_version()
    db.session.flush()
    return row
