"""The reads of one account in the last minutes are found by an index of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

COUNTED = "(action LIKE '%.read%' OR action = 'clinical.open_chart') AND (new IS NULL OR NOT jsonb_exists(new, 'list'))"


def upgrade() -> None:
    op.create_index(
        "ix_audit_entry_reads", "audit_entry", ["actor_id", "recorded_at"], postgresql_where=sa.text(COUNTED)
    )


def downgrade() -> None:
    op.drop_index("ix_audit_entry_reads", table_name="audit_entry")
