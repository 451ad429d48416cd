"""Requests to merge two records, or to separate them again, and their approval by a second person."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from hms.core import clock
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db, get_or_not_found
from hms.core.db.status import set_status
from hms.core.errors import Conflict, NotAllowed, NotFound, RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_reason
from hms.core.text.translation import N_
from hms.messages.actions import notify
from hms.patients import lookup
from hms.patients.access import policy
from hms.patients.enums import MergeKind, MergeStatus
from hms.patients.models import Patient, PatientMerge

from . import applying, moved_rows, queries, rules
from .moved_rows import Row

DECISION_NOTICES = {
    (MergeKind.MERGE, MergeStatus.APPROVED): N_("Your request to merge two records was approved"),
    (MergeKind.MERGE, MergeStatus.DECLINED): N_("Your request to merge two records was declined"),
    (MergeKind.SEPARATION, MergeStatus.APPROVED): N_("Your request to separate two records was approved"),
    (MergeKind.SEPARATION, MergeStatus.DECLINED): N_("Your request to separate two records was declined"),
}
merge_guards: list[Callable[[int], None]] = []
"""Called with each patient's id before a merge; desks above raise `Conflict` while a merge is not safe."""


pair_guards: list[Callable[[int, int], None]] = []
"""Called with the ids of both records before a merge; desks above raise `Conflict` for what the two may not have together."""


@action(Permission.PROPOSE_MERGE, "patients.request_merge")
def request_merge(
    kept_id: int,
    merged_id: int,
    *,
    reason: str,
    choices: Mapping[str, str] | None = None,
    confirmed: Iterable[str] = (),
    by: Person,
) -> PatientMerge:
    """Request that the record `merged_id` becomes a part of `kept_id`. `choices` says by field whose value stays.

    Raises `RuleBroken` for a difference of sex, birth date or death that is not `confirmed`, `Conflict` while a merge is
    not safe, `NotAllowed` for a restricted record without the right.
    """
    kept, merged = _lock_pair(kept_id, merged_id)
    _check_safe(kept, merged, by)
    confirmed = sorted(set(confirmed) & set(rules.MUST_BE_CONFIRMED))
    rules.check_confirmed(applying.differences(kept, merged), confirmed)
    chosen = applying.usual_choices(kept, merged) | rules.check_choices(choices or {})
    return _send(MergeKind.MERGE, kept, merged, reason, by, choices=chosen, confirmed=confirmed)


@action(Permission.PROPOSE_MERGE, "patients.request_separation")
def request_separation(merge_id: int, *, reason: str, rows: Collection[Row] = (), by: Person) -> PatientMerge:
    """Request that an approved merge is undone. `rows` are those added since that go to the merged record; the others stay.

    Raises `RuleBroken` for a row that may not be chosen, `Conflict` when the merge is undone already or a later one must
    be undone first.
    """
    merge = get_or_not_found(PatientMerge, merge_id)
    kept, merged = _lock_merged_pair(merge)
    check_restricted((kept, merged), by)
    plan = moved_rows.plan_separation(merge)
    moved_rows.check_not_tangled(plan)
    free = {row for group in plan.groups for row in group}
    if not set(rows) <= free:
        raise RuleBroken(N_("Choose only rows that were added since the merge. Open the list again."), "rows")
    choices = {"rows": [list(row) for row in sorted(rows)]}
    return _send(MergeKind.SEPARATION, kept, merged, reason, by, choices=choices, undoes_id=merge.id)


def _send(kind: MergeKind, kept: Patient, merged: Patient, reason: str, by: Person, **columns: object) -> PatientMerge:
    why = clean_reason(reason, longest=rules.MAX_REASON_LENGTH)
    request = PatientMerge(
        kind=kind.value, kept_id=kept.id, merged_id=merged.id, reason=why, requested_by_id=by.id, **columns
    )
    db.session.add(request)
    db.session.flush()
    return request


@action(Permission.APPROVE_MERGE, "patients.approve_merge")
def approve(request_id: int, *, by: Person) -> PatientMerge:
    """Approve another person's request and carry it out. Raises as the request did when it is not safe any more, `Conflict`
    when it is decided already."""
    request = get_or_not_found(PatientMerge, request_id)
    if request.kind == MergeKind.MERGE:
        kept, merged = _lock_pair(request.kept_id, request.merged_id)
        request = _lock_undecided(request_id, by)
        _check_safe(kept, merged, by)
        rules.check_confirmed(applying.differences(kept, merged), request.confirmed)
        applying.merge(request, kept, merged)
    else:
        undone = get_or_not_found(PatientMerge, request.undoes_id)
        kept, merged = _lock_merged_pair(undone)
        request = _lock_undecided(request_id, by)
        check_restricted((kept, merged), by)
        applying.separate(request, undone, kept, merged, by)
    _decide(request, MergeStatus.APPROVED, by)
    return request


@action(Permission.APPROVE_MERGE, "patients.decline_merge")
def decline(request_id: int, *, reason: str, by: Person) -> PatientMerge:
    """Decline another person's request, with a reason."""
    request = _lock_undecided(request_id, by)
    request.decision_note = clean_reason(reason, longest=rules.MAX_REASON_LENGTH)
    _decide(request, MergeStatus.DECLINED, by)
    return request


@action(Permission.PROPOSE_MERGE, "patients.withdraw_merge")
def withdraw_request(request_id: int, *, by: Person) -> PatientMerge:
    """Withdraw the person's own request before it is decided; `NotFound` for the request of another person."""
    request = get_for_update(PatientMerge, request_id)
    if request.requested_by_id != by.id:
        raise NotFound(N_("This request does not exist."))
    rules.check_waiting(request.status)
    _decide(request, MergeStatus.WITHDRAWN, by)
    return request


def _lock_undecided(request_id: int, by: Person) -> PatientMerge:
    """The request, locked after its patients."""
    request = get_for_update(PatientMerge, request_id)
    rules.check_waiting(request.status)
    rules.check_approver(request.requested_by_id, by.id)
    return request


def _decide(request: PatientMerge, decision: MergeStatus, by: Person) -> None:
    set_status(request, decision)
    request.decided_at, request.decided_by_id = clock.now(), by.id
    db.session.flush()
    notice = DECISION_NOTICES.get((MergeKind(request.kind), decision))
    if notice:
        notify(request.requested_by_id, title=notice, message=by.name, url=f"/patients/merges/{request.id}", by=by)


def _lock_pair(kept_id: int, merged_id: int) -> tuple[Patient, Patient]:
    """Both records, locked in the order of their ids, so that two merges do not wait for each other."""
    if kept_id == merged_id:
        raise RuleBroken(N_("Choose two different records."), "merged")
    locked = {patient_id: lookup.patient_for_update(patient_id) for patient_id in sorted((kept_id, merged_id))}
    return locked[kept_id], locked[merged_id]


def _lock_merged_pair(merge: PatientMerge) -> tuple[Patient, Patient]:
    """Both records of a merge that may be undone now, locked; `Conflict` when it may not."""
    if merge.kind != MergeKind.MERGE or merge.status != MergeStatus.APPROVED:
        raise Conflict(N_("Only records that were merged can be separated."), code="not_merged")
    locked = {
        patient_id: get_for_update(Patient, patient_id) for patient_id in sorted((merge.kept_id, merge.merged_id))
    }
    if queries.is_undone(merge.id):
        raise Conflict(N_("These two records are separated already."), code="separated")
    kept = lookup.patient_for_update(merge.kept_id)
    later = queries.later_merge(merge)
    if later is not None:
        message = N_("%(number)s was merged into this record later. Separate that one first.")
        raise Conflict(message, code="merged_later", number=get_or_not_found(Patient, later.merged_id).hospital_number)
    return kept, locked[merge.merged_id]


def _check_safe(kept: Patient, merged: Patient, by: Person) -> None:
    check_restricted((kept, merged), by)
    for patient in (kept, merged):
        opened_until = queries.emergency_access_until(patient.id)
        if opened_until is not None:
            message = N_("Somebody opened one of these records in an emergency. Merge them after %(time)s.")
            raise Conflict(message, code="open_in_emergency", time=f"{clock.local(opened_until):%H:%M}")
        for check in merge_guards:
            check(patient.id)
    for check_pair in pair_guards:
        check_pair(kept.id, merged.id)


def check_restricted(patients: Iterable[Patient], by: Person) -> None:
    """Raise `NotAllowed` for a restricted record without the right to restrict, or that is closed to `by`."""
    for patient in patients:
        if patient.is_restricted and not by.may(Permission.RESTRICT_PATIENT):
            message = N_("One of these records is restricted. Ask a colleague who may restrict records.")
            raise NotAllowed(message, code="restricted")
        policy.check_team(patient, by)
