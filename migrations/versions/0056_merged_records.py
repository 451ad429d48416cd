"""Two records of one patient are merged, and separated again, by two people; every moved row is noted.

The triggers that keep rows as they are let a row change its patient only while a request is being approved, only for a row
that is noted for it, and only that column.
"""

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0056"
down_revision = "0060"

GRANTS = {
    "patients.propose_merge": ("admin", "doctor", "nurse", "receptionist"),
    "patients.approve_merge": ("admin",),
}
IN_THE_TRAIL = "SELECT set_config('hms.doing', '{\"action\": \"migration\"}', true)"
DECISION = "status,decided_by_id,decided_at,decision_note,before,updated_at"

# The request that is being approved in this transaction, by another person than the one who sent it.
RUNNING = """
CREATE FUNCTION hms_running_merge() RETURNS SETOF patient_merge LANGUAGE sql STABLE AS $$
    SELECT m.* FROM patient_merge m
     WHERE m.id = nullif(current_setting('hms.merge', true), '')::bigint AND m.status = 'waiting'
       AND m.requested_by_id <> hms_acting_person()
$$
"""
MOVE = """
CREATE FUNCTION hms_is_merge_move(of_table text, former jsonb, present jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM hms_running_merge() m
        JOIN patient_merge_row r ON r.merge_id = m.id AND r.is_moved AND r.table_name = of_table
         AND r.row_id = (former->>'id')::bigint
       WHERE former - r.column_name = present - r.column_name
         AND (former->>r.column_name)::bigint = CASE m.kind WHEN 'merge' THEN m.merged_id ELSE m.kept_id END
         AND (present->>r.column_name)::bigint = CASE m.kind WHEN 'merge' THEN m.kept_id ELSE m.merged_id END)
$$
"""
PERMANENT = """
CREATE OR REPLACE FUNCTION hms_permanent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND hms_is_merge_move(TG_TABLE_NAME, to_jsonb(OLD), to_jsonb(NEW)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of % refused: the row is permanent', TG_OP, TG_TABLE_NAME USING CONSTRAINT = 'permanent';
END $$
"""
PERMANENT_BEFORE = """
CREATE OR REPLACE FUNCTION hms_permanent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % refused: the row is permanent', TG_OP, TG_TABLE_NAME USING CONSTRAINT = 'permanent';
END $$
"""
FROZEN = """
CREATE OR REPLACE FUNCTION hms_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    free text[] := TG_ARGV[0]::text[];
BEGIN
    IF to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free{except} THEN
        RAISE EXCEPTION 'UPDATE of % refused: the row is final', TG_TABLE_NAME USING CONSTRAINT = 'permanent';
    END IF;
    RETURN NEW;
END $$
"""
EXCEPT_MOVES = """
       AND NOT hms_is_merge_move(TG_TABLE_NAME, to_jsonb(OLD), to_jsonb(NEW))"""
# All rows that belong together move in one transaction, one after the other; the action checks them at its end.
SAME_PATIENT = """
CREATE OR REPLACE FUNCTION hms_same_patient() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    present jsonb := to_jsonb(NEW);
    named bigint;
    owner bigint;
BEGIN{moves}
    FOR i IN 0 .. TG_NARGS - 1 BY 2 LOOP
        named := (present->>TG_ARGV[i])::bigint;
        IF named IS NOT NULL THEN
            CASE TG_ARGV[i + 1]
                WHEN 'appointment' THEN SELECT patient_id INTO owner FROM appointment WHERE id = named;
                WHEN 'queue_entry' THEN SELECT patient_id INTO owner FROM queue_entry WHERE id = named;
                WHEN 'encounter' THEN SELECT patient_id INTO owner FROM encounter WHERE id = named;
                WHEN 'prescription' THEN SELECT patient_id INTO owner FROM prescription WHERE id = named;
                WHEN 'outgoing_message' THEN SELECT patient_id INTO owner FROM outgoing_message WHERE id = named;
            END CASE;
            IF owner <> NEW.patient_id THEN
                RAISE EXCEPTION '% of % is another patient''s', TG_ARGV[i], TG_TABLE_NAME USING CONSTRAINT = 'same_patient';
            END IF;
        END IF;
    END LOOP;
    RETURN NEW;
END $$
"""
ALLOWS_MOVES = """
    IF TG_OP = 'UPDATE' AND hms_is_merge_move(TG_TABLE_NAME, to_jsonb(OLD), present) THEN
        RETURN NEW;
    END IF;"""

# The record that holds what the record with this number held, also after several merges; NULL for a record in use.
KEPT = """
CREATE FUNCTION hms_kept_patient(old_number bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    WITH RECURSIVE kept AS (
        SELECT id, merged_into_id FROM patient WHERE number = old_number AND merged_into_id IS NOT NULL
        UNION SELECT p.id, p.merged_into_id FROM patient p JOIN kept k ON p.id = k.merged_into_id)
    SELECT id FROM kept WHERE merged_into_id IS NULL
$$
"""

# The patient's row is locked, so that a new row and a merge wait for each other: the row is moved, or refused.
IN_USE = """
CREATE OR REPLACE FUNCTION hms_patient_in_use() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    state text;
BEGIN
    SELECT status INTO state FROM patient WHERE id = NEW.patient_id FOR KEY SHARE;
    IF state = 'withdrawn' AND TG_OP = 'INSERT' THEN
        RAISE EXCEPTION 'the record of patient % is withdrawn', NEW.patient_id USING CONSTRAINT = 'patient_withdrawn';
    ELSIF state = 'merged' THEN
        RAISE EXCEPTION 'the record of patient % was merged', NEW.patient_id USING CONSTRAINT = 'patient_merged';
    END IF;
    RETURN NEW;
END $$
"""
IN_USE_BEFORE = """
CREATE OR REPLACE FUNCTION hms_patient_in_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM patient WHERE id = NEW.patient_id AND status = 'withdrawn';
    IF FOUND THEN
        RAISE EXCEPTION 'the record of patient % is withdrawn', NEW.patient_id USING CONSTRAINT = 'patient_withdrawn';
    END IF;
    RETURN NEW;
END $$
"""
IN_USE_SO_FAR = (
    "allergy appointment bill condition encounter lab_order prescription queue_entry vitals_reading".split()
)
IN_USE_NOW = ("app_user", "break_glass", "dispense", "immunization", "observation")

RECORD = """
CREATE FUNCTION hms_merged_patient() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'merged' AND NEW.status = 'merged' THEN
        RAISE EXCEPTION 'the record of patient % was merged', OLD.id USING CONSTRAINT = 'patient_merged';
    ELSIF NOT EXISTS (SELECT FROM hms_running_merge() m WHERE m.merged_id = OLD.id
              AND CASE m.kind WHEN 'merge' THEN NEW.status = 'merged' AND NEW.merged_into_id = m.kept_id
                  ELSE NEW.status = 'active' AND NEW.merged_into_id IS NULL END) THEN
        RAISE EXCEPTION 'the record of patient % by one person', OLD.id USING CONSTRAINT = 'needs_approval';
    END IF;
    RETURN NEW;
END $$
"""
OF_TWO = """
CREATE FUNCTION hms_merge_of_two() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    acting bigint := hms_acting_person();
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.requested_by_id IS DISTINCT FROM acting THEN
            RAISE EXCEPTION 'a request in the name of another' USING CONSTRAINT = 'not_acting';
        ELSIF NEW.status <> 'waiting' THEN
            RAISE EXCEPTION 'a request that is decided already' USING CONSTRAINT = 'needs_approval';
        END IF;
    ELSIF acting IS NULL OR NEW.decided_by_id IS DISTINCT FROM acting THEN
        RAISE EXCEPTION 'a decision in the name of another' USING CONSTRAINT = 'not_acting';
    ELSIF (NEW.status = 'withdrawn') <> (acting = OLD.requested_by_id) THEN
        RAISE EXCEPTION 'a decision about one''s own request' USING CONSTRAINT = 'needs_approval';
    END IF;
    RETURN NEW;
END $$
"""
NOTED = """
CREATE FUNCTION hms_note_of_merge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM hms_running_merge() m WHERE m.id = NEW.merge_id) THEN
        RAISE EXCEPTION 'a row of a merge that is not being approved' USING CONSTRAINT = 'needs_approval';
    END IF;
    RETURN NEW;
END $$
"""
BEFORE = {"active": ["merged", "withdrawn"], "merged": [], "withdrawn": ["active"]}
AFTER = {"active": ["merged", "withdrawn"], "merged": ["active"], "withdrawn": ["active"]}
REQUEST = {
    "approved": [],
    "declined": [],
    "waiting": ["approved", "declined", "withdrawn"],
    "withdrawn": [],
}


def upgrade() -> None:
    _make_requests()
    _make_rows()
    for made in (RUNNING, MOVE, PERMANENT, IN_USE, RECORD, OF_TWO, NOTED, KEPT):
        op.execute(made)
    op.execute(FROZEN.replace("{except}", EXCEPT_MOVES))
    op.execute(SAME_PATIENT.replace("{moves}", ALLOWS_MOVES))
    _guard_requests()
    _replace_transitions(AFTER)
    op.create_check_constraint("merged_into_one", "patient", "(status = 'merged') = (merged_into_id IS NOT NULL)")
    op.create_index("ix_patient_merged_into", "patient", ["merged_into_id"], postgresql_where=sa.text("status = 'merged'"))
    op.execute(
        "CREATE TRIGGER merged_by_two BEFORE UPDATE ON patient FOR EACH ROW "
        "WHEN (OLD.status = 'merged' OR NEW.status = 'merged') EXECUTE FUNCTION hms_merged_patient()"
    )
    for table in IN_USE_SO_FAR:
        op.execute(f"DROP TRIGGER patient_in_use ON {table}")
    for table in (*IN_USE_SO_FAR, *IN_USE_NOW):
        op.execute(
            f"CREATE TRIGGER patient_in_use BEFORE INSERT OR UPDATE OF patient_id ON {table} FOR EACH ROW "
            "WHEN (NEW.patient_id IS NOT NULL) EXECUTE FUNCTION hms_patient_in_use()"
        )
    op.execute(IN_THE_TRAIL)
    for grant, roles in GRANTS.items():
        codes = ", ".join(f"'{role}'" for role in roles)
        op.execute(
            f"UPDATE role SET grants = array_append(grants, '{grant}') "
            f"WHERE code IN ({codes}) AND NOT '{grant}' = ANY (grants)"
        )


def _make_requests() -> None:
    op.create_table(
        "patient_merge",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("kept_id", sa.BigInteger(), nullable=False),
        sa.Column("merged_id", sa.BigInteger(), nullable=False),
        sa.Column("undoes_id", sa.BigInteger()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("choices", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("confirmed", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("before", postgresql.JSONB()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("requested_by_id", sa.BigInteger(), nullable=False),
        sa.Column("decided_by_id", sa.BigInteger()),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decision_note", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('merge', 'separation')", name="kind_known"),
        sa.CheckConstraint("(kind = 'separation') = (undoes_id IS NOT NULL)", name="undoes_a_merge"),
        sa.CheckConstraint("kept_id <> merged_id", name="two_records"),
        sa.CheckConstraint("btrim(reason) <> ''", name="reason_given"),
        sa.CheckConstraint("status IN ('waiting', 'approved', 'declined', 'withdrawn')", name="status_known"),
        sa.CheckConstraint(
            "(status = 'waiting') = (decided_at IS NULL) AND (status = 'waiting') = (decided_by_id IS NULL)",
            name="decided_by_somebody",
        ),
        sa.CheckConstraint(
            "status NOT IN ('approved', 'declined') OR decided_by_id <> requested_by_id", name="decided_by_another"
        ),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_patient_merge_{column}", ondelete="RESTRICT")
            for column, table in (
                ("kept_id", "patient"),
                ("merged_id", "patient"),
                ("undoes_id", "patient_merge"),
                ("requested_by_id", "app_user"),
                ("decided_by_id", "app_user"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name="pk_patient_merge"),
    )
    waiting = sa.text("status = 'waiting'")
    pair = [sa.text("least(kept_id, merged_id)"), sa.text("greatest(kept_id, merged_id)")]
    op.create_index("uq_patient_merge_waiting", "patient_merge", pair, unique=True, postgresql_where=waiting)
    op.create_index(
        "uq_patient_merge_undone",
        "patient_merge",
        ["undoes_id"],
        unique=True,
        postgresql_where=sa.text("status = 'approved'"),
    )
    op.create_index("ix_patient_merge_kept", "patient_merge", ["kept_id", "id"])
    op.create_index("ix_patient_merge_merged", "patient_merge", ["merged_id", "id"])


def _make_rows() -> None:
    op.create_table(
        "patient_merge_row",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merge_id", sa.BigInteger(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.Column("is_moved", sa.Boolean(), nullable=False),
        sa.CheckConstraint("table_name NOT LIKE 'audit%' AND table_name NOT LIKE 'patient%'", name="table_of_desk"),
        sa.ForeignKeyConstraint(
            ["merge_id"], ["patient_merge.id"], name="fk_patient_merge_row_merge_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_patient_merge_row"),
    )
    op.create_index(
        "uq_patient_merge_row",
        "patient_merge_row",
        ["merge_id", "table_name", "row_id", "column_name"],
        unique=True,
    )


def _guard_requests() -> None:
    op.execute(
        "CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON patient_merge FOR EACH ROW "
        "EXECUTE FUNCTION hms_audit('{created_at,updated_at,version}', '{}')"
    )
    op.execute("CREATE TRIGGER kept BEFORE DELETE ON patient_merge FOR EACH ROW EXECUTE FUNCTION hms_permanent()")
    op.execute(
        "CREATE TRIGGER frozen BEFORE UPDATE ON patient_merge FOR EACH ROW WHEN (OLD.status = 'waiting') "
        f"EXECUTE FUNCTION hms_frozen('{{{DECISION}}}')"
    )
    op.execute(
        "CREATE TRIGGER decided BEFORE UPDATE ON patient_merge FOR EACH ROW WHEN (OLD.status <> 'waiting') "
        "EXECUTE FUNCTION hms_frozen('{updated_at}')"
    )
    op.execute(
        "CREATE TRIGGER of_two BEFORE INSERT OR UPDATE OF status, decided_by_id ON patient_merge FOR EACH ROW "
        "EXECUTE FUNCTION hms_merge_of_two()"
    )
    op.execute(
        "CREATE TRIGGER status_change BEFORE UPDATE OF status ON patient_merge FOR EACH ROW "
        f"WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION hms_status_change('{json.dumps(REQUEST)}')"
    )
    op.execute(
        "CREATE TRIGGER noted BEFORE INSERT ON patient_merge_row FOR EACH ROW EXECUTE FUNCTION hms_note_of_merge()"
    )
    op.execute(
        "CREATE TRIGGER permanent BEFORE UPDATE OR DELETE ON patient_merge_row FOR EACH ROW "
        "EXECUTE FUNCTION hms_permanent()"
    )


def _replace_transitions(transitions: dict[str, list[str]]) -> None:
    op.execute("DROP TRIGGER status_change ON patient")
    op.execute(
        "CREATE TRIGGER status_change BEFORE UPDATE OF status ON patient FOR EACH ROW "
        f"WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION hms_status_change('{json.dumps(transitions)}')"
    )


def downgrade() -> None:
    op.execute(IN_THE_TRAIL)
    for grant in GRANTS:
        op.execute(f"UPDATE role SET grants = array_remove(grants, '{grant}')")
    for table in (*IN_USE_SO_FAR, *IN_USE_NOW):
        op.execute(f"DROP TRIGGER patient_in_use ON {table}")
    for table in IN_USE_SO_FAR:
        op.execute(
            f"CREATE TRIGGER patient_in_use BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION hms_patient_in_use()"
        )
    op.execute("DROP TRIGGER merged_by_two ON patient")
    op.drop_index("ix_patient_merged_into", "patient")
    op.drop_constraint("merged_into_one", "patient", type_="check")
    _replace_transitions(BEFORE)
    for before in (PERMANENT_BEFORE, IN_USE_BEFORE, FROZEN.replace("{except}", ""), SAME_PATIENT.replace("{moves}", "")):
        op.execute(before)
    op.execute("DROP FUNCTION hms_is_merge_move(text, jsonb, jsonb)")
    op.execute("DROP FUNCTION hms_merged_patient()")
    op.drop_table("patient_merge_row")
    op.execute("DROP FUNCTION hms_running_merge()")
    op.drop_table("patient_merge")
    op.execute("DROP FUNCTION hms_note_of_merge()")
    op.execute("DROP FUNCTION hms_kept_patient(bigint)")
    op.execute("DROP FUNCTION hms_merge_of_two()")
