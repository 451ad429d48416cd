"""Pairs of records that may be one patient: found by the clock, from the records that are new or changed."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0061"

TRANSITIONS = {"dismissed": ["open"], "open": ["dismissed"]}
COMPARED = (
    *("given_names", "family_name", "preferred_name", "other_names", "sex", "birth_date", "birth_is_estimated"),
    *("phone", "address", "national_id", "status"),
)
NOTE = """
CREATE FUNCTION hms_compare_patient() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO patient_to_compare (patient_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "patient_to_compare",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name="fk_patient_to_compare_patient_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_patient_to_compare"),
    )
    op.create_index("uq_patient_to_compare", "patient_to_compare", ["patient_id"], unique=True)
    _make_pairs()
    op.execute(NOTE)
    op.execute(
        "CREATE TRIGGER compare_new AFTER INSERT ON patient FOR EACH ROW EXECUTE FUNCTION hms_compare_patient()"
    )
    changed = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in COMPARED)
    op.execute(
        f"CREATE TRIGGER compare_changed AFTER UPDATE ON patient FOR EACH ROW WHEN ({changed}) "
        "EXECUTE FUNCTION hms_compare_patient()"
    )
    op.execute("INSERT INTO patient_to_compare (patient_id) SELECT id FROM patient WHERE status = 'active' ORDER BY id")


def _make_pairs() -> None:
    op.create_table(
        "duplicate_pair",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("second_id", sa.BigInteger(), nullable=False),
        sa.Column("percent", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_by_id", sa.BigInteger()),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("first_id < second_id", name="in_order"),
        sa.CheckConstraint("percent BETWEEN 0 AND 100", name="percent_possible"),
        sa.CheckConstraint("status IN ('open', 'dismissed')", name="status_known"),
        sa.CheckConstraint("status <> 'dismissed' OR btrim(reason) <> ''", name="dismissed_with_reason"),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_duplicate_pair_{column}", ondelete="RESTRICT")
            for column, table in (("first_id", "patient"), ("second_id", "patient"), ("decided_by_id", "app_user"))
        ),
        sa.PrimaryKeyConstraint("id", name="pk_duplicate_pair"),
    )
    op.create_index("uq_duplicate_pair", "duplicate_pair", ["first_id", "second_id"], unique=True)
    op.create_index("ix_duplicate_pair_second", "duplicate_pair", ["second_id"])
    op.create_index("ix_duplicate_pair_list", "duplicate_pair", ["status", "percent", "id"])
    op.execute(
        "CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON duplicate_pair FOR EACH ROW "
        "EXECUTE FUNCTION hms_audit('{created_at,updated_at}', '{}')"
    )
    op.execute(
        "CREATE TRIGGER status_change BEFORE UPDATE OF status ON duplicate_pair FOR EACH ROW "
        f"WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION hms_status_change('{json.dumps(TRANSITIONS)}')"
    )


def downgrade() -> None:
    op.drop_table("duplicate_pair")
    op.execute("DROP TRIGGER compare_changed ON patient")
    op.execute("DROP TRIGGER compare_new ON patient")
    op.execute("DROP FUNCTION hms_compare_patient()")
    op.drop_table("patient_to_compare")
