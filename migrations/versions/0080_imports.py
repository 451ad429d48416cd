"""Lists imported from files: the file of a person, and its rows until they are records."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0080"
down_revision = "0072"

BATCH_STATES = "'uploaded', 'checking', 'checked', 'running', 'done', 'undoing', 'undone'"
ROW_STATES = "'waiting', 'ready', 'refused', 'duplicate', 'imported', 'kept', 'undone'"
NOW = sa.text("now()")
TEXTS = postgresql.ARRAY(sa.Text())


def upgrade() -> None:
    op.create_table(
        "import_batch",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("headings", TEXTS, nullable=False),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("separator", sa.Text(), nullable=False),
        sa.Column("columns", postgresql.JSONB(), nullable=False),
        sa.Column("date_order", sa.Text(), server_default="", nullable=False),
        sa.Column("decimal_sign", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("problem", postgresql.JSONB()),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("content_deleted_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint(f"state IN ({BATCH_STATES})", name="state_known"),
        sa.CheckConstraint("date_order IN ('', 'day_first', 'month_first')", name="date_order_known"),
        sa.CheckConstraint("decimal_sign IN ('.', ',')", name="decimal_sign_known"),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name="fk_import_batch_user_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_import_batch"),
    )
    op.create_index("ix_import_batch_user", "import_batch", ["user_id", "id"])
    op.create_index(
        "ix_import_batch_content", "import_batch", ["created_at"], postgresql_where=sa.text("content_deleted_at IS NULL")
    )
    op.execute(
        "CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON import_batch FOR EACH ROW "
        "EXECUTE FUNCTION hms_audit('{created_at,updated_at}', '{}')"
    )
    op.execute("CREATE TRIGGER kept BEFORE DELETE ON import_batch FOR EACH ROW EXECUTE FUNCTION hms_permanent()")
    op.create_table(
        "import_row",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("cells", TEXTS),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("problems", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("identities", TEXTS, server_default=sa.text("'{}'::text[]"), nullable=False),
        sa.Column("match_id", sa.BigInteger()),
        sa.Column("is_other", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("record_id", sa.BigInteger()),
        sa.Column("saved_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(f"state IN ({ROW_STATES})", name="state_known"),
        sa.ForeignKeyConstraint(["batch_id"], ["import_batch.id"], name="fk_import_row_batch_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_import_row"),
        sa.UniqueConstraint("batch_id", "number", name="uq_import_row_batch_id_number"),
    )
    op.create_index("ix_import_row_state", "import_row", ["batch_id", "state", "number"])


def downgrade() -> None:
    op.drop_table("import_row")
    op.drop_table("import_batch")
