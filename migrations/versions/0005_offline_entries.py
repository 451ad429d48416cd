"""What was entered while the network was down, and what became of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

IGNORED = "{created_at,updated_at,version}"


def upgrade() -> None:
    op.create_table(
        "offline_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=True),
        sa.Column("fields", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("refusal", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("status", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "record_id IS NULL OR (fields IS NULL AND refusal IS NULL)",
            name=op.f("ck_offline_entry_saved_keeps_no_copy"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app_user.id"], name=op.f("fk_offline_entry_user_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offline_entry")),
        sa.UniqueConstraint("user_id", "model", "key", name=op.f("uq_offline_entry_user_id_model_key")),
    )
    op.create_index(
        "ix_offline_entry_open",
        "offline_entry",
        ["user_id", "id"],
        postgresql_where=sa.text("record_id IS NULL AND settled_at IS NULL"),
    )
    op.execute(
        "CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON offline_entry FOR EACH ROW "
        f"EXECUTE FUNCTION hms_audit('{IGNORED}', '{{fields,refusal}}')"
    )


def downgrade() -> None:
    op.drop_table("offline_entry")
