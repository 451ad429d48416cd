"""How fast each doctor calls, from the calls of the last weeks; made from the queue each day, so the table begins empty."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0060"
down_revision = "0050"


def upgrade() -> None:
    op.create_table(
        "service_pace",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("doctor_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("turns", ARRAY(sa.Integer()), nullable=False),
        sa.Column("gaps", ARRAY(sa.Integer()), nullable=False),
        sa.Column("day_variance", sa.Float(), nullable=False),
        sa.Column("overtaken", ARRAY(sa.Float()), nullable=False),
        sa.CheckConstraint("kind IN ('', 'booked', 'walk_in')", name=op.f("ck_service_pace_kind_known")),
        sa.ForeignKeyConstraint(
            ["doctor_id"], ["app_user.id"], name=op.f("fk_service_pace_doctor_id_app_user"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_pace")),
        sa.UniqueConstraint("doctor_id", "kind", name=op.f("uq_service_pace_doctor_id_kind")),
    )


def downgrade() -> None:
    op.drop_table("service_pace")
