"""What one person did of one kind is read from the index alone, at millions of entries too."""

from alembic import op

revision = "0016"
down_revision = "0015"

WITH = {"actor_id": ["action", "entity", "outcome", "recorded_at"], "action": ["entity", "outcome", "recorded_at"]}
NAMES = {"actor_id": "ix_audit_entry_actor", "action": "ix_audit_entry_action"}


def upgrade() -> None:
    for column, beside in WITH.items():
        op.drop_index(NAMES[column], table_name="audit_entry")
        op.create_index(NAMES[column], "audit_entry", [column, "id"], postgresql_include=beside)
    op.execute("ALTER TABLE audit_entry SET (autovacuum_vacuum_insert_scale_factor = 0.02)")


def downgrade() -> None:
    op.execute("ALTER TABLE audit_entry RESET (autovacuum_vacuum_insert_scale_factor)")
    for column, name in NAMES.items():
        op.drop_index(name, table_name="audit_entry")
        op.create_index(name, "audit_entry", [column, "id"])
