"""Paces of service points, beside those of doctors."""

import sqlalchemy as sa
from alembic import op

revision = "0085"
down_revision = "0081"


def upgrade() -> None:
    op.alter_column("service_pace", "doctor_id", nullable=True)
    op.add_column("service_pace", sa.Column("point_id", sa.BigInteger()))
    op.create_foreign_key(
        "fk_service_pace_point_id", "service_pace", "service_point", ["point_id"], ["id"], ondelete="RESTRICT"
    )
    op.create_unique_constraint("uq_service_pace_point_id_kind", "service_pace", ["point_id", "kind"])
    op.create_check_constraint("of_one", "service_pace", "num_nonnulls(doctor_id, point_id) = 1")


def downgrade() -> None:
    op.execute("DELETE FROM service_pace WHERE point_id IS NOT NULL")
    op.drop_constraint("of_one", "service_pace", type_="check")
    op.drop_column("service_pace", "point_id")
    op.alter_column("service_pace", "doctor_id", nullable=False)
