"""Long work of the outbox waits until no other work is due."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0042"


def upgrade() -> None:
    op.add_column("outbox", sa.Column("is_long", sa.Boolean(), nullable=False, server_default=sa.text("false")))


def downgrade() -> None:
    op.drop_column("outbox", "is_long")
