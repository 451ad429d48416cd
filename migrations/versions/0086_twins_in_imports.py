"""The earlier row of an imported file that a row seems to repeat, so that a person can say that it is somebody else."""

import sqlalchemy as sa
from alembic import op

revision = "0086"
down_revision = "0085"


def upgrade() -> None:
    op.add_column("import_row", sa.Column("twin_number", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("import_row", "twin_number")
