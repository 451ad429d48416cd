"""Phones of staff accounts, for alerts by SMS."""

import sqlalchemy as sa
from alembic import op

revision = "0094"
down_revision = "0093"


def upgrade() -> None:
    op.add_column("app_user", sa.Column("phone", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("app_user", "phone")
