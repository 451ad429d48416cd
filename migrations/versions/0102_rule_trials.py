"""What a proposed change of the safety rules would have done with the prescriptions of the last month."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0102"
down_revision = "0101"


def upgrade() -> None:
    op.create_table(
        "rule_trial",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("change_id", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.Column("result", JSONB()),
        sa.ForeignKeyConstraint(
            ["change_id"], ["rule_change.id"], name="fk_rule_trial_change_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rule_trial"),
        sa.UniqueConstraint("change_id", name="uq_rule_trial_change_id"),
    )


def downgrade() -> None:
    op.drop_table("rule_trial")
