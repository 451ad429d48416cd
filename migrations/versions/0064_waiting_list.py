"""The waiting list: who waits for a place, until a booking or a withdrawal ends the entry."""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0079"

INSTANT = sa.DateTime(timezone=True)
TABLE = "waiting_list_entry"
KEYS = {
    "patient_id": "patient",
    "doctor_id": "app_user",
    "department_id": "department",
    "visit_type_id": "visit_type",
    "added_by_id": "app_user",
    "appointment_id": "appointment",
    "withdrawn_by_id": "app_user",
}


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=name != "patient_id") for name in KEYS),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("priority", sa.BigInteger(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", INSTANT, nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(doctor_id, department_id, visit_type_id) > 0", name=op.f(f"ck_{TABLE}_wanted")
        ),
        sa.CheckConstraint("last_day >= first_day", name=op.f(f"ck_{TABLE}_days_in_order")),
        sa.CheckConstraint("priority BETWEEN 1 AND 4", name=op.f(f"ck_{TABLE}_priority_known")),
        sa.CheckConstraint("appointment_id IS NULL OR withdrawn_at IS NULL", name=op.f(f"ck_{TABLE}_ended_once")),
        sa.CheckConstraint(
            "withdrawn_at IS NULL OR btrim(withdrawn_reason) <> ''", name=op.f(f"ck_{TABLE}_reason_given")
        ),
        *(
            sa.ForeignKeyConstraint([name], [f"{other}.id"], name=op.f(f"fk_{TABLE}_{name}_{other}"), ondelete="RESTRICT")
            for name, other in KEYS.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.UniqueConstraint("appointment_id", name=op.f(f"uq_{TABLE}_appointment_id")),
    )
    is_open = sa.text("appointment_id IS NULL AND withdrawn_at IS NULL")
    op.create_index(f"ix_{TABLE}_open", TABLE, ["priority", "id"], postgresql_where=is_open)
    op.create_index(f"ix_{TABLE}_patient", TABLE, ["patient_id", "id"])
    is_freed = sa.text("status IN ('cancelled', 'rescheduled')")
    op.create_index("ix_appointment_freed", "appointment", ["date", "time"], postgresql_where=is_freed)
    _create_triggers()


def _create_triggers() -> None:
    op.execute(
        f"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {TABLE} FOR EACH ROW "
        "EXECUTE FUNCTION hms_audit('{created_at,updated_at,version}', '{}')"
    )
    op.execute(f"CREATE TRIGGER kept BEFORE DELETE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION hms_permanent()")
    op.execute(
        f"CREATE TRIGGER patient_in_use BEFORE INSERT OR UPDATE OF patient_id ON {TABLE} FOR EACH ROW "
        "WHEN (NEW.patient_id IS NOT NULL) EXECUTE FUNCTION hms_patient_in_use()"
    )
    op.execute(
        f"CREATE TRIGGER same_patient BEFORE INSERT OR UPDATE OF patient_id, appointment_id ON {TABLE} FOR EACH ROW "
        "WHEN (NEW.appointment_id IS NOT NULL) EXECUTE FUNCTION hms_same_patient('appointment_id', 'appointment')"
    )
    op.execute(
        f"CREATE TRIGGER patient_stays BEFORE UPDATE OF patient_id ON {TABLE} FOR EACH ROW "
        "WHEN (OLD.patient_id <> NEW.patient_id) EXECUTE FUNCTION hms_permanent()"
    )


def downgrade() -> None:
    op.drop_index("ix_appointment_freed", "appointment")
    op.drop_table(TABLE)
