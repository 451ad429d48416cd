"""Follow-up visits: a type of visit is one, and a line names the paid consultation that makes it free."""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"


def upgrade() -> None:
    op.add_column(
        "visit_type", sa.Column("is_follow_up", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    op.add_column("bill_line", sa.Column("free_of_line_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_bill_line_free_of_line_id_bill_line"),
        "bill_line",
        "bill_line",
        ["free_of_line_id"],
        ["id"],
        ondelete="RESTRICT",
    )
    op.create_check_constraint(
        op.f("ck_bill_line_free_costs_nothing"), "bill_line", "free_of_line_id IS NULL OR amount = 0"
    )
    op.create_index(
        "ix_bill_line_free_of",
        "bill_line",
        ["free_of_line_id"],
        postgresql_where=sa.text("free_of_line_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_bill_line_free_of", "bill_line")
    op.drop_column("bill_line", "free_of_line_id")
    op.drop_column("visit_type", "is_follow_up")
