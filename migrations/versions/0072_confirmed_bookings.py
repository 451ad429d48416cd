"""Bookings that the patient has confirmed by phone; another time is to be confirmed again."""

import sqlalchemy as sa
from alembic import op

revision = "0072"
down_revision = "0071"


def upgrade() -> None:
    op.add_column("appointment", sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("appointment", sa.Column("confirmed_by_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        "fk_appointment_confirmed_by_id_app_user",
        "appointment",
        "app_user",
        ["confirmed_by_id"],
        ["id"],
        ondelete="RESTRICT",
    )


def downgrade() -> None:
    op.drop_column("appointment", "confirmed_by_id")
    op.drop_column("appointment", "confirmed_at")
