"""Messages to patients by SMS and e-mail: each is written once, and its states follow the table of the desk."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0058"

INSTANT = sa.DateTime(timezone=True)
TABLE = "outgoing_message"
TRANSITIONS = {
    "cancelled": [],
    "delivered": [],
    "failed": ["delivered"],
    "missed": [],
    "sending": ["delivered", "failed", "sent", "unknown", "waiting"],
    "sent": ["delivered", "failed"],
    "unknown": ["delivered", "failed", "sent"],
    "waiting": ["cancelled", "failed", "missed", "sending"],
}
STATUSES = "'waiting', 'sending', 'sent', 'delivered', 'failed', 'unknown', 'missed', 'cancelled'"
REFERENCES = {
    "patient_id": "patient.id",
    "appointment_id": "appointment.id",
    "fallback_of_id": "outgoing_message.id",
    "again_of_id": "outgoing_message.id",
}


def upgrade() -> None:
    _create_messages()
    _create_indexes()
    op.execute(
        f"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {TABLE} FOR EACH ROW "
        "EXECUTE FUNCTION hms_audit('{created_at,updated_at}', '{}')"
    )
    op.execute(
        f"CREATE TRIGGER status_change BEFORE UPDATE OF status ON {TABLE} FOR EACH ROW "
        f"WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION hms_status_change('{json.dumps(TRANSITIONS)}')"
    )
    op.execute(
        "CREATE TRIGGER same_patient BEFORE INSERT OR UPDATE OF patient_id, appointment_id, fallback_of_id, again_of_id "
        f"ON {TABLE} FOR EACH ROW EXECUTE FUNCTION hms_same_patient('again_of_id', 'outgoing_message', "
        "'appointment_id', 'appointment', 'fallback_of_id', 'outgoing_message')"
    )
    op.execute(f"CREATE TRIGGER kept BEFORE DELETE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION hms_permanent()")
    op.create_table(
        "message_clock",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("planned_until", INSTANT, nullable=True),
        sa.Column("alerted_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_clock")),
    )
    op.execute("INSERT INTO message_clock DEFAULT VALUES")


def _create_messages() -> None:
    words = ("occurrence", "language", "address", "subject", "body", "status", "gateway_id", "gateway_words")
    times = {"about_at": False, "due_at": False, "valid_until": False}
    times |= dict.fromkeys(("next_try_at", "claimed_until", "sent_at", "delivered_at"), True)
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=name != "patient_id") for name in REFERENCES),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("lead_minutes", "attempts")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in words),
        *(sa.Column(name, INSTANT, nullable=is_optional) for name, is_optional in times.items()),
        *(
            sa.Column(name, INSTANT, server_default=sa.text("now()"), nullable=False)
            for name in ("created_at", "updated_at")
        ),
        sa.CheckConstraint(f"status IN ({STATUSES})", name=op.f("ck_outgoing_message_status_known")),
        sa.CheckConstraint("channel IN ('sms', 'email')", name=op.f("ck_outgoing_message_channel_known")),
        sa.CheckConstraint(
            "(status = 'sending') = (claimed_until IS NOT NULL)", name=op.f("ck_outgoing_message_claimed_while_sending")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing_message")),
        *(
            sa.ForeignKeyConstraint([name], [target], name=op.f(f"fk_outgoing_message_{name}"), ondelete="RESTRICT")
            for name, target in REFERENCES.items()
        ),
    )


def _create_indexes() -> None:
    op.create_index(
        "uq_outgoing_message_once",
        TABLE,
        ["appointment_id", "kind", "lead_minutes", "occurrence", "channel"],
        unique=True,
        postgresql_where=sa.text("again_of_id IS NULL"),
    )
    op.create_index("uq_outgoing_message_again_of", TABLE, ["again_of_id"], unique=True)
    for name, column in {
        "patient": "patient_id",
        "status": "status",
        "due_at": "due_at",
        "created_at": "created_at",
    }.items():
        op.create_index(f"ix_outgoing_message_{name}", TABLE, [column, "id"])
    op.create_index("ix_outgoing_message_appointment", TABLE, ["appointment_id", "id"])
    op.create_index(
        "ix_outgoing_message_claimed", TABLE, ["claimed_until"], postgresql_where=sa.text("status = 'sending'")
    )
    op.create_index("ix_outgoing_message_gateway", TABLE, ["gateway_id"], postgresql_where=sa.text("gateway_id <> ''"))


def downgrade() -> None:
    op.drop_table("message_clock")
    op.drop_table(TABLE)
