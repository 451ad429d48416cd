"""When doctors and service points begin their day, for the waits before the first call; and patients who were called to a
service point and did not come."""

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0092"
down_revision = "0091"

TRANSITIONS = {
    "called": ["cancelled", "done", "in_service", "left", "waiting"],
    "cancelled": [],
    "done": ["in_service"],
    "in_service": ["done", "left", "waiting"],
    "left": ["cancelled", "waiting"],
    "waiting": ["called", "cancelled", "done", "in_service", "left"],
}
WITH_ABSENT = TRANSITIONS | {
    "absent": ["cancelled", "left", "waiting"],
    "called": ["absent", "cancelled", "done", "in_service", "left", "waiting"],
}


def _set_statuses(transitions: dict[str, list[str]]) -> None:
    statuses = ", ".join(f"'{status}'" for status in transitions)
    op.drop_constraint("status_known", "point_entry", type_="check")
    op.create_check_constraint("status_known", "point_entry", f"status IN ({statuses})")
    op.execute("DROP TRIGGER status_change ON point_entry")
    op.execute(
        "CREATE TRIGGER status_change BEFORE UPDATE OF status ON point_entry FOR EACH ROW "
        f"WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION hms_status_change('{json.dumps(transitions)}')"
    )


def upgrade() -> None:
    op.add_column("service_pace", sa.Column("first_calls", postgresql.JSONB(), nullable=False, server_default="{}"))
    op.execute("DELETE FROM service_pace")  # the next run of the clock makes them again, with the first calls
    op.add_column("point_entry", sa.Column("call_count", sa.BigInteger(), nullable=False, server_default="0"))
    _set_statuses(WITH_ABSENT)


def downgrade() -> None:
    op.execute("ALTER TABLE point_entry DISABLE TRIGGER USER")
    op.execute("UPDATE point_entry SET status = 'left' WHERE status = 'absent'")
    op.execute("ALTER TABLE point_entry ENABLE TRIGGER USER")
    _set_statuses(TRANSITIONS)
    op.drop_column("point_entry", "call_count")
    op.drop_column("service_pace", "first_calls")
