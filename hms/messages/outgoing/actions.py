"""Makes, sends and ends messages. Each is made once, and handed over at most once for each attempt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert

from hms.core import clock
from hms.core.actions import action
from hms.core.background.outbox import enqueue
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.errors import Conflict, NotFound
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.messages.channels import sending
from hms.messages.channels.results import Outcome, Result
from hms.messages.enums import ENDED_STATUSES, Channel, MessageStatus
from hms.messages.kinds import MessageKind, News, Recipient, all_kinds
from hms.messages.models import FIRST, ONCE, MessageClock, OutgoingMessage
from hms.messages.preferences import queries as preferences
from hms.messages.texts import queries as texts

from . import queries, rules

SEND = "messages.send"
CLAIM = timedelta(minutes=5)
"""Longer than any attempt: the channels have time limits of their own."""
NOT_NEEDED = N_("Not needed any more: what it tells has changed or is over.")
TOO_LATE = N_("Not sent in time.")
NO_ANSWER = N_("The worker was stopped while it sent this message.")
NO_CHANNEL = N_("This channel is not set up.")
NO_ADDRESS = N_("The record has no address on this channel any more.")
NOT_WANTED = N_("The patient does not want messages on this channel.")
recipient_checks: list[Callable[[int], None]] = []
"""Called with the patient's id before a person sends a message again; desks above raise `Conflict` when nothing may be sent."""


def announce(kind: str, record_id: int) -> None:
    """Tell the patient of a record this news, after the action commits. Part of an action; nothing without a channel.

    A worker makes the message from what the record says then.
    """
    if sending.usable_channels():
        enqueue(f"messages.make.{kind}", record_id)


@action(Permission.SIGNED_IN, "messages.make")
def make_message(
    kind: MessageKind, record_id: int, *, lead: timedelta = timedelta(), due: datetime | None = None, by: Person
) -> OutgoingMessage | None:
    """Write the message of this kind about a record, over the first channel that can be used, and send it when it is due. A
    person of the staff gets it over each channel that they chose.

    None when there is nothing to say, when the recipient cannot be reached, or when it was made before.
    """
    news = kind.find_news(record_id)
    if news is None or news.valid_until <= clock.now():
        return None
    reaches = preferences.list_reaches(news.recipient)
    chosen = reaches if kind.is_for_staff else reaches[:1]
    made = [_write(kind, record_id, news, reach, lead=lead, due=due or clock.now()) for reach in chosen]
    return next((message for message in made if message is not None), None)


@action(Permission.SIGNED_IN, "messages.miss")
def note_missed(kind: MessageKind, record_id: int, *, lead: timedelta, due: datetime, by: Person) -> None:
    """Write a message that was not sent in time and would not help any more."""
    news = kind.find_news(record_id)
    reach = None if news is None else preferences.find_reach(news.recipient)
    if news is None or reach is None:
        return
    message = _write(kind, record_id, news, reach, lead=lead, due=due, is_sent=False)
    if message is not None:
        _end(message, MessageStatus.MISSED, TOO_LATE)


def _write(
    kind: MessageKind,
    record_id: int,
    news: News,
    reach: preferences.Reach,
    *,
    lead: timedelta,
    due: datetime,
    is_sent: bool = True,
    fallback_of: OutgoingMessage | None = None,
) -> OutgoingMessage | None:
    rendered = texts.render_message(kind, reach.channel, reach.language, news.values(reach.language))
    row = {
        "kind": kind.name,
        "channel": reach.channel.value,
        "patient_id": news.recipient.patient_id,
        "user_id": news.recipient.user_id,
        kind.record: record_id,
        "occurrence": news.occurrence,
        "lead_minutes": int(lead.total_seconds() // 60),
        "about_at": news.about_at,
        "language": reach.language,
        "address": reach.address,
        "subject": rendered.subject,
        "body": rendered.body,
        "due_at": due,
        "valid_until": news.valid_until,
        "next_try_at": rules.send_time(max(due, clock.now()), _quiet_hours(kind)),
        "fallback_of_id": fallback_of.id if fallback_of is not None else None,
    }
    message = _insert_once(row)
    if message is not None and is_sent:
        _send_later(message)
    return message


def _quiet_hours(kind: MessageKind) -> rules.QuietHours:
    return rules.NO_QUIET_HOURS if kind.is_for_staff else queries.quiet_hours()


def _insert_once(row: dict) -> OutgoingMessage | None:
    """The new message; None when another transaction made the same."""
    statement = insert(OutgoingMessage).values(row)
    statement = statement.on_conflict_do_nothing(index_elements=ONCE, index_where=text(FIRST))
    made = db.session.execute(statement.returning(OutgoingMessage.id)).scalar_one_or_none()
    return None if made is None else db.session.get_one(OutgoingMessage, made)


def _send_later(message: OutgoingMessage) -> None:
    is_due = message.next_try_at is None or message.next_try_at <= clock.now()
    enqueue(SEND, message.id, due=None if is_due else message.next_try_at, is_long=True)


@dataclass(frozen=True)
class Claim:
    """A message that was claimed: which attempt this is, and the function that hands it over."""

    message_id: int
    attempt: int
    hand_over: Callable[[], Result]


@action(Permission.SIGNED_IN, "messages.claim")
def claim(message_id: int, *, by: Person) -> Claim | None:
    """Note that the message is being sent, before it is handed over. None when it must not be sent (again, or any more).

    It says what the record says now, and goes to the present address.
    """
    message = get_for_update(OutgoingMessage, message_id)
    news = _find_needed_news(message) if message.status == MessageStatus.WAITING else None
    if news is None:
        return None
    now = clock.now()
    if message.next_try_at is not None and message.next_try_at > now:
        _send_later(message)
        return None
    if not sending.is_set_up(Channel(message.channel)):
        _fail(message, NO_CHANNEL)
        return None
    if not news.recipient.address(Channel(message.channel)):
        _fail(message, NO_ADDRESS)
        return None
    _renew(message, news)
    set_status(message, MessageStatus.SENDING)
    message.attempts, message.claimed_until, message.next_try_at = message.attempts + 1, now + CLAIM, None
    reference = f"hms-{message.id}-{message.attempts}"
    hand_over = sending.prepare(Channel(message.channel), message.address, message.subject, message.body, reference)
    return Claim(message.id, message.attempts, hand_over)


def _renew(message: OutgoingMessage, news: News) -> None:
    """Take the address, and the text in the language of the message, from what the records say now."""
    channel, language = Channel(message.channel), message.language
    rendered = texts.render_message(all_kinds()[message.kind], channel, language, news.values(language))
    message.address, message.subject, message.body = news.recipient.address(channel), rendered.subject, rendered.body


def _find_needed_news(message: OutgoingMessage) -> News | None:
    """The news that the message tells; without it the message ends. A message of the quiet hours is put off."""
    now = clock.now()
    if message.valid_until <= now:
        _end(message, MessageStatus.MISSED, TOO_LATE)
        return None
    news = _find_same_news(message)
    if news is None:
        _end(message, MessageStatus.CANCELLED, NOT_NEEDED)
        return None
    if not preferences.is_allowed(preferences.get_preference_of(news.recipient), Channel(message.channel)):
        _end(message, MessageStatus.CANCELLED, NOT_WANTED)
        return None
    waits_until = rules.send_time(now, _quiet_hours(all_kinds()[message.kind]))
    if waits_until > now and message.again_of_id is None:
        message.next_try_at = waits_until
    return news


def _find_same_news(message: OutgoingMessage) -> News | None:
    """What the record says now; None when it says something else than the message."""
    kind = all_kinds().get(message.kind)
    record_id = getattr(message, kind.record) if kind else None
    news = kind.find_news(record_id) if kind and record_id else None
    if news is None:
        return None
    said = (news.about_at, news.recipient.patient_id, news.recipient.user_id)
    return news if said == (message.about_at, message.patient_id, message.user_id) else None


@action(Permission.SIGNED_IN, "messages.note_result")
def note_result(message_id: int, attempt: int, result: Result, *, by: Person) -> None:
    """Note what became of an attempt. The answer of one that was taken for lost is still noted."""
    message = get_for_update(OutgoingMessage, message_id)
    if message.attempts != attempt or message.status not in (MessageStatus.SENDING, MessageStatus.UNKNOWN):
        return
    now, then = clock.now(), _next_attempt(message) if result.outcome is Outcome.FAILED else None
    message.gateway_words, message.claimed_until = result.words, None
    if result.outcome is Outcome.SENT:
        set_status(message, MessageStatus.SENT)
        message.sent_at, message.gateway_id = now, result.gateway_id
    elif result.outcome is Outcome.UNKNOWN or message.status == MessageStatus.UNKNOWN:
        set_status(message, MessageStatus.UNKNOWN)
    elif then is None:
        _fail(message, result.words)
    else:
        set_status(message, MessageStatus.WAITING)
        message.next_try_at = then
        _send_later(message)


def _next_attempt(message: OutgoingMessage) -> datetime | None:
    """When the message is tried again; None when the next channel is tried, or nothing any more."""
    news = _find_same_news(message)
    reach = None if news is None else preferences.find_reach(news.recipient, after=Channel(message.channel))
    return rules.next_attempt(message.attempts, clock.now(), message.valid_until, is_last_channel=reach is None)


def _end(message: OutgoingMessage, status: MessageStatus, words: str) -> None:
    set_status(message, status)
    message.gateway_words, message.next_try_at, message.claimed_until = words, None, None


def _fail(message: OutgoingMessage, words: str) -> None:
    """Give the message up, and try the next channel."""
    _end(message, MessageStatus.FAILED, words)
    news = _find_same_news(message)
    if news is None or message.valid_until <= clock.now():
        return
    reach = preferences.find_reach(news.recipient, after=Channel(message.channel))
    if reach is not None:
        kind, lead = all_kinds()[message.kind], timedelta(minutes=message.lead_minutes)
        _write(kind, getattr(message, kind.record), news, reach, lead=lead, due=message.due_at, fallback_of=message)


@action(Permission.SIGNED_IN, "messages.note_planned")
def note_planned(until: datetime, *, by: Person) -> None:
    """Remember until when reminders were planned."""
    db.session.execute(update(MessageClock).values(planned_until=until))


@action(Permission.SIGNED_IN, "messages.alert")
def note_alert(quiet: timedelta, notify: Callable[[], None], *, by: Person) -> bool:
    """Call `notify` unless it was called within `quiet`; whether it was. Of two clocks only one does."""
    state = db.session.scalars(select(MessageClock).with_for_update()).one()
    now = clock.now()
    if state.alerted_at is not None and now - quiet < state.alerted_at <= now:
        return False
    state.alerted_at = now
    notify()
    return True


@action(Permission.SIGNED_IN, "messages.lose_claims")
def lose_claims(*, by: Person) -> int:
    """Mark the messages as unknown whose claim is over: the worker was stopped while it sent them. Returns how many."""
    over = select(OutgoingMessage).where(
        OutgoingMessage.status == MessageStatus.SENDING.value, OutgoingMessage.claimed_until < clock.now()
    )
    lost = db.session.scalars(over.with_for_update(skip_locked=True)).all()
    for message in lost:
        _end(message, MessageStatus.UNKNOWN, NO_ANSWER)
    return len(lost)


@action(Permission.SIGNED_IN, "messages.note_report")
def note_report(gateway_id: str, word: str, *, is_delivered: bool | None, by: Person) -> OutgoingMessage:
    """Note a delivery report of the gateway; `NotFound` when no SMS has this number. A state on the way changes nothing."""
    numbered = select(OutgoingMessage).filter_by(gateway_id=gateway_id, channel=Channel.SMS.value)
    newest = numbered.order_by(OutgoingMessage.id.desc()).limit(1).with_for_update()
    message = db.session.scalars(newest).one_or_none()
    if message is None:
        raise NotFound(N_("There is nothing at this address."))
    if is_delivered and message.status in (MessageStatus.SENT, MessageStatus.UNKNOWN, MessageStatus.FAILED):
        set_status(message, MessageStatus.DELIVERED)
        message.delivered_at, message.gateway_words = clock.now(), word
    elif is_delivered is False and message.status in (MessageStatus.SENT, MessageStatus.UNKNOWN):
        _fail(message, word)
    return message


@action(Permission.SEND_MESSAGES, "messages.send_again")
def send_again(message_id: int, *, by: Person) -> OutgoingMessage:
    """Send a message that ended once more, at once, as the records are now.

    Raises `Conflict` for one that still waits, that was sent again before, whose news changed or is over, or whose recipient
    has died, does not want it or has no address on the channel any more, and for a channel that is not set up.
    """
    message = get_for_update(OutgoingMessage, message_id)
    if message.status not in ENDED_STATUSES:
        raise Conflict(N_("This message still waits to be sent."), code="waiting")
    again = db.session.scalars(select(OutgoingMessage.id).filter_by(again_of_id=message.id)).first()
    if again is not None:
        raise Conflict(N_("This message was sent again already. See the newer one."), code="sent_again")
    for check in recipient_checks if message.patient_id is not None else ():
        check(message.patient_id)
    news = _find_same_news(message)
    if news is None or message.valid_until <= clock.now():
        raise Conflict(N_("What this message tells has changed or is over, so it would be wrong."), code="not_needed")
    address = _check_reach(news.recipient, Channel(message.channel))
    copied = (*ONCE, "patient_id", "user_id", "about_at", "language", "subject", "body", "valid_until")
    values = {name: getattr(message, name) for name in copied} | {"address": address}
    copy = OutgoingMessage(**values, again_of_id=message.id, due_at=clock.now(), next_try_at=clock.now())
    db.session.add(copy)
    db.session.flush()
    _send_later(copy)
    return copy


def _check_reach(recipient: Recipient, channel: Channel) -> str:
    """The address on this channel; raises `Conflict` when a message over it would reach nobody, or is not wanted."""
    if not sending.is_set_up(channel):
        raise Conflict(NO_CHANNEL, code="no_channel")
    if not preferences.is_allowed(preferences.get_preference_of(recipient), channel):
        raise Conflict(NOT_WANTED, code="not_wanted")
    address = recipient.address(channel)
    if not address:
        raise Conflict(N_("The record has no phone or e-mail address for this channel."), code="no_address")
    return address
