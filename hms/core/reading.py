"""What was read of patients' records: every entry of the trail about a read is written here.

Which answers leave an entry:

* A page, a part of a page, a paper or a JSON object about one patient: one entry each time it is fetched.
* A part of a page that renews itself (`renews`): one entry for the same person, patient and action in `REPEATS_WITHIN`
  minutes, or an open page would fill the trail by itself.
* A list whose rows show clinical text, and every list of the API: one entry for each patient in it (IHE ATNA), each once in
  `REPEATS_WITHIN` minutes; of a list of the API the first one each time. All are written by one statement.
* Lists on pages that show who somebody is and when they come or what they owe (find box, day board, pay queue): none.

An action that reads is called `<desk>.read…` (or `clinical.open_chart`); `<desk>.read_board` is what waits at a desk today.
Each request that reads counts towards the limit of very many reads (`mass_reading.py`), a chart as much as a page of a
list; boards do not count.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import Response
from sqlalchemy import text

from . import api, audit, mass_reading
from .actions import doing
from .db import db, note_write
from .people import Person
from .questions import Telling
from .web import person

BOARD = ".read_board"
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
    who = person()
    with doing(action, who):
        record(action, who, [Seen(patient_id, entity_id)], entity=entity, renews=renews)


def note_each(action: str, seen: Iterable[Seen], *, entity: str) -> None:
    """`note` for the patients of a list; those of the last minutes are not written again."""
    rows = list(seen)
    if rows:
        who = person()
        with doing(action, who):
            record(action, who, rows, entity=entity, renews=True, is_list=not action.endswith(BOARD))


def record(
    action: str, by: Person, seen: Iterable[Seen], *, entity: str, renews: bool = False, is_list: bool = False
) -> None:
    """Write the entries inside the transaction under way, and hold the account to the limit of very many reads.

    With `renews` those that were written in the last minutes are left out; of an `is_list` the first one stays.
    """
    rows = _by_patient(seen)
    limit, who = mass_reading.limit(), _NOBODY | audit.who_columns(by)
    each = {
        "patient_ids": [one.patient_id for one in rows],
        "entity_ids": [one.entity_id for one in rows],
        "purposes": [one.purpose or who["purpose"] for one in rows],
        "details": [json.dumps({"count": one.count}) if one.count > 1 else None for one in rows],
    }
    note_write(db.session())
    values = who | each | {"action": action, "entity": entity, "ticket": audit.ticket()}
    values |= {"renews": renews, "is_list": is_list, "repeats": REPEATS_WITHIN}
    values |= {"minutes": limit.minutes, "per_minute": limit.per_minute}
    written, requests, is_known, is_told, seconds = _RECORD.tell(values).fetchone()
    if written and not is_known and not action.endswith(BOARD):
        mass_reading.check(by, mass_reading.Lately(requests, is_told, seconds), limit)


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

_RECORD = Telling(
    text("""
WITH lately AS MATERIALIZED (
    SELECT action, patient_id, request_id, recorded_at
      FROM audit_entry
     WHERE actor_id = CAST(:actor_id AS bigint)
       AND recorded_at > now() - make_interval(mins => greatest(CAST(:minutes AS int), CAST(:repeats AS int)))
       AND (action LIKE '%.read%' OR action = 'clinical.open_chart')
), counted AS (
    SELECT request_id, max(recorded_at) AS recorded_at
      FROM lately
     WHERE recorded_at > now() - make_interval(mins => CAST(:minutes AS int))
       AND action NOT LIKE '%.read_board' AND action <> 'security.read_very_many'
     GROUP BY request_id
), written AS (
    INSERT INTO audit_entry (action, actor_name, actor_role, request_id, entity, actor_id, session_id, ip,
                             patient_id, entity_id, purpose, new)
    SELECT CAST(:action AS text), CAST(:actor_name AS text), CAST(:actor_role AS text), CAST(:request_id AS text),
           CAST(:entity AS text), CAST(:actor_id AS bigint), CAST(:session_id AS bigint), CAST(:ip AS inet),
           asked.patient_id, asked.entity_id, asked.purpose, asked.details
      FROM set_config('hms.ticket', :ticket, true),
           unnest(CAST(:patient_ids AS bigint[]), CAST(:entity_ids AS bigint[]), CAST(:purposes AS text[]),
                  CAST(:details AS jsonb[])) WITH ORDINALITY AS asked(patient_id, entity_id, purpose, details, nth)
     WHERE (CAST(:is_list AS boolean) AND asked.nth = 1) OR NOT (CAST(:renews AS boolean) AND EXISTS (
            SELECT FROM lately
             WHERE lately.action = CAST(:action AS text) AND lately.patient_id = asked.patient_id
               AND lately.recorded_at > now() - make_interval(mins => CAST(:repeats AS int))))
    RETURNING 1
)
SELECT (SELECT count(*) FROM written),
       (SELECT count(*) FROM counted),
       EXISTS (SELECT FROM counted WHERE request_id = CAST(:request_id AS text)),
       EXISTS (SELECT FROM lately WHERE action = 'security.read_very_many'
                  AND recorded_at > now() - make_interval(mins => CAST(:minutes AS int))),
       (SELECT ceil(60 - extract(epoch FROM clock_timestamp() - recorded_at))::int
          FROM counted ORDER BY recorded_at DESC OFFSET CAST(:per_minute AS int) - 1 LIMIT 1)
""")
)


def listed(
    rows: api.Rows,
    project: Callable[[Any], dict[str, Any]],
    of: Callable[[Any], tuple[str, Seen]],
    *,
    entity: str,
    total: api.Total | None = None,
) -> Response:
    """`api.listed`, with an entry for each patient in the answer: `of` gives the action and what a row shows of whom."""
    seen: dict[str, list[Seen]] = {}

    def keep(row: Any) -> dict[str, Any]:
        action, one = of(row)
        seen.setdefault(action, []).append(one)
        return project(row)

    answer = api.listed(rows, keep, total=total)
    for action, of_action in seen.items():
        note_each(action, of_action, entity=entity)
    return answer
