"""The reads of one account in the last minutes are found by an index of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

READS = "action LIKE '%.read%' OR action = 'clinical.open_chart'"


def upgrade() -> None:
    op.create_index(
        "ix_audit_entry_reads",
        "audit_entry",
        ["actor_id", "recorded_at"],
        postgresql_include=["action", "patient_id", "request_id"],
        postgresql_where=sa.text(READS),
    )


def downgrade() -> None:
    op.drop_index("ix_audit_entry_reads", table_name="audit_entry")
