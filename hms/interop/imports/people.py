"""The two people of the question whether a row is somebody who is registered already, or of another row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from hms.core.api import read_log
from hms.core.db.session import db
from hms.core.person import Person
from hms.core.web.template_filters import day, phone
from hms.interop.models import ImportBatch, ImportRow
from hms.patients.models import Patient
from hms.patients.search.queries import SHOWN, SearchResult, build_result

from . import queries
from .fields import RowRefused, read_row
from .kinds import KINDS
from .patient_rows import PATIENTS, birth_of


@dataclass
class Question:
    """The person of a row, and the one who seems to be the same: a patient, or another row. Of rows name, date of birth and
    phone, as far as the file has them."""

    own: list[str]
    patient: SearchResult | None = None
    twin: list[str] = field(default_factory=list)


def questions(batch: ImportBatch, rows: Sequence[ImportRow], who: Person) -> dict[int, Question]:
    """The question of each row that may be imported when it is another person, by the row's number."""
    asked = [row for row in rows if KINDS[batch.kind].may_be_other and (row.match_id or row.twin_number) and row.cells]
    twins = _find_twins(batch, asked)
    ids = {_match(row, twins) for row in asked} - {None}
    found = select(*SHOWN).where(Patient.id.in_(ids))
    patients = {row.id: build_result(row, who=who) for row in db.session.execute(found)} if ids else {}
    return {
        row.number: Question(
            _facts(batch, row), patients.get(_match(row, twins)), _facts(batch, twins.get(row.twin_number))
        )
        for row in asked
    }


def _find_twins(batch: ImportBatch, rows: Sequence[ImportRow]) -> dict[int, ImportRow]:
    """The earlier rows of the file that are the same as some of `rows`, by their numbers."""
    numbers = [row.twin_number for row in rows if row.twin_number]
    return {row.number: row for row in queries.list_rows_by_number(batch.id, numbers)} if numbers else {}


def _match(row: ImportRow, twins: dict[int, ImportRow]) -> int | None:
    """The registered patient: also the one that the earlier row has become meanwhile."""
    twin = twins.get(row.twin_number)
    return row.match_id if twin is None else twin.record_id


def _facts(batch: ImportBatch, row: ImportRow | None) -> list[str]:
    """Name, date of birth and phone as the file says them."""
    if row is None or not row.cells:
        return []
    try:
        values = read_row(KINDS[batch.kind].fields, batch.columns, row.cells, batch.date_order)
    except RowRefused:
        return []
    born = birth_of(values)
    name = " ".join(values[part] for part in ("first_name", "last_name") if part in values)
    number = values.get("contact_info")
    facts = (name, day(born.day) if born else "", phone(number) if number else "")
    return [text for text in facts if text]


def record_matches(batch: ImportBatch, rows: Sequence[ImportRow]) -> None:
    """Record that the person saw the names of patients who seem to be registered already."""
    if batch.kind == PATIENTS.name:
        twins = _find_twins(batch, rows)
        matches = {_match(row, twins) for row in rows if row.problems} - {None}
        read_log.record_reads("patients.read_list", [read_log.PatientRead(id_) for id_ in matches], entity="patient")
