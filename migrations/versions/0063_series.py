"""Recurring bookings: those that were made together name their series."""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "appointment_series",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("every", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("made_by_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("every BETWEEN 1 AND 365", name=op.f("ck_appointment_series_every_possible")),
        sa.CheckConstraint("unit IN ('days', 'weeks')", name=op.f("ck_appointment_series_unit_known")),
        sa.ForeignKeyConstraint(
            ["made_by_id"], ["app_user.id"], name=op.f("fk_appointment_series_made_by_id_app_user"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment_series")),
    )
    op.execute(
        "CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON appointment_series FOR EACH ROW "
        "EXECUTE FUNCTION hms_audit('{created_at,updated_at,version}', '{}')"
    )
    op.add_column("appointment", sa.Column("series_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_appointment_series_id_appointment_series"),
        "appointment",
        "appointment_series",
        ["series_id"],
        ["id"],
        ondelete="RESTRICT",
    )
    op.create_index(
        "ix_appointment_series", "appointment", ["series_id"], postgresql_where=sa.text("series_id IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_appointment_series", "appointment")
    op.drop_column("appointment", "series_id")
    op.drop_table("appointment_series")
