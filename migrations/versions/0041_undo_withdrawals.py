"""Withdrawn appointments, and encounters that were entered in error with their prescriptions and tests, can be restored."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"

BEFORE = {
    "encounter": {
        "entered_in_error": [],
        "in_progress": ["entered_in_error", "signed"],
        "signed": ["entered_in_error"],
    },
    "lab_order": {"cancelled": [], "done": [], "waiting": ["cancelled", "done"]},
    "prescription": {
        "active": ["completed", "entered_in_error", "on_hold", "part_dispensed", "stopped"],
        "completed": ["active", "entered_in_error", "part_dispensed"],
        "draft": ["active", "entered_in_error"],
        "entered_in_error": [],
        "on_hold": ["active", "completed", "entered_in_error", "part_dispensed", "stopped"],
        "part_dispensed": ["active", "completed", "on_hold", "stopped"],
        "stopped": ["entered_in_error"],
    },
}
RESTORED = {
    "encounter": {"entered_in_error": ["in_progress", "signed"]},
    "lab_order": {"cancelled": ["waiting"]},
    "prescription": {"entered_in_error": ["active", "completed", "draft", "on_hold", "stopped"]},
}
AFTER = {table: transitions | RESTORED[table] for table, transitions in BEFORE.items()}
IMPORTED = ("encounter", "prescription")
WITH_COLUMN = ("appointment", "lab_order", "prescription")
FREE = "status,status_reason,quantity_dispensed,updated_at,version"


def upgrade() -> None:
    for table in WITH_COLUMN:
        op.add_column(table, sa.Column("status_before", sa.Text(), server_default="", nullable=False))
    _replace_transitions(AFTER)
    _replace_frozen(f"{FREE},status_before")


def downgrade() -> None:
    _replace_frozen(FREE)
    _replace_transitions(BEFORE)
    for table in WITH_COLUMN:
        op.drop_column(table, "status_before")


def _replace_transitions(of_tables: dict[str, dict[str, list[str]]]) -> None:
    for table, transitions in of_tables.items():
        own = " AND OLD.external_id IS NULL" if table in IMPORTED else ""
        op.execute(f"DROP TRIGGER status_change ON {table}")
        op.execute(
            f"CREATE TRIGGER status_change BEFORE UPDATE OF status ON {table} FOR EACH ROW "
            f"WHEN (OLD.status <> NEW.status{own}) EXECUTE FUNCTION hms_status_change('{json.dumps(transitions)}')"
        )


def _replace_frozen(free: str) -> None:
    op.execute("DROP TRIGGER frozen ON prescription")
    op.execute(
        "CREATE TRIGGER frozen BEFORE UPDATE ON prescription FOR EACH ROW WHEN (OLD.signed_at IS NOT NULL) "
        f"EXECUTE FUNCTION hms_frozen('{{{free}}}')"
    )
