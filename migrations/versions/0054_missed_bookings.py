"""When the clock marked a booking as a no-show: once, so that whoever restores the booking has the last word."""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0057"


def upgrade() -> None:
    op.add_column("appointment", sa.Column("missed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("appointment", "missed_at")
