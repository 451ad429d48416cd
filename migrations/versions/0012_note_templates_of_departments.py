"""Note templates of departments; a withdrawn template frees its shortcut."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("note_template", sa.Column("version", sa.BigInteger(), nullable=False, server_default="1"))
    op.alter_column("note_template", "version", server_default=None)
    op.add_column("note_template", sa.Column("department_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_note_template_department_id"),
        "note_template",
        "department",
        ["department_id"],
        ["id"],
        ondelete="RESTRICT",
    )
    op.create_index(op.f("ix_note_template_department_id"), "note_template", ["department_id"])
    op.create_check_constraint(
        op.f("ck_note_template_one_owner"), "note_template", "owner_id IS NULL OR department_id IS NULL"
    )
    op.create_check_constraint(op.f("ck_note_template_content_given"), "note_template", "btrim(content) <> ''")
    op.drop_index("uq_note_template", table_name="note_template")
    op.create_index(
        "uq_note_template_shortcut",
        "note_template",
        ["owner_id", "department_id", "shortcut"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("is_active"),
    )


def downgrade() -> None:
    op.drop_index("uq_note_template_shortcut", table_name="note_template")
    op.execute("DELETE FROM note_template WHERE department_id IS NOT NULL OR NOT is_active")
    op.drop_constraint(op.f("ck_note_template_content_given"), "note_template")
    op.drop_constraint(op.f("ck_note_template_one_owner"), "note_template")
    op.drop_column("note_template", "department_id")
    op.drop_column("note_template", "version")
    op.create_index(
        "uq_note_template",
        "note_template",
        ["owner_id", "shortcut"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
