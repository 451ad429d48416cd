"""Changes of the safety rules by two pharmacists; roles that prescribe, dispense or manage medicines read the rules."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0100"
down_revision = "0109"

NOW = sa.text("now()")
DOING = """SELECT set_config('hms.doing', '{"action": "migration.0100", "name": "system"}', true)"""

OF_TWO = """
CREATE FUNCTION hms_rule_change_of_two() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    acting bigint := hms_acting_person();
    kept text[] := '{decision,decided_by_id,decided_at,decision_note,number,shipped_version,updated_at}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.proposed_by_id IS DISTINCT FROM acting THEN
            RAISE EXCEPTION 'a proposal in the name of another' USING CONSTRAINT = 'not_acting';
        ELSIF NEW.decision IS NOT NULL THEN
            RAISE EXCEPTION 'a proposal that is decided already' USING CONSTRAINT = 'needs_approval';
        END IF;
    ELSIF TG_OP = 'DELETE' OR OLD.decision IS NOT NULL OR to_jsonb(NEW) - kept <> to_jsonb(OLD) - kept THEN
        RAISE EXCEPTION 'a proposal is not changed' USING CONSTRAINT = 'permanent';
    ELSIF acting IS NULL OR NEW.decided_by_id IS DISTINCT FROM acting THEN
        RAISE EXCEPTION 'a decision in the name of another' USING CONSTRAINT = 'not_acting';
    ELSIF (NEW.decision = 'withdrawn') <> (acting = OLD.proposed_by_id) THEN
        RAISE EXCEPTION 'a decision about one''s own proposal' USING CONSTRAINT = 'needs_approval';
    ELSIF NEW.decision = 'approved'
          AND (hms_opened_lately(OLD.proposed_by_id, acting) OR hms_opened_lately(acting, OLD.proposed_by_id)) THEN
        RAISE EXCEPTION 'two accounts of one person' USING CONSTRAINT = 'opened_lately';
    END IF;
    RETURN NEW;
END $$
"""
# The proposal is locked, so that no line is added while it is decided.
LINE = """
CREATE FUNCTION hms_rule_change_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM rule_change c WHERE c.id = NEW.change_id AND c.decision IS NULL
        AND c.proposed_by_id = hms_acting_person() FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a line of a proposal that is decided' USING CONSTRAINT = 'needs_approval';
    END IF;
    RETURN NEW;
END $$
"""


def _record(*columns: sa.Column | sa.Constraint) -> list[sa.Column | sa.Constraint]:
    return [
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *columns,
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "rule_change",
        *_record(
            sa.Column("reason", sa.Text(), nullable=False),
            sa.Column("source", sa.Text(), nullable=False),
            sa.Column("proposed_by_id", sa.BigInteger(), nullable=False),
            sa.Column("decision", sa.Text()),
            sa.Column("decided_by_id", sa.BigInteger()),
            sa.Column("decided_at", sa.DateTime(timezone=True)),
            sa.Column("decision_note", sa.Text(), server_default="", nullable=False),
            sa.Column("number", sa.BigInteger()),
            sa.Column("shipped_version", sa.Text(), server_default="", nullable=False),
        ),
        sa.CheckConstraint("decision IN ('approved', 'declined', 'withdrawn')", name="decision_known"),
        sa.CheckConstraint("btrim(reason) <> ''", name="reason_given"),
        sa.CheckConstraint("btrim(source) <> ''", name="source_given"),
        sa.CheckConstraint(
            "(decision IS NULL) = (decided_at IS NULL) AND (decision IS NULL) = (decided_by_id IS NULL)",
            name="decided_by_somebody",
        ),
        sa.CheckConstraint(
            "decision NOT IN ('approved', 'declined') OR decided_by_id <> proposed_by_id", name="decided_by_another"
        ),
        sa.CheckConstraint(
            "(decision IS NOT DISTINCT FROM 'approved') = (number IS NOT NULL)", name="approved_is_numbered"
        ),
        *(
            sa.ForeignKeyConstraint([name], ["app_user.id"], name=f"fk_rule_change_{name}", ondelete="RESTRICT")
            for name in ("proposed_by_id", "decided_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rule_change"),
        sa.UniqueConstraint("number", name="uq_rule_change_number"),
    )
    op.create_index("ix_rule_change_waiting", "rule_change", ["id"], postgresql_where=sa.text("decision IS NULL"))
    op.create_table(
        "rule_change_line",
        *_record(
            sa.Column("change_id", sa.BigInteger(), nullable=False),
            sa.Column("list_name", sa.Text(), nullable=False),
            sa.Column("key", sa.Text(), nullable=False),
            *(sa.Column(name, JSONB()) for name in ("before", "after", "shipped")),
        ),
        sa.CheckConstraint("before IS NOT NULL OR after IS NOT NULL", name="says_something"),
        sa.ForeignKeyConstraint(
            ["change_id"], ["rule_change.id"], name="fk_rule_change_line_change_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rule_change_line"),
        sa.UniqueConstraint("change_id", "key", name="uq_rule_change_line_change_id_key"),
    )
    op.create_index("ix_rule_change_line_key", "rule_change_line", ["key"])
    _add_triggers()
    _grant()


def _add_triggers() -> None:
    op.execute(OF_TWO)
    op.execute(LINE)
    op.execute(
        "CREATE TRIGGER of_two BEFORE INSERT OR UPDATE OR DELETE ON rule_change FOR EACH ROW "
        "EXECUTE FUNCTION hms_rule_change_of_two()"
    )
    op.execute(
        "CREATE TRIGGER of_proposal BEFORE INSERT ON rule_change_line FOR EACH ROW "
        "EXECUTE FUNCTION hms_rule_change_line()"
    )
    op.execute(
        "CREATE TRIGGER permanent BEFORE UPDATE OR DELETE ON rule_change_line FOR EACH ROW "
        "EXECUTE FUNCTION hms_permanent()"
    )
    for table in ("rule_change", "rule_change_line"):
        op.execute(
            f"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW "
            "EXECUTE FUNCTION hms_audit('{created_at,updated_at}', '{}')"
        )


def _grant() -> None:
    op.execute(DOING)
    op.execute(
        "UPDATE role SET grants = array_append(grants, 'formulary.read_rules') "
        "WHERE grants && '{pharmacy.dispense,clinical.prescribe,formulary.manage}' "
        "AND NOT 'formulary.read_rules' = ANY(grants)"
    )
    op.execute(
        "UPDATE role SET grants = array_append(grants, 'formulary.change_rules') "
        "WHERE 'pharmacy.dispense' = ANY(grants) AND NOT 'formulary.change_rules' = ANY(grants)"
    )


def downgrade() -> None:
    op.execute(DOING)
    for name in ("formulary.read_rules", "formulary.change_rules"):
        op.execute(f"UPDATE role SET grants = array_remove(grants, '{name}')")
    op.drop_table("rule_change_line")
    op.drop_table("rule_change")
    op.execute("DROP FUNCTION hms_rule_change_line()")
    op.execute("DROP FUNCTION hms_rule_change_of_two()")
