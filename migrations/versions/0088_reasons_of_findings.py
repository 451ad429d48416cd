"""A reason for each finding of the safety checks, beside the first one of the prescription."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0088"
down_revision = "0086"


def upgrade() -> None:
    empty = sa.text("'{}'")
    op.add_column("prescription", sa.Column("reasons", postgresql.JSONB(), nullable=False, server_default=empty))


def downgrade() -> None:
    op.drop_column("prescription", "reasons")
