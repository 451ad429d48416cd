"""Who changed a setting, and which version of it was seen; which default grants a role was ever given."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("system_setting", sa.Column("version", sa.BigInteger(), nullable=False, server_default="1"))
    op.alter_column("system_setting", "version", server_default=None)
    op.add_column("system_setting", sa.Column("changed_by_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_system_setting_changed_by_id"),
        "system_setting",
        "app_user",
        ["changed_by_id"],
        ["id"],
        ondelete="RESTRICT",
    )
    op.add_column("role", sa.Column("offered", sa.ARRAY(sa.Text()), nullable=False, server_default="{}"))
    op.alter_column("role", "offered", server_default=None)


def downgrade() -> None:
    op.drop_column("role", "offered")
    op.drop_column("system_setting", "changed_by_id")
    op.drop_column("system_setting", "version")
