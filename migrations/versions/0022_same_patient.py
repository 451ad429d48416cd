"""Records that belong together have one patient; a stored document says what is in it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"

# Amounts and objects inside JSON that somebody may have written by hand: what is none is NULL, or empty.
AMOUNT = r"""
CREATE FUNCTION hms_amount(text) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT CASE WHEN $1 ~ '^-?[0-9]{1,12}(\.[0-9]{1,9})?$' THEN $1::numeric END
$$
"""
OBJECT = """
CREATE FUNCTION hms_object(jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof($1) WHEN 'object' THEN $1 ELSE '{}' END
$$
"""
PAPER_NUMBERS = """
CREATE VIEW paper_number AS
SELECT w.kind || ':' || split_part(w.number, '-', 2) AS series, w.number,
       CASE WHEN w.number ~ ('^' || w.letter || '-[0-9]{4}-[0-9]{6,9}$') THEN split_part(w.number, '-', 3)::bigint END AS n
  FROM (SELECT 'bill' AS kind, 'B' AS letter, number FROM bill WHERE number IS NOT NULL
        UNION ALL SELECT kind, CASE kind WHEN 'refund' THEN 'C' ELSE 'R' END, number FROM payment
        UNION ALL SELECT 'closing', 'Z', number FROM cash_shift WHERE number IS NOT NULL
        UNION ALL SELECT 'goods', 'G', number FROM goods_receipt) w
"""

# The trigger's arguments are columns and the tables they name: column, table, column, table, ...
SAME_PATIENT = """
CREATE FUNCTION hms_same_patient() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    present jsonb := to_jsonb(NEW);
    owner bigint;
BEGIN
    FOR i IN 0 .. TG_NARGS - 1 BY 2 LOOP
        IF present->>TG_ARGV[i] IS NOT NULL THEN
            EXECUTE format('SELECT patient_id FROM %I WHERE id = $1', TG_ARGV[i + 1])
               INTO owner USING (present->>TG_ARGV[i])::bigint;
            IF owner <> NEW.patient_id THEN
                RAISE EXCEPTION '% of % is another patient''s', TG_ARGV[i], TG_TABLE_NAME USING CONSTRAINT = 'same_patient';
            END IF;
        END IF;
    END LOOP;
    RETURN NEW;
END $$
"""
PAIRS = {
    "appointment": {"rescheduled_from_id": "appointment"},
    "queue_entry": {"appointment_id": "appointment"},
    "encounter": {"appointment_id": "appointment", "queue_entry_id": "queue_entry"},
    "vitals_reading": {"encounter_id": "encounter", "queue_entry_id": "queue_entry"},
    "observation": {"encounter_id": "encounter"},
    "condition": {"encounter_id": "encounter"},
    "prescription": {"encounter_id": "encounter"},
    "immunization": {"encounter_id": "encounter"},
    "lab_order": {"encounter_id": "encounter"},
    "bill": {"encounter_id": "encounter"},
    "dispense": {"prescription_id": "prescription"},
}
CHARGED = """
CREATE FUNCTION hms_charge_of_patient() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner bigint;
BEGIN
    EXECUTE format('SELECT patient_id FROM %I WHERE id = $1', NEW.source) INTO owner USING NEW.source_id;
    IF owner <> (SELECT patient_id FROM bill WHERE id = NEW.bill_id) THEN
        RAISE EXCEPTION '% % is charged to another patient', NEW.source, NEW.source_id USING CONSTRAINT = 'same_patient';
    END IF;
    RETURN NEW;
END $$
"""
# What others refer to stays with its patient, so that the references stay right.
STAYING = ("appointment", "queue_entry", "encounter", "prescription", "lab_order", "bill")


def upgrade() -> None:
    for made in (AMOUNT, OBJECT, PAPER_NUMBERS, SAME_PATIENT, CHARGED):
        op.execute(made)
    for table, pairs in PAIRS.items():
        arguments = ", ".join(f"'{name}'" for pair in pairs.items() for name in pair)
        op.execute(
            f"CREATE TRIGGER same_patient BEFORE INSERT OR UPDATE OF patient_id, {', '.join(pairs)} ON {table} "
            f"FOR EACH ROW WHEN ({' OR '.join(f'NEW.{column} IS NOT NULL' for column in pairs)}) "
            f"EXECUTE FUNCTION hms_same_patient({arguments})"
        )
    for table in STAYING:
        op.execute(
            f"CREATE TRIGGER patient_stays BEFORE UPDATE OF patient_id ON {table} FOR EACH ROW "
            "WHEN (OLD.patient_id <> NEW.patient_id) EXECUTE FUNCTION hms_permanent()"
        )
    op.execute(
        "CREATE TRIGGER same_patient BEFORE INSERT OR UPDATE OF bill_id, source, source_id ON bill_line FOR EACH ROW "
        "WHEN (NEW.source IN ('encounter', 'lab_order', 'dispense')) EXECUTE FUNCTION hms_charge_of_patient()"
    )
    op.add_column("printed_document", sa.Column("facts", postgresql.JSONB(), nullable=True))
    op.add_column("printed_document", sa.Column("digest", sa.Text(), nullable=True))


def downgrade() -> None:
    for table in (*PAIRS, "bill_line"):
        op.execute(f"DROP TRIGGER same_patient ON {table}")
    for table in STAYING:
        op.execute(f"DROP TRIGGER patient_stays ON {table}")
    op.execute("DROP FUNCTION hms_charge_of_patient()")
    op.execute("DROP FUNCTION hms_same_patient()")
    op.execute("DROP VIEW paper_number")
    op.execute("DROP FUNCTION hms_object(jsonb)")
    op.execute("DROP FUNCTION hms_amount(text)")
    op.drop_column("printed_document", "digest")
    op.drop_column("printed_document", "facts")
