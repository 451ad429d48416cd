"""Wall screens with their links; visits of one type have a pace of their own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0061"
down_revision = "0053"

IGNORED = "{created_at,updated_at,version}"


def upgrade() -> None:
    op.create_table(
        "wall_screen",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("doctor_id", sa.BigInteger(), nullable=True),
        sa.Column("has_chime", sa.Boolean(), nullable=False),
        sa.Column("spoken", ARRAY(sa.Text()), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("made_by_id", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("btrim(name) <> ''", name=op.f("ck_wall_screen_name_given")),
        sa.ForeignKeyConstraint(
            ["doctor_id"], ["app_user.id"], name=op.f("fk_wall_screen_doctor_id_app_user"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["made_by_id"], ["app_user.id"], name=op.f("fk_wall_screen_made_by_id_app_user"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wall_screen")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_wall_screen_secret_hash")),
    )
    op.execute(
        "CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON wall_screen FOR EACH ROW "
        f"EXECUTE FUNCTION hms_audit('{IGNORED}', '{{secret_hash}}')"
    )
    op.drop_constraint("ck_service_pace_kind_known", "service_pace")
    op.create_check_constraint(
        op.f("ck_service_pace_kind_known"), "service_pace", "kind IN ('', 'booked', 'walk_in') OR kind ~ '^[0-9]+$'"
    )


def downgrade() -> None:
    op.execute("DELETE FROM service_pace")
    op.drop_constraint("ck_service_pace_kind_known", "service_pace")
    op.create_check_constraint(
        op.f("ck_service_pace_kind_known"), "service_pace", "kind IN ('', 'booked', 'walk_in')"
    )
    op.drop_table("wall_screen")
