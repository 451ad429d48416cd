"""What patients said about messages, and the hospital's own texts of messages."""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0056"

INSTANT = sa.DateTime(timezone=True)
PREFERENCE, TEXT = "message_preference", "message_text"
WISHES = "sms IN ('', 'agreed', 'refused') AND email IN ('', 'agreed', 'refused')"


def _kept() -> tuple[sa.Column, ...]:
    times = (
        sa.Column(name, INSTANT, server_default=sa.text("now()"), nullable=False)
        for name in ("created_at", "updated_at")
    )
    return sa.Column("version", sa.BigInteger(), nullable=False), *times


def _text(name: str) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=False)


def _by(table: str, column: str) -> tuple[sa.Column, sa.ForeignKeyConstraint]:
    target = "patient.id" if column == "patient_id" else "app_user.id"
    name = op.f(f"fk_{table}_{column}")
    return (
        sa.Column(column, sa.BigInteger(), nullable=column != "patient_id"),
        sa.ForeignKeyConstraint([column], [target], name=name, ondelete="RESTRICT"),
    )


def upgrade() -> None:
    op.create_table(
        PREFERENCE,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *_by(PREFERENCE, "patient_id"),
        *(_text(name) for name in ("sms", "email", "language")),
        *_by(PREFERENCE, "recorded_by_id"),
        *_kept(),
        sa.CheckConstraint(WISHES, name=op.f("ck_message_preference_wishes_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_preference")),
    )
    op.create_index("ix_message_preference_patient", PREFERENCE, ["patient_id", "id"])
    op.create_table(
        TEXT,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *(_text(name) for name in ("kind", "channel", "language", "subject", "body")),
        *_by(TEXT, "changed_by_id"),
        *_kept(),
        sa.CheckConstraint("btrim(body) <> ''", name=op.f("ck_message_text_body_given")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_text")),
    )
    op.create_index("uq_message_text_place", TEXT, ["kind", "channel", "language"], unique=True)
    op.create_index("ix_outgoing_message_sent_at", "outgoing_message", ["sent_at", "id"])
    for table in (PREFERENCE, TEXT):
        op.execute(
            f"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW "
            "EXECUTE FUNCTION hms_audit('{created_at,updated_at,version}', '{}')"
        )
    for table in (PREFERENCE, "outgoing_message"):
        op.execute(
            f"CREATE TRIGGER patient_in_use BEFORE INSERT OR UPDATE OF patient_id ON {table} FOR EACH ROW "
            "WHEN (NEW.patient_id IS NOT NULL) EXECUTE FUNCTION hms_patient_in_use()"
        )


def downgrade() -> None:
    op.execute("DROP TRIGGER patient_in_use ON outgoing_message")
    op.drop_index("ix_outgoing_message_sent_at", "outgoing_message")
    op.drop_table(TEXT)
    op.drop_table(PREFERENCE)
