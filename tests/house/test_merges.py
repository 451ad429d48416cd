"""A merge of two records knows every table that names a patient, and every column of a patient's record."""

from __future__ import annotations

from sqlalchemy import text

from hms.core.db.session import db as database
from hms.patients.merging import rules
from hms.patients.merging.references import STAYING, links, references
from hms.patients.models import Patient

NAMING = text("""
SELECT c.conrelid::regclass::text || '.' || a.attname FROM pg_constraint c
  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
 WHERE c.contype = 'f' AND c.confrelid = 'patient'::regclass
UNION SELECT table_name || '.' || column_name FROM information_schema.columns
  JOIN pg_class k ON k.relname = table_name AND k.relkind IN ('r', 'p')
 WHERE table_schema = 'public' AND column_name LIKE '%patient_id'
""")
GUARDED = text("""
SELECT t.tgrelid::regclass::text FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
 WHERE p.proname = 'hms_patient_in_use' AND t.tgtype & 4 = 4 AND t.tgtype & 16 = 16
""")
LINKED = text("SELECT tgrelid::regclass::text, tgargs FROM pg_trigger WHERE tgfoid = 'hms_same_patient'::regproc")


def test_every_column_that_names_a_patient_moves_or_stays_with_a_reason(db):
    """A new table whose rows belong to a patient moves by itself: declare its column as a foreign key to `patient`."""
    moving = {f"{reference.table.name}.{reference.column.name}" for reference in references()}
    assert set(database.session.scalars(NAMING)) == moving | set(STAYING)
    assert all(STAYING.values())
    assert all([column.name for column in reference.table.primary_key] == ["id"] for reference in references())


def test_no_table_takes_a_row_for_a_merged_record(db):
    assert {reference.table.name for reference in references()} <= set(database.session.scalars(GUARDED))


def test_a_separation_knows_every_pair_of_rows_that_the_database_keeps_with_one_patient(db):
    known = {(link.table.name, link.column.name, link.other.name) for link in links()}
    for table, arguments in database.session.execute(LINKED):
        names = [argument.decode() for argument in bytes(arguments).split(b"\0")[:-1]]
        assert {(table, *pair) for pair in zip(names[::2], names[1::2], strict=True)} <= known


def test_every_column_of_a_record_is_chosen_settled_or_its_own(db):
    """A new column of the patient's record is a field of `merging.rules.FIELDS`, or belongs to one record only."""
    assert {*rules.COLUMNS, *rules.OWN_COLUMNS} == {column.name for column in Patient.__table__.columns}
    assert not {*rules.COLUMNS} & {*rules.OWN_COLUMNS}
