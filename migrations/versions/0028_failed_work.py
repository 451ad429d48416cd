"""The list of failed work is found without reading the whole outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

FAILED = "done_at IS NULL AND dead_at IS NOT NULL"


def upgrade() -> None:
    op.create_index("ix_outbox_failed", "outbox", ["dead_at"], postgresql_where=sa.text(FAILED))


def downgrade() -> None:
    op.drop_index("ix_outbox_failed", table_name="outbox")
