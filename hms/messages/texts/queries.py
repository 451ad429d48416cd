"""The texts of messages: those of the hospital where it changed them, else those that come with HMS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.text.translation import N_
from hms.messages.enums import Channel
from hms.messages.kinds import MessageKind, all_kinds
from hms.messages.models import MessageText

from . import rules
from .languages import LANGUAGES


@dataclass(frozen=True)
class Rendered:
    """A text that is ready to be sent; an SMS has no subject."""

    subject: str
    body: str


@dataclass(frozen=True)
class Text:
    """The text of a kind on a channel in a language; `version` is 0 while it is the one that comes with HMS."""

    kind: MessageKind
    channel: Channel
    language: str
    subject: str
    body: str
    version: int = 0

    @property
    def is_changed(self) -> bool:
        return (self.subject, self.body) != self.kind.texts[self.channel.value, self.language]


def _select_stored(**columns: str):
    return select(MessageText).filter_by(**columns)


def get_text(kind: MessageKind, channel: Channel, language: str) -> Text:
    """The text that is used now."""
    row = db.session.scalars(_select_stored(kind=kind.name, channel=channel.value, language=language)).one_or_none()
    return _text(kind, channel, language, row)


def _text(kind: MessageKind, channel: Channel, language: str, row: MessageText | None) -> Text:
    if row is None:
        return Text(kind, channel, language, *kind.texts[channel.value, language])
    return Text(kind, channel, language, row.subject, row.body, row.version)


def list_texts() -> list[Text]:
    """All texts that are used, by kind, channel and language."""
    stored = {(row.kind, row.channel, row.language): row for row in db.session.scalars(select(MessageText))}
    places = [
        (kind, channel, code)
        for kind in all_kinds().values()
        for channel in Channel
        for code in LANGUAGES
        if (channel.value, code) in kind.texts
    ]
    return [_text(*place, stored.get((place[0].name, place[1].value, place[2]))) for place in places]


def find_text(kind: str, channel: str, language: str) -> Text:
    """The text with these names; raises `NotFound`."""
    known = all_kinds().get(kind)
    if known is None or (channel, language) not in known.texts:
        raise NotFound(N_("There is no such text."))
    return get_text(known, Channel(channel), language)


def render_message(kind: MessageKind, channel: Channel, language: str, values: Mapping[str, str]) -> Rendered:
    """The text of this kind on a channel in a language, with its values."""
    text = get_text(kind, channel, language)
    return render_text(text.subject, text.body, values)


def render_text(subject: str, body: str, values: Mapping[str, str]) -> Rendered:
    """A subject and a body with their values."""
    return Rendered(rules.render(subject, values) if subject else "", rules.render(body, values))
