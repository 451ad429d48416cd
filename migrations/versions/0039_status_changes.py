"""Refuse a change of state that the desk's rules do not know, and new rows for a patient whose record was withdrawn.

The tables are those of the desks' `enums.py` when this was written. Rows of another hospital follow their source: an import
may say anything of them.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"

TRANSITIONS = {
    "allergy": {
        "active": ["entered_in_error", "inactive"],
        "entered_in_error": [],
        "inactive": ["active", "entered_in_error"],
    },
    "appointment": {
        "cancelled": ["scheduled"],
        "checked_in": ["cancelled", "completed", "in_service", "no_show", "scheduled"],
        "completed": [],
        "in_service": ["checked_in", "completed"],
        "no_show": ["checked_in", "scheduled"],
        "rescheduled": [],
        "scheduled": ["cancelled", "checked_in", "completed", "in_service", "no_show", "rescheduled"],
    },
    "bill": {
        "draft": ["issued", "paid", "part_paid", "void"],
        "issued": ["paid", "part_paid", "void"],
        "paid": ["issued", "part_paid", "void"],
        "part_paid": ["issued", "paid"],
        "void": [],
    },
    "condition": {"entered_in_error": [], "final": ["entered_in_error"]},
    "correction": {
        "approved": [],
        "declined": [],
        "waiting": ["approved", "declined", "withdrawn"],
        "withdrawn": [],
    },
    "encounter": {
        "entered_in_error": [],
        "in_progress": ["entered_in_error", "signed"],
        "signed": ["entered_in_error"],
    },
    "lab_order": {"cancelled": [], "done": [], "waiting": ["cancelled", "done"]},
    "patient": {"active": ["merged", "withdrawn"], "merged": [], "withdrawn": ["active"]},
    "prescription": {
        "active": ["completed", "entered_in_error", "on_hold", "part_dispensed", "stopped"],
        "completed": ["active", "entered_in_error", "part_dispensed"],
        "draft": ["active", "entered_in_error"],
        "entered_in_error": [],
        "on_hold": ["active", "completed", "entered_in_error", "part_dispensed", "stopped"],
        "part_dispensed": ["active", "completed", "on_hold", "stopped"],
        "stopped": ["entered_in_error"],
    },
    "queue_entry": {
        "called": ["cancelled", "done", "in_service", "left", "waiting"],
        "cancelled": [],
        "done": ["in_service"],
        "in_service": ["done", "left", "waiting"],
        "left": ["cancelled", "waiting"],
        "waiting": ["called", "cancelled", "done", "in_service", "left"],
    },
    "role_change_request": {
        "approved": [],
        "pending": ["approved", "rejected", "withdrawn"],
        "rejected": [],
        "withdrawn": [],
    },
    "vitals_reading": {"entered_in_error": [], "final": ["entered_in_error"]},
}
IMPORTED = ("allergy", "condition", "encounter", "prescription")
OF_PATIENTS = ("allergy appointment bill condition encounter lab_order prescription queue_entry vitals_reading").split()

STATUS_CHANGE = """
CREATE FUNCTION hms_status_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT coalesce(TG_ARGV[0]::jsonb -> OLD.status ? NEW.status, false) THEN
        RAISE EXCEPTION 'a % does not become % after %', TG_TABLE_NAME, NEW.status, OLD.status
            USING CONSTRAINT = 'status_change';
    END IF;
    RETURN NEW;
END $$
"""
PATIENT_IN_USE = """
CREATE FUNCTION hms_patient_in_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM patient WHERE id = NEW.patient_id AND status = 'withdrawn';
    IF FOUND THEN
        RAISE EXCEPTION 'the record of patient % is withdrawn', NEW.patient_id USING CONSTRAINT = 'patient_withdrawn';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.execute(STATUS_CHANGE)
    op.execute(PATIENT_IN_USE)
    for table, transitions in TRANSITIONS.items():
        own = " AND OLD.external_id IS NULL" if table in IMPORTED else ""
        op.execute(
            f"CREATE TRIGGER status_change BEFORE UPDATE OF status ON {table} FOR EACH ROW "
            f"WHEN (OLD.status <> NEW.status{own}) EXECUTE FUNCTION hms_status_change('{json.dumps(transitions)}')"
        )
    op.create_index(
        "ix_patient_withdrawn", "patient", ["sort_name", "id"], postgresql_where=sa.text("status = 'withdrawn'")
    )
    for table in OF_PATIENTS:
        op.execute(
            f"CREATE TRIGGER patient_in_use BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION hms_patient_in_use()"
        )


def downgrade() -> None:
    op.drop_index("ix_patient_withdrawn", "patient")
    for table in OF_PATIENTS:
        op.execute(f"DROP TRIGGER patient_in_use ON {table}")
    for table in TRANSITIONS:
        op.execute(f"DROP TRIGGER status_change ON {table}")
    op.execute("DROP FUNCTION hms_patient_in_use()")
    op.execute("DROP FUNCTION hms_status_change()")
