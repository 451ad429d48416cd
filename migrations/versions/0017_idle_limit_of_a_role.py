"""A role may lock the pages of its people sooner than the hospital does."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("role", sa.Column("idle_minutes", sa.BigInteger()))
    op.create_check_constraint("idle_minutes_possible", "role", "idle_minutes BETWEEN 2 AND 120")


def downgrade() -> None:
    op.drop_column("role", "idle_minutes")
