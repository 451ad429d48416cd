"""Alerts because of which an order was refused, for the figures of each safety rule."""

import sqlalchemy as sa
from alembic import op

revision = "0101"
down_revision = "0100"


def upgrade() -> None:
    op.create_table(
        "refused_alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("encounter_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("finding", "rule", "line", "tier")),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["encounter_id"], ["encounter.id"], name="fk_refused_alert_encounter_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_refused_alert"),
        sa.UniqueConstraint("encounter_id", "finding", name="uq_refused_alert_encounter_id_finding"),
    )
    op.create_index("ix_refused_alert_shown_at", "refused_alert", ["shown_at"])


def downgrade() -> None:
    op.drop_table("refused_alert")
