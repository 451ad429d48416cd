"""What was read of patients' records: every entry of the trail about a read is written here.

Which answers leave an entry:

* A page, a part of a page, a paper or a JSON object about one patient: one entry each time it is fetched.
* A part of a page that renews itself (`renews`): one entry for the same person, patient and action in `REPEATS_WITHIN`
  minutes, or an open page would fill the trail by itself.
* A list of the API: one entry for the request, and one for each patient in it (IHE ATNA), these once in `REPEATS_WITHIN`
  minutes. All are written in one transaction. An empty list is of nobody and leaves none.
* A list on a page that shows clinical text (`<desk>.read_board`): one for each patient, as in a list of the API.
* A list on a page that shows who somebody is and when they come or what they owe (find box, day board, pay queue): one
  entry for the request with the number of its rows (`note_rows`); one in `REPEATS_WITHIN` minutes for the same list where
  it renews itself.

An action that reads is called `<desk>.read…` (or `clinical.open_chart`). What an account reads counts towards the
limit of very many records (`read_limit.py`): each patient whose record was opened once, a hundred rows of lists once,
and twenty rows of a search (`SEARCH_WEIGHT`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from flask import Response, request
from sqlalchemy import text

from hms.core import read_limit
from hms.core.actions import action_context
from hms.core.audit import recording
from hms.core.db.session import db, note_write
from hms.core.person import Person
from hms.core.web.guard import current_person

from . import pagination

BOARD = ".read_board"
SEARCH_WEIGHT = 5
"""A row that a search found counts as so many rows of a list: many small searches go through a whole hospital, while the
desk that looks one patient up reads a few rows."""
REPEATS_WITHIN = 10
"""Minutes in which a list, or a part of a page that renews itself, leaves one entry of a patient."""


@dataclass(frozen=True)
class Seen:
    """One patient in what was read: the record that was shown of them, or how many; `purpose` where it is not the request's."""

    patient_id: int
    entity_id: int | None = None
    count: int = 1
    purpose: str | None = None


def note(action: str, patient_id: int, *, entity: str, entity_id: int | None = None, renews: bool = False) -> None:
    """Write that the signed-in person read what `action` names of one patient. Commits.

    `TooManyReads` when the account has read very many records and must slow down.
    """
    who = current_person()
    with action_context(action, who):
        record(action, who, [Seen(patient_id, entity_id)], entity=entity, renews=renews)


def note_each(action: str, seen: Iterable[Seen], *, entity: str) -> None:
    """`note` for the patients of a list; those of the last minutes are not written again."""
    note_list({action: list(seen)}, entity=entity)


def note_list(seen: dict[str, list[Seen]], *, entity: str) -> None:
    """`note_each` for a list whose rows were read by several actions: in one transaction, with one entry for the request."""
    rows = {
        action: [_entry(one, _IN_LIST) for one in _by_patient(of_action)]
        for action, of_action in seen.items()
        if of_action
    }
    if not rows:
        return
    who, first = current_person(), next(iter(rows))
    if not first.endswith(BOARD):
        patients = {entry.patient_id for entries in rows.values() for entry in entries}
        details = {"patients": len(patients)} | ({"weight": SEARCH_WEIGHT} if request.args.get("search") else {})
        rows[first].insert(0, _Entry(None, None, None, json.dumps(details)))
    with action_context(first, who):
        for action, entries in rows.items():
            _record(action, who, entries, entity=entity, renews=True)


def note_rows(action: str, rows: int, *, entity: str, is_search: bool = False, renews: bool = False) -> None:
    """Write that the signed-in person had a list of so many rows that says who somebody is. Commits; no rows leave no entry.

    What `renews` leaves none when the same list, or the page that it is part of, left one in the last minutes; with other
    parameters it is another list.
    """
    if not rows:
        return
    asked = (request.path.removesuffix("rows").rstrip("/"), sorted(request.args.items(multi=True)))
    details: dict[str, Any] = {"patients": rows, "part": sha256(repr(asked).encode()).hexdigest()[:16]}
    if is_search:
        details["weight"] = SEARCH_WEIGHT
    who = current_person()
    with action_context(action, who):
        _record(action, who, [_Entry(None, None, None, json.dumps(details))], entity=entity, renews=renews)


def record(action: str, by: Person, seen: Iterable[Seen], *, entity: str, renews: bool = False) -> None:
    """Write the entries inside the transaction under way, and hold the account to the limit of very many reads."""
    _record(action, by, [_entry(one) for one in _by_patient(seen)], entity=entity, renews=renews)


class _Entry(NamedTuple):
    """The columns in which the entries of one read differ."""

    patient_id: int | None
    entity_id: int | None
    purpose: str | None
    new: str | None


_IN_LIST = '{"list": true}'


def _entry(one: Seen, details: str | None = None) -> _Entry:
    if one.count > 1:
        details = json.dumps((json.loads(details) if details else {}) | {"count": one.count})
    return _Entry(one.patient_id, one.entity_id, one.purpose, details)


def _record(action: str, by: Person, rows: list[_Entry], *, entity: str, renews: bool) -> None:
    limit, who = read_limit.limit(), _NOBODY | recording.actor_columns(by)
    note_write(db.session())
    values = who | {"action": action, "entity": entity, "ticket": recording.signing_ticket(), "renews": renews}
    values |= {f"{name}s": [getattr(row, name) for row in rows] for name in _Entry._fields}
    values |= {"repeats": REPEATS_WITHIN, "minutes": limit.minutes, "reads": limit.reads}
    values["counts"] = not action.endswith(BOARD) and read_limit.holds(by, limit)
    lately = db.session.connection().execute(_RECORD, values).scalar_one()
    if lately is not None:
        read_limit.check(by, lately, limit)


def _by_patient(seen: Iterable[Seen]) -> list[Seen]:
    """One for each patient; several records of one are counted."""
    found: dict[int, Seen] = {}
    for one in seen:
        known = found.get(one.patient_id)
        if known is None:
            found[one.patient_id] = one
        else:
            found[one.patient_id] = Seen(one.patient_id, None, known.count + one.count, one.purpose or known.purpose)
    return list(found.values())


_NOBODY: dict[str, Any] = dict.fromkeys(
    ("actor_id", "actor_name", "actor_role", "session_id", "ip", "request_id", "purpose")
)

_RECORD = text("""
WITH lately AS MATERIALIZED (
    SELECT patient_id, new FROM audit_entry
     WHERE actor_id = CAST(:actor_id AS bigint)
       AND recorded_at > now() - make_interval(mins => CAST(:minutes AS int))
       AND (action LIKE '%.read%' OR action = 'clinical.open_chart')
       AND (new IS NULL OR NOT jsonb_exists(new, 'list'))
     ORDER BY recorded_at DESC LIMIT 10 * CAST(:reads AS int)
), long_ago AS MATERIALIZED (
    SELECT id FROM audit_entry
     WHERE recorded_at < now() - make_interval(mins => CAST(:repeats AS int)) ORDER BY recorded_at DESC LIMIT 1
), written AS (
    INSERT INTO audit_entry (action, actor_name, actor_role, request_id, entity, actor_id, session_id, ip,
                             patient_id, entity_id, purpose, new)
    SELECT CAST(:action AS text), CAST(:actor_name AS text), CAST(:actor_role AS text), CAST(:request_id AS text),
           CAST(:entity AS text), CAST(:actor_id AS bigint), CAST(:session_id AS bigint), CAST(:ip AS inet),
           asked.patient_id, asked.entity_id, coalesce(asked.purpose, CAST(:purpose AS text)), asked.new
      FROM set_config('hms.ticket', :ticket, true),
           unnest(CAST(:patient_ids AS bigint[]), CAST(:entity_ids AS bigint[]), CAST(:purposes AS text[]),
                  CAST(:news AS jsonb[])) AS asked(patient_id, entity_id, purpose, new)
     WHERE NOT (CAST(:renews AS boolean) AND EXISTS (
            SELECT FROM audit_entry known
             WHERE known.patient_id = asked.patient_id AND known.id > coalesce((SELECT id FROM long_ago), 0)
               AND known.actor_id = CAST(:actor_id AS bigint) AND known.action = CAST(:action AS text)))
       AND NOT (CAST(:renews AS boolean) AND jsonb_exists(asked.new, 'part') AND EXISTS (
            SELECT FROM audit_entry known
             WHERE known.actor_id = CAST(:actor_id AS bigint) AND known.id > coalesce((SELECT id FROM long_ago), 0)
               AND known.action = CAST(:action AS text) AND known.new->>'part' = asked.new->>'part'))
    RETURNING 1
)
SELECT CASE WHEN CAST(:counts AS boolean) AND EXISTS (SELECT FROM written) THEN
       (SELECT count(DISTINCT patient_id) + coalesce(sum(CAST(new->>'patients' AS int)
             * coalesce(CAST(new->>'weight' AS int), 1)), 0) / 100 FROM lately) END
""")
"""How many reads count `lately`; NULL, and not looked for, when nothing new was written or it does not count. It finds the
index of what counts (`audit.COUNTED`), `long_ago` spares the search of a patient's whole past."""


def listed(
    rows: pagination.Rows,
    project: Callable[[Any], dict[str, Any]],
    of: Callable[[Any], tuple[str, Seen]],
    *,
    entity: str,
    total: pagination.Total | None = None,
) -> Response:
    """`api.listed`, with an entry for each patient in the answer: `of` gives the action and what a row shows of whom."""
    seen: dict[str, list[Seen]] = {}

    def keep(row: Any) -> dict[str, Any]:
        action, one = of(row)
        seen.setdefault(action, []).append(one)
        return project(row)

    answer = pagination.paginated_response(rows, keep, total=total)
    note_list(seen, entity=entity)
    return answer
