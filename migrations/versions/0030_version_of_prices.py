"""An item of the price list has a version, so that two people who change it do not overwrite each other."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.add_column("price_item", sa.Column("version", sa.BigInteger(), nullable=False, server_default="1"))
    op.alter_column("price_item", "version", server_default=None)


def downgrade() -> None:
    op.drop_column("price_item", "version")
