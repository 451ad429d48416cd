"""Lines of service points, with steps that can be undone; a place in a line may be held or skipped.

A line of a doctor stays as it is (`queue_entry`). Who goes to the laboratory in between keeps the place there.
"""

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0071"
down_revision = "0070"

INSTANT = sa.DateTime(timezone=True)
KINDS = ("triage", "room", "laboratory", "pharmacy", "cash_desk", "other")
IN_QUEUE = "status IN ('waiting', 'called', 'in_service')"
TRANSITIONS = {
    "called": ["cancelled", "done", "in_service", "left", "waiting"],
    "cancelled": [],
    "done": ["in_service"],
    "in_service": ["done", "left", "waiting"],
    "left": ["cancelled", "waiting"],
    "waiting": ["called", "cancelled", "done", "in_service", "left"],
}
GRANTED = ("doctor", "nurse", "receptionist", "pharmacist", "cashier", "lab")
DOING = """SELECT set_config('hms.doing', '{"action": "migration.0071", "name": "system"}', true)"""
IGNORED = "{created_at,updated_at,version}"
WITH_STEP = "{created_at,updated_at,version,last_step}"
SAME_PATIENT = """
CREATE OR REPLACE FUNCTION hms_same_patient() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    present jsonb := to_jsonb(NEW);
    named bigint;
    owner bigint;
BEGIN
    FOR i IN 0 .. TG_NARGS - 1 BY 2 LOOP
        named := (present->>TG_ARGV[i])::bigint;
        IF named IS NOT NULL THEN
            CASE TG_ARGV[i + 1]
                WHEN 'appointment' THEN SELECT patient_id INTO owner FROM appointment WHERE id = named;
                WHEN 'queue_entry' THEN SELECT patient_id INTO owner FROM queue_entry WHERE id = named;%s
                WHEN 'encounter' THEN SELECT patient_id INTO owner FROM encounter WHERE id = named;
                WHEN 'prescription' THEN SELECT patient_id INTO owner FROM prescription WHERE id = named;
                WHEN 'outgoing_message' THEN SELECT patient_id INTO owner FROM outgoing_message WHERE id = named;
            END CASE;
            IF owner <> NEW.patient_id THEN
                RAISE EXCEPTION '%% of %% is another patient''s', TG_ARGV[i], TG_TABLE_NAME USING CONSTRAINT = 'same_patient';
            END IF;
        END IF;
    END LOOP;
    RETURN NEW;
END $$
"""
OF_POINTS = """
                WHEN 'point_entry' THEN SELECT patient_id INTO owner FROM point_entry WHERE id = named;"""


def _line_columns() -> tuple[sa.Column, ...]:
    return (
        sa.Column("held_at", INSTANT, nullable=True),
        sa.Column("hold_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("line_priority", sa.BigInteger(), nullable=True),
        sa.Column("line_at", INSTANT, nullable=True),
        sa.Column("last_step", JSONB(), nullable=True),
    )


def _times() -> tuple[sa.Column, ...]:
    return (
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", INSTANT, server_default=sa.text("now()"), nullable=False),
    )


def _refers(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}_{other}", ondelete="RESTRICT")


def upgrade() -> None:
    for column in _line_columns():
        op.add_column("queue_entry", column)
    _audit_queue(WITH_STEP)
    _create_points()
    _create_entries()
    op.add_column("wall_screen", sa.Column("point_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        "fk_wall_screen_point_id_service_point",
        "wall_screen",
        "service_point",
        ["point_id"],
        ["id"],
        ondelete="RESTRICT",
    )
    op.create_check_constraint(
        op.f("ck_wall_screen_of_one"), "wall_screen", "doctor_id IS NULL OR point_id IS NULL"
    )
    _create_triggers()
    op.execute(DOING)
    op.execute(
        "UPDATE role SET grants = array_append(grants, 'appointments.serve_point') "
        f"WHERE (code IN {GRANTED} OR 'appointments.call' = ANY (grants)) "
        "AND NOT 'appointments.serve_point' = ANY (grants)"
    )


def _audit_queue(ignored: str) -> None:
    op.execute("DROP TRIGGER audit ON queue_entry")
    op.execute(
        "CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON queue_entry FOR EACH ROW "
        f"EXECUTE FUNCTION hms_audit('{ignored}', '{{}}')"
    )


def _create_points() -> None:
    kinds = ", ".join(f"'{kind}'" for kind in KINDS)
    op.create_table(
        "service_point",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("department_id", sa.BigInteger(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        *_times(),
        sa.CheckConstraint(
            "btrim(name) <> '' AND btrim(code) <> '' AND btrim(prefix) <> ''",
            name=op.f("ck_service_point_words_given"),
        ),
        sa.CheckConstraint(f"kind IN ({kinds})", name=op.f("ck_service_point_kind_known")),
        _refers("service_point", "department_id", "department"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_point")),
    )
    for column in ("name", "code"):
        folded = sa.text(f"lower({column} COLLATE pg_c_utf8)")
        op.create_index(f"uq_service_point_{column}", "service_point", [folded], unique=True)


def _create_entries() -> None:
    people = ("added_by_id", "called_by_id")
    op.create_table(
        "point_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("service_date", sa.Date(), nullable=False),
        sa.Column("point_id", sa.BigInteger(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("queue_entry_id", sa.BigInteger(), nullable=True),
        sa.Column("sent_from_id", sa.BigInteger(), nullable=True),
        sa.Column("holds_place", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in people),
        sa.Column("arrived_at", INSTANT, nullable=False),
        *(sa.Column(name, INSTANT, nullable=True) for name in ("called_at", "started_at", "ended_at")),
        *_line_columns(),
        *_times(),
        sa.CheckConstraint(
            "status IN ('waiting', 'called', 'in_service', 'done', 'left', 'cancelled')",
            name=op.f("ck_point_entry_status_known"),
        ),
        sa.CheckConstraint("priority BETWEEN 1 AND 4", name=op.f("ck_point_entry_priority_known")),
        _refers("point_entry", "point_id", "service_point"),
        _refers("point_entry", "patient_id", "patient"),
        _refers("point_entry", "queue_entry_id", "queue_entry"),
        _refers("point_entry", "sent_from_id", "point_entry"),
        *(_refers("point_entry", name, "app_user") for name in people),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_point_entry")),
    )
    op.create_index("uq_point_entry_token", "point_entry", ["service_date", "prefix", "token"], unique=True)
    op.create_index(
        "uq_point_entry_patient",
        "point_entry",
        ["service_date", "patient_id", "point_id"],
        unique=True,
        postgresql_where=sa.text(IN_QUEUE),
    )
    op.create_index("ix_point_entry_board", "point_entry", ["point_id", "service_date"])
    op.create_index("ix_point_entry_patient", "point_entry", ["patient_id"])
    op.create_index("ix_point_entry_visit", "point_entry", ["queue_entry_id"])


def _create_triggers() -> None:
    op.execute(SAME_PATIENT % OF_POINTS)
    for table, ignored in (("service_point", IGNORED), ("point_entry", WITH_STEP)):
        op.execute(
            f"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW "
            f"EXECUTE FUNCTION hms_audit('{ignored}', '{{}}')"
        )
        op.execute(f"CREATE TRIGGER kept BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION hms_permanent()")
    op.execute(
        "CREATE TRIGGER status_change BEFORE UPDATE OF status ON point_entry FOR EACH ROW "
        f"WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION hms_status_change('{json.dumps(TRANSITIONS)}')"
    )
    op.execute(
        "CREATE TRIGGER patient_in_use BEFORE INSERT OR UPDATE OF patient_id ON point_entry FOR EACH ROW "
        "WHEN (NEW.patient_id IS NOT NULL) EXECUTE FUNCTION hms_patient_in_use()"
    )
    op.execute(
        "CREATE TRIGGER patient_stays BEFORE UPDATE OF patient_id ON point_entry FOR EACH ROW "
        "WHEN (OLD.patient_id <> NEW.patient_id) EXECUTE FUNCTION hms_permanent()"
    )
    op.execute(
        "CREATE TRIGGER same_patient BEFORE INSERT OR UPDATE OF patient_id, queue_entry_id, sent_from_id ON point_entry "
        "FOR EACH ROW WHEN (NEW.queue_entry_id IS NOT NULL OR NEW.sent_from_id IS NOT NULL) EXECUTE FUNCTION "
        "hms_same_patient('queue_entry_id', 'queue_entry', 'sent_from_id', 'point_entry')"
    )


def downgrade() -> None:
    op.execute(DOING)
    op.execute("UPDATE role SET grants = array_remove(grants, 'appointments.serve_point')")
    op.drop_constraint("ck_wall_screen_of_one", "wall_screen")
    op.drop_column("wall_screen", "point_id")
    op.drop_table("point_entry")
    op.drop_table("service_point")
    op.execute(SAME_PATIENT % "")
    _audit_queue(IGNORED)
    for column in _line_columns():
        op.drop_column("queue_entry", column.name)
