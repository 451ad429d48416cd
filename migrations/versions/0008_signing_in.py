"""Doors that count tries, known devices, locked sessions, recovery codes, tokens that end with the password."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    _doors()
    _sessions()
    op.create_table(
        "known_device",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("device_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pin_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_known_device_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_device")),
        sa.UniqueConstraint("device_hash", "user_id", name=op.f("uq_known_device_device_hash_user_id")),
    )
    op.create_index(op.f("ix_known_device_user_id"), "known_device", ["user_id"])
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_recovery_code_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
    )
    op.create_index(op.f("ix_recovery_code_user_id"), "recovery_code", ["user_id"])
    op.create_index("ix_login_activity_status", "login_activity", ["status", "id"])


def _doors() -> None:
    op.add_column("sign_in_gate", sa.Column("user_id", sa.BigInteger(), nullable=True))
    op.add_column("sign_in_gate", sa.Column("tries", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("sign_in_gate", "tries", server_default=None)
    op.alter_column("sign_in_gate", "last_failure_at", new_column_name="last_try_at")
    op.create_index(op.f("ix_sign_in_gate_user_id"), "sign_in_gate", ["user_id"])


def _sessions() -> None:
    op.add_column("user_session", sa.Column("role_id", sa.BigInteger(), nullable=True))
    for column in ("confirmed_at", "locked_at"):
        op.add_column("user_session", sa.Column(column, sa.DateTime(timezone=True), nullable=True))
    op.add_column("refresh_token", sa.Column("token_version", sa.BigInteger(), nullable=False, server_default="1"))
    op.alter_column("refresh_token", "token_version", server_default=None)


def downgrade() -> None:
    op.drop_column("refresh_token", "token_version")
    for column in ("role_id", "confirmed_at", "locked_at"):
        op.drop_column("user_session", column)
    op.drop_index("ix_login_activity_status", "login_activity")
    op.drop_table("recovery_code")
    op.drop_table("known_device")
    op.drop_index(op.f("ix_sign_in_gate_user_id"), "sign_in_gate")
    op.alter_column("sign_in_gate", "last_try_at", new_column_name="last_failure_at")
    for column in ("user_id", "tries"):
        op.drop_column("sign_in_gate", column)
