"""Requests for approval that the bill ended, and refunds of charges that nobody owes any more."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0091"
down_revision = "0095"

STATUSES = "'waiting', 'approved', 'declined', 'withdrawn'"
DECISIONS = ["approved", "declined", "withdrawn"]
CORRECTION_OF_TWO, SECOND_PERSON = "hms_correction_of_two", "hms_second_person"
WITHDRAWN = "(NEW.status = 'withdrawn') <> (acting = OLD.proposed_by_id)"
WITHDRAWN_OR_ENDED = "NEW.status <> 'ended' AND (NEW.status = 'withdrawn') <> (acting = OLD.proposed_by_id)"
WRITE_OFFS = "c.kind = 'write_off'"
WRITE_OFFS_AND_CREDITS = "(c.kind IN ('write_off', 'refund') AND (c.kind = 'write_off' OR c.is_credit))"


def _replace_in_function(function: str, old: str, new: str) -> None:
    select = sa.text("SELECT pg_get_functiondef(CAST(:function AS regproc))")
    definition = op.get_bind().execute(select, {"function": function}).scalar_one()
    if old not in definition:
        raise RuntimeError(f"{function} is not the one of migration 0021")
    op.get_bind().exec_driver_sql(definition.replace(old, new).replace("%", "%%"))


def _set_statuses(statuses: str, decisions: list[str]) -> None:
    op.drop_constraint("status_known", "correction", type_="check")
    op.create_check_constraint("status_known", "correction", f"status IN ({statuses})")
    transitions = json.dumps({"waiting": decisions} | {decision: [] for decision in decisions})
    op.execute("DROP TRIGGER status_change ON correction")
    op.execute(
        "CREATE TRIGGER status_change BEFORE UPDATE OF status ON correction FOR EACH ROW "
        f"WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION hms_status_change('{transitions}')"
    )


def upgrade() -> None:
    op.add_column("correction", sa.Column("is_credit", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.create_check_constraint("credit_of_amount", "correction", "NOT is_credit OR kind IN ('refund', 'write_off')")
    _set_statuses(f"{STATUSES}, 'ended'", sorted([*DECISIONS, "ended"]))
    _replace_in_function(CORRECTION_OF_TWO, WITHDRAWN, WITHDRAWN_OR_ENDED)
    _replace_in_function(SECOND_PERSON, WRITE_OFFS, WRITE_OFFS_AND_CREDITS)


def downgrade() -> None:
    _replace_in_function(SECOND_PERSON, WRITE_OFFS_AND_CREDITS, WRITE_OFFS)
    _replace_in_function(CORRECTION_OF_TWO, WITHDRAWN_OR_ENDED, WITHDRAWN)
    op.execute("ALTER TABLE correction DISABLE TRIGGER USER")
    op.execute("UPDATE correction SET status = 'declined' WHERE status = 'ended' AND decided_by_id <> proposed_by_id")
    op.execute("UPDATE correction SET status = 'withdrawn' WHERE status = 'ended'")
    op.execute("ALTER TABLE correction ENABLE TRIGGER USER")
    _set_statuses(STATUSES, DECISIONS)
    op.drop_constraint("credit_of_amount", "correction", type_="check")
    op.drop_column("correction", "is_credit")
