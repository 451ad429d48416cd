"""What a prescribed medicine is for."""

import sqlalchemy as sa
from alembic import op

revision = "0110"
down_revision = "0104"


def upgrade() -> None:
    op.add_column("prescription", sa.Column("indication", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("prescription", "indication")
