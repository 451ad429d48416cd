"""Sends messages in the background, and looks after those whose worker was stopped."""

from __future__ import annotations

from functools import partial

from hms.core.actions import after_commit
from hms.core.background.outbox import job
from hms.core.person import SYSTEM
from hms.messages.kinds import MessageKind, register_kind

from . import actions, alerts


@job(actions.SEND)
def send_message(message_id: int) -> None:
    """Claim the message in the job's transaction; hand it over after the commit, and note what became of it.

    A worker that is killed in between leaves a claim, which `lose_claims` ends: the message is never sent twice by itself.
    """
    claim = actions.claim(message_id, by=SYSTEM)
    if claim is not None:
        after_commit(partial(_hand_over, claim))


def _hand_over(claim: actions.Claim) -> None:
    """No transaction is open while the network is slow."""
    result = claim.hand_over()
    actions.note_result(claim.message_id, claim.attempt, result, by=SYSTEM)


def offer_kind(kind: MessageKind) -> MessageKind:
    """Register a kind, and the job that makes its messages (`actions.announce`)."""
    job(f"messages.make.{kind.name}")(lambda record_id: actions.make_message(kind, record_id, by=SYSTEM))
    return register_kind(kind)


def look_after() -> None:
    """Called by the scheduler: mark lost messages as unknown, and alert administrators when messages fail."""
    actions.lose_claims(by=SYSTEM)
    alerts.alert_of_failures()
