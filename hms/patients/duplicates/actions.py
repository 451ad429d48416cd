"""Say that two similar records are two people, and take that back."""

from __future__ import annotations

from hms.core import clock
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.errors import Conflict
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_reason
from hms.core.text.translation import N_
from hms.patients.enums import PairStatus
from hms.patients.merging.rules import MAX_REASON_LENGTH
from hms.patients.models import DuplicatePair


@action(Permission.PROPOSE_MERGE, "patients.dismiss_pair")
def dismiss(pair_id: int, *, reason: str, by: Person) -> DuplicatePair:
    """Say that the two records are not the same person: the pair is not offered again. `Conflict` when that was said before."""
    return _decide(pair_id, PairStatus.DISMISSED, reason, by)


@action(Permission.PROPOSE_MERGE, "patients.reopen_pair")
def reopen(pair_id: int, *, reason: str, by: Person) -> DuplicatePair:
    """Offer a dismissed pair again, with the reason. `Conflict` when it is open."""
    return _decide(pair_id, PairStatus.OPEN, reason, by)


def _decide(pair_id: int, status: PairStatus, reason: str, by: Person) -> DuplicatePair:
    pair = get_for_update(DuplicatePair, pair_id)
    why = clean_reason(reason, longest=MAX_REASON_LENGTH)
    if pair.status == status:
        raise Conflict(N_("Somebody decided this already. Open the list again."), code="decided")
    set_status(pair, status)
    pair.reason = why
    pair.decided_by_id, pair.decided_at = by.id, clock.now()
    db.session.flush()
    return pair
