"""The SpO₂ scale that a doctor prescribes for a patient, and the scale with which vitals were scored."""

import sqlalchemy as sa
from alembic import op

revision = "0105"
down_revision = "0110"

INSTANT = sa.DateTime(timezone=True)
TABLE = "saturation_scale"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("scale", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ordered_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("scale IN (1, 2)", name="scale_known"),
        sa.CheckConstraint("btrim(reason) <> ''", name="reason_given"),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=f"fk_{TABLE}_patient_id", ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["ordered_by_id"], ["app_user.id"], name=f"fk_{TABLE}_ordered_by_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
    )
    op.create_index(f"ix_{TABLE}_patient", TABLE, ["patient_id", "id"])
    op.execute(
        f"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {TABLE} FOR EACH ROW "
        "EXECUTE FUNCTION hms_audit('{created_at,updated_at}', '{}')"
    )
    op.execute(
        f"CREATE TRIGGER permanent BEFORE UPDATE OR DELETE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION hms_permanent()"
    )
    op.execute(
        f"CREATE TRIGGER patient_in_use BEFORE INSERT OR UPDATE OF patient_id ON {TABLE} FOR EACH ROW "
        "WHEN (NEW.patient_id IS NOT NULL) EXECUTE FUNCTION hms_patient_in_use()"
    )
    op.add_column(
        "vitals_reading", sa.Column("saturation_scale", sa.BigInteger(), server_default=sa.text("1"), nullable=False)
    )
    op.create_check_constraint("saturation_scale_known", "vitals_reading", "saturation_scale IN (1, 2)")


def downgrade() -> None:
    op.drop_constraint("saturation_scale_known", "vitals_reading", type_="check")
    op.drop_column("vitals_reading", "saturation_scale")
    op.drop_table(TABLE)
