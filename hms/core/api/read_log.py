"""Writes the audit entries of reads of patients' records.

Which responses are recorded:

* A page, a part of a page, a document or a JSON object about one patient: one entry for each request.
* A part of a page that refreshes itself (`renews`): one entry for the same person, patient and action in `REPEATS_WITHIN`
  minutes, so that an open page does not fill the audit trail.
* A list of the API: one entry for the request, and one for each patient in it (IHE ATNA), the latter once in
  `REPEATS_WITHIN` minutes. All are written in one transaction. An empty list leaves no entry.
* A list on a page with clinical text (`<desk>.read_board`): one entry for each patient, as in a list of the API.
* A list on a page with names and times or amounts (find box, day board, unpaid bills): one entry for the request with the
  number of its rows (`record_list_read`); one in `REPEATS_WITHIN` minutes for the same list when it refreshes itself.

The audit name of a read is `<desk>.read…` (or `clinical.open_chart`). Reads count towards the read limit
(`read_limit.py`): each patient whose record was opened counts once; a hundred list rows, or twenty search results
(`SEARCH_WEIGHT`), count once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

from flask import Response, g, request
from sqlalchemy import TextClause, text

from hms.core import read_limit
from hms.core.actions import action_context
from hms.core.audit import recording
from hms.core.db.fixed_words import fixed_number
from hms.core.db.session import db, note_write
from hms.core.person import Person
from hms.core.web.guard import current_person

from . import pagination

BOARD = ".read_board"
SEARCH_WEIGHT = 5
"""A search result counts as this many list rows: many small searches can read the whole register, while looking up one
patient shows a few rows."""
REPEATS_WITHIN = 10
"""Minutes in which a list, or a part of a page that refreshes itself, leaves only one entry of a patient."""


class PatientRead(NamedTuple):
    """One patient in a response: the record that was shown, or how many (`count`). `purpose` replaces the request's."""

    patient_id: int
    entity_id: int | None = None
    count: int = 1
    purpose: str | None = None


def record_read(
    action: str, patient_id: int, *, entity: str, entity_id: int | None = None, renews: bool = False
) -> None:
    """Record that the signed-in person did the read `action` of one patient. Commits.

    `TooManyReads` when the account is above the read limit and must wait.
    """
    person = current_person()
    with action_context(action, person):
        record_in_transaction(action, person, [PatientRead(patient_id, entity_id)], entity=entity, renews=renews)


def record_reads(action: str, seen: Iterable[PatientRead], *, entity: str) -> None:
    """`record_read` for the patients of a list; patients recorded in the last minutes are left out."""
    record_reads_by_action({action: list(seen)}, entity=entity)


def record_reads_by_action(seen: dict[str, list[PatientRead]], *, entity: str) -> None:
    """`record_reads` for a list whose rows have several read actions: one statement, with one entry for the request."""
    entries = [
        _entry(action, patient, _IN_LIST) for action, patients in seen.items() for patient in _by_patient(patients)
    ]
    if not entries:
        return
    person, first = current_person(), entries[0]["action"]
    patient_ids = {entry["patient_id"] for entry in entries}
    g.listed_patients = len(patient_ids)
    if not first.endswith(BOARD):
        details = {"patients": len(patient_ids)} | ({"weight": SEARCH_WEIGHT} if request.args.get("search") else {})
        entries.insert(0, {"action": first, "new": details})
    with action_context(first, person):
        for start in range(0, len(entries), _AT_ONCE):
            _record(person, entries[start : start + _AT_ONCE], _OF_PATIENT, entity=entity)


_AT_ONCE = 1000
"""Entries of one statement: a list that is exported may have very many."""


def record_list_read(action: str, rows: int, *, entity: str, is_search: bool = False, renews: bool = False) -> None:
    """Record that the signed-in person read a list of `rows` patients. Commits. A list without rows leaves no entry.

    With `renews` there is no entry when the same list, or the page with it, was recorded in the last minutes. Other query
    parameters make it another list.
    """
    if not rows:
        return
    address = (request.path.removesuffix("rows").rstrip("/"), sorted(request.args.items(multi=True)))
    details: dict[str, Any] = {"patients": rows, "part": sha256(repr(address).encode()).hexdigest()[:16]}
    if is_search:
        details["weight"] = SEARCH_WEIGHT
    person = current_person()
    with action_context(action, person):
        _record(person, [{"action": action, "new": details}], _OF_LIST if renews else "", entity=entity)


def record_in_transaction(
    action: str, by: Person, seen: Iterable[PatientRead], *, entity: str, renews: bool = False
) -> None:
    """Write the entries in the caller's transaction. `TooManyReads` when the account is above the read limit."""
    entries = [_entry(action, patient) for patient in _by_patient(seen)]
    _record(by, entries, _OF_PATIENT if renews else "", entity=entity)


_IN_LIST = {"list": True}


def _entry(action: str, patient: PatientRead, details: dict[str, Any] | None = None) -> dict[str, Any]:
    """The columns in which the entries of one request differ. A missing one is NULL."""
    if patient.count > 1:
        details = (details or {}) | {"count": patient.count}
    columns = {"action": action, "patient_id": patient.patient_id, "entity_id": patient.entity_id}
    return columns | {"purpose": patient.purpose, "new": details}


def _record(by: Person, entries: list[dict[str, Any]], same: str, *, entity: str) -> None:
    if not entries:
        return
    limit, actor = read_limit.current_limit(), _NO_ACTOR | recording.actor_columns(by)
    note_write(db.session())
    values = actor | {"entries": json.dumps(entries), "entity": entity, "ticket": recording.create_signing_ticket()}
    is_counted = any(not entry["action"].endswith(BOARD) for entry in entries) and read_limit.is_limited(by, limit)
    if is_counted:
        values |= {"minutes": limit.minutes, "reads": limit.reads}
    if same:
        values["repeats"] = REPEATS_WITHIN
    statement = _statement(same, counts=is_counted, is_one=len(entries) == 1)
    recent_reads = db.session.connection().execute(statement, values).scalar_one()
    if recent_reads is not None:
        read_limit.check_reads(by, recent_reads, limit)


def _by_patient(seen: Iterable[PatientRead]) -> list[PatientRead]:
    """One `PatientRead` for each patient; the counts of several records of one patient are added."""
    merged: dict[int, PatientRead] = {}
    for row in seen:
        earlier = merged.get(row.patient_id)
        if earlier is None:
            merged[row.patient_id] = row
        else:
            count, purpose = earlier.count + row.count, row.purpose or earlier.purpose
            merged[row.patient_id] = PatientRead(row.patient_id, None, count, purpose)
    return list(merged.values())


_NO_ACTOR: dict[str, Any] = dict.fromkeys(
    ("actor_id", "actor_name", "actor_role", "session_id", "ip", "request_id", "purpose")
)

_LATELY = """
lately AS MATERIALIZED (
    SELECT patient_id, new FROM audit_entry
     WHERE actor_id = CAST(:actor_id AS bigint)
       AND recorded_at > now() - make_interval(mins => :minutes)
       AND (action LIKE '%.read%' OR action = 'clinical.open_chart')
       AND (new IS NULL OR NOT jsonb_exists(new, 'list'))
     ORDER BY recorded_at DESC LIMIT 10 * :reads
), """
_OF_PATIENT = "known.patient_id = entry.patient_id"
_OF_LIST = "known.new->>'part' = entry.new->>'part'"
"""Which earlier entry makes a new one unnecessary: of the same patient, or of the same list (`record_list_read`)."""
_NOT_KNOWN = """
     WHERE (SELECT max(known.id) FROM audit_entry known
             WHERE {same} AND known.id > coalesce((SELECT id FROM long_ago), 0)
               AND known.actor_id = CAST(:actor_id AS bigint) AND known.action = entry.action) IS NULL"""
_LONG_AGO = """
long_ago AS MATERIALIZED (
    SELECT id FROM audit_entry
     WHERE recorded_at < now() - make_interval(mins => :repeats) ORDER BY recorded_at DESC LIMIT 1
), """
_COUNT = """
CASE WHEN EXISTS (SELECT FROM written) THEN
     (SELECT count(DISTINCT patient_id) + coalesce(sum(CAST(new->>'patients' AS int)
           * coalesce(CAST(new->>'weight' AS int), 1)), 0) / 100 FROM lately) END"""


@cache
def _statement(same: str, *, counts: bool, is_one: bool) -> TextClause:
    """Writes the entries and returns the number of recent reads that count; NULL when nothing was written or not `counts`.
    Entries like those of the last minutes are left out: `same` is `_OF_PATIENT`, `_OF_LIST`, or empty.

    `lately` uses the index of `audit.models.COUNTED_READS`; `long_ago` keeps the search out of the patient's older entries.
    What seldom changes is written into the statement, so that PostgreSQL keeps its plan (`core/db/fixed_words.py`). Without
    `is_one` it expects a hundred entries. The earlier entries are looked up for each patient: a join with NOT EXISTS would
    read all entries of the last minutes, those of other people too.
    """
    statement = f"""
WITH {_LATELY if counts else ""}{_LONG_AGO if same else ""}written AS (
    INSERT INTO audit_entry (action, actor_name, actor_role, request_id, entity, actor_id, session_id, ip,
                             patient_id, entity_id, purpose, new)
    SELECT entry.action, CAST(:actor_name AS text), CAST(:actor_role AS text), CAST(:request_id AS text),
           CAST(:entity AS text), CAST(:actor_id AS bigint), CAST(:session_id AS bigint), CAST(:ip AS inet),
           entry.patient_id, entry.entity_id, coalesce(entry.purpose, CAST(:purpose AS text)), entry.new
      FROM set_config('hms.ticket', :ticket, true),
           (SELECT * FROM jsonb_to_recordset(CAST(:entries AS jsonb))
                AS row(action text, patient_id bigint, entity_id bigint, purpose text, new jsonb)
             {"LIMIT 1" if is_one else ""}) AS entry
           {_NOT_KNOWN.format(same=same) if same else ""}
    RETURNING 1
)
SELECT {_COUNT if counts else "NULL FROM (SELECT count(*) FROM written) AS done"}"""  # noqa: S608 - parts of this file # nosec B608
    numbers = (["minutes", "reads"] if counts else []) + (["repeats"] if same else [])
    return text(statement).bindparams(*map(fixed_number, numbers))


def list_response(
    rows: pagination.Rows,
    project: Callable[[Any], dict[str, Any]],
    of: Callable[[Any], tuple[str, *tuple[PatientRead, ...]]],
    *,
    entity: str,
) -> Response:
    """`pagination.paginated_response` with an audit entry for each patient in it; `of` gives a row's action and patient,
    or patients."""
    seen: dict[str, list[PatientRead]] = {}

    def project_and_collect(row: Any) -> dict[str, Any]:
        action, *patients = of(row)
        seen.setdefault(action, []).extend(patients)
        return project(row)

    response = pagination.paginated_response(rows, project_and_collect)
    record_reads_by_action(seen, entity=entity)
    return response
