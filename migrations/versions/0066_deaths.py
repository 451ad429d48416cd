"""A death is recorded with its date (or that it is not known), place and cause, by a right of its own."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0054"

GRANT = "patients.record_death"
ROLES = ("admin", "doctor")
IN_THE_TRAIL = "SELECT set_config('hms.doing', '{\"action\": \"migration\"}', true)"
TRANSITIONS = {"recorded": ["taken_back"], "taken_back": []}


def upgrade() -> None:
    op.create_table(
        "death",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("died_on", sa.Date()),
        sa.Column("died_text", sa.Text(), server_default="", nullable=False),
        sa.Column("place", sa.Text(), server_default="", nullable=False),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("recorded_by_id", sa.BigInteger()),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(died_on IS NULL) = (died_text <> '')", name="dated_or_not_known"),
        sa.CheckConstraint("status IN ('recorded', 'taken_back')", name="status_known"),
        sa.CheckConstraint("status <> 'taken_back' OR btrim(reason) <> ''", name="taken_back_with_reason"),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_death_{column}", ondelete="RESTRICT")
            for column, table in (("patient_id", "patient"), ("recorded_by_id", "app_user"))
        ),
        sa.PrimaryKeyConstraint("id", name="pk_death"),
    )
    op.create_index("ix_death_patient", "death", ["patient_id", "id"])
    op.execute(
        "CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON death FOR EACH ROW "
        "EXECUTE FUNCTION hms_audit('{created_at,updated_at,version}', '{}')"
    )
    op.execute("CREATE TRIGGER kept BEFORE DELETE ON death FOR EACH ROW EXECUTE FUNCTION hms_permanent()")
    op.execute(
        "CREATE TRIGGER patient_in_use BEFORE INSERT OR UPDATE OF patient_id ON death FOR EACH ROW "
        "WHEN (NEW.patient_id IS NOT NULL) EXECUTE FUNCTION hms_patient_in_use()"
    )
    op.execute(
        "CREATE TRIGGER status_change BEFORE UPDATE OF status ON death FOR EACH ROW "
        f"WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION hms_status_change('{json.dumps(TRANSITIONS)}')"
    )
    codes = ", ".join(f"'{role}'" for role in ROLES)
    op.execute(IN_THE_TRAIL)
    op.execute(
        f"UPDATE role SET grants = array_append(grants, '{GRANT}') "
        f"WHERE code IN ({codes}) AND NOT '{GRANT}' = ANY (grants)"
    )


def downgrade() -> None:
    op.execute(IN_THE_TRAIL)
    op.execute(f"UPDATE role SET grants = array_remove(grants, '{GRANT}')")
    op.drop_table("death")
