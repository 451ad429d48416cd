"""What was read of patients' records: every entry of the trail about a read is written here.

Which answers leave an entry:

* A page, a part of a page, a paper or a JSON object about one patient: one entry each time it is fetched.
* A part of a page that renews itself (`renews`): one entry for the same person, patient and action in `REPEATS_WITHIN`,
  or an open page would fill the trail by itself.
* A list whose rows show clinical text, and every list of the API: one entry for each patient in it (IHE ATNA), each once in
  `REPEATS_WITHIN`. All are written by one statement.
* Lists on pages that show who somebody is and when they come or what they owe (find box, day board, pay queue): none.

An action that reads is called `<desk>.read…` (or `clinical.open_chart`). Its name also says how much it counts towards
the limit of very many reads: `.read_list`, rows of the API without clinical text, a tenth of a record for each patient;
`.read_board`, what waits at a desk today, nothing; any other one record. How the limit works is in `mass_reading.py`.
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
            record(action, who, rows, entity=entity, renews=True)


def record(action: str, by: Person, seen: Iterable[Seen], *, entity: str, renews: bool = False) -> None:
    """Write the entries inside the transaction under way, and hold the account to the limit of very many reads."""
    rows = sorted(_by_patient(seen), key=lambda one: one.patient_id)
    limit, who = mass_reading.limit(), audit.who_columns(by)
    each = {
        "patient_ids": [one.patient_id for one in rows],
        "entity_ids": [one.entity_id for one in rows],
        "purposes": [one.purpose or who.get("purpose") for one in rows],
        "details": [json.dumps({"count": one.count}) if one.count > 1 else None for one in rows],
    }
    note_write(db.session())
    values = _NOBODY | who | each | {"action": action, "entity": entity, "renews": renews, "ticket": audit.ticket()}
    values |= {"minutes": limit.minutes, "slow": limit.per_minute, "repeats": REPEATS_WITHIN}
    written, tenths, told, seconds = _RECORD.tell(values).fetchone()
    lately = mass_reading.Lately(int(tenths), is_told=told, seconds_to_wait=seconds)
    mass_reading.check(by, action, written, lately, limit)


def _by_patient(seen: Iterable[Seen]) -> Iterable[Seen]:
    """One for each patient; several records of one are counted."""
    found: dict[int, Seen] = {}
    for one in seen:
        known = found.get(one.patient_id)
        if known is None:
            found[one.patient_id] = one
        else:
            found[one.patient_id] = Seen(one.patient_id, None, known.count + one.count, one.purpose or known.purpose)
    return found.values()


_NOBODY: dict[str, Any] = dict.fromkeys(("actor_id", "actor_name", "actor_role", "session_id", "ip", "request_id"))

_RECORD = Telling(
    text("""
WITH lately AS MATERIALIZED (
    SELECT action, patient_id, recorded_at,
           CASE WHEN action LIKE '%.read_board' OR action = 'security.read_very_many' THEN 0
                WHEN action LIKE '%.read_list' THEN 1 ELSE 10 END AS tenths
      FROM audit_entry
     WHERE actor_id = CAST(:actor_id AS bigint)
       AND recorded_at > now() - make_interval(mins => greatest(CAST(:minutes AS int), CAST(:repeats AS int)))
       AND (action LIKE '%.read%' OR action = 'clinical.open_chart')
), counted AS (
    SELECT * FROM lately WHERE recorded_at > now() - make_interval(mins => CAST(:minutes AS int))
), written AS (
    INSERT INTO audit_entry (action, actor_name, actor_role, request_id, entity, actor_id, session_id, ip,
                             patient_id, entity_id, purpose, new)
    SELECT CAST(:action AS text), CAST(:actor_name AS text), CAST(:actor_role AS text), CAST(:request_id AS text),
           CAST(:entity AS text), CAST(:actor_id AS bigint), CAST(:session_id AS bigint), CAST(:ip AS inet), asked.*
      FROM set_config('hms.ticket', :ticket, true),
           unnest(CAST(:patient_ids AS bigint[]), CAST(:entity_ids AS bigint[]), CAST(:purposes AS text[]),
                  CAST(:details AS jsonb[])) AS asked(patient_id, entity_id, purpose, details)
     WHERE NOT (CAST(:renews AS boolean) AND EXISTS (
                SELECT FROM lately
                 WHERE lately.action = CAST(:action AS text) AND lately.patient_id = asked.patient_id
                   AND recorded_at > now() - make_interval(mins => CAST(:repeats AS int))))
    RETURNING 1
)
SELECT (SELECT count(*) FROM written), (SELECT coalesce(sum(tenths), 0) FROM counted),
       EXISTS (SELECT FROM counted WHERE action = 'security.read_very_many'),
       (SELECT greatest(ceil(60 - extract(epoch FROM clock_timestamp() - recorded_at)), 0)::int
          FROM counted WHERE tenths > 0 ORDER BY recorded_at DESC OFFSET CAST(:slow AS int) - 1 LIMIT 1)
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
