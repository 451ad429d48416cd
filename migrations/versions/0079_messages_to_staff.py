"""Messages to the staff: an alert that is sent by e-mail is a message like those to patients."""

import sqlalchemy as sa
from alembic import op

revision = "0079"
down_revision = "0063"

TABLE = "outgoing_message"
ONCE = ["appointment_id", "notification_id", "kind", "lead_minutes", "occurrence", "channel"]
ONCE_BEFORE = ["appointment_id", "kind", "lead_minutes", "occurrence", "channel"]
FIRST = sa.text("again_of_id IS NULL")


def upgrade() -> None:
    for name, target in {"user_id": "app_user", "notification_id": "notification"}.items():
        op.add_column(TABLE, sa.Column(name, sa.BigInteger(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_outgoing_message_{name}"), TABLE, target, [name], ["id"], ondelete="RESTRICT"
        )
    op.alter_column(TABLE, "patient_id", nullable=True)
    op.create_check_constraint(op.f("ck_outgoing_message_one_recipient"), TABLE, "num_nonnulls(patient_id, user_id) = 1")
    op.drop_index("uq_outgoing_message_once", TABLE)
    op.create_index(
        "uq_outgoing_message_once", TABLE, ONCE, unique=True, postgresql_where=FIRST, postgresql_nulls_not_distinct=True
    )
    op.create_index("ix_outgoing_message_user", TABLE, ["user_id", "id"], postgresql_where=sa.text("user_id IS NOT NULL"))
    op.create_index(
        "ix_outgoing_message_notification",
        TABLE,
        ["notification_id"],
        postgresql_where=sa.text("notification_id IS NOT NULL"),
    )
    # E-mail of alerts that still waits is made by the new job.
    op.execute("UPDATE outbox SET kind = 'messages.make.staff.alert' WHERE kind = 'messages.mail' AND done_at IS NULL")


def downgrade() -> None:
    """Refused while there are messages to the staff: they are not thrown away."""
    op.execute("UPDATE outbox SET kind = 'messages.mail' WHERE kind = 'messages.make.staff.alert' AND done_at IS NULL")
    op.drop_index("ix_outgoing_message_notification", TABLE)
    op.drop_index("ix_outgoing_message_user", TABLE)
    op.drop_index("uq_outgoing_message_once", TABLE)
    op.create_index("uq_outgoing_message_once", TABLE, ONCE_BEFORE, unique=True, postgresql_where=FIRST)
    op.drop_constraint(op.f("ck_outgoing_message_one_recipient"), TABLE)
    op.alter_column(TABLE, "patient_id", nullable=False)
    for name in ("notification_id", "user_id"):
        op.drop_column(TABLE, name)
