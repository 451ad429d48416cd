"""Refunds, void bills, write-offs and discounts above the limit take two persons; bills know what was written off them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

GRANTED = ("admin", "cashier")
NEW_ACTIONS = ("billing.propose_correction", "billing.approve_correction")
IGNORED = "{created_at,updated_at,version}"
IN_THE_TRAIL = "SELECT set_config('hms.doing', '{\"action\": \"migration\"}', true)"
ASK = "status,decided_by_id,decided_at,decision_note,updated_at"
BILL_FREE = "status,paid,void_reason,voided_at,voided_by_id,collects,updated_at,version"

# The ask of a refund is named by the refund; void bills and write-offs are looked up by their bill.
SECOND_PERSON = """
CREATE FUNCTION hms_second_person() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_agreed boolean;
BEGIN
    IF TG_ARGV[0] = 'refund' THEN
        is_agreed := EXISTS (SELECT FROM correction c WHERE c.id = NEW.correction_id AND c.kind = 'refund'
            AND c.status = 'approved' AND c.payment_id = NEW.refunds_id AND c.amount = NEW.amount);
    ELSIF TG_ARGV[0] = 'void' THEN
        is_agreed := EXISTS (SELECT FROM correction c WHERE c.bill_id = NEW.id AND c.kind = 'void' AND c.status = 'approved');
    ELSE
        is_agreed := NEW.written_off = (SELECT coalesce(sum(c.amount), 0) FROM correction c
            WHERE c.bill_id = NEW.id AND c.kind = 'write_off' AND c.status = 'approved');
    END IF;
    IF NOT is_agreed THEN
        RAISE EXCEPTION '% without a second person', TG_ARGV[0] USING CONSTRAINT = 'needs_approval';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    _make_corrections()
    op.add_column("bill", sa.Column("written_off", sa.Numeric(12, 2), server_default="0", nullable=False))
    op.drop_constraint("never_overpaid", "bill", type_="check")
    op.create_check_constraint(
        "never_overpaid", "bill", "paid >= 0 AND written_off >= 0 AND paid + written_off <= total"
    )
    op.add_column("payment", sa.Column("correction_id", sa.BigInteger()))
    op.create_foreign_key(
        "fk_payment_correction_id", "payment", "correction", ["correction_id"], ["id"], ondelete="RESTRICT"
    )
    op.create_index("uq_payment_correction", "payment", ["correction_id"], unique=True)
    _freeze_bills(f"written_off,{BILL_FREE}")
    op.execute(SECOND_PERSON)
    op.execute(
        "CREATE TRIGGER second_person BEFORE INSERT ON payment FOR EACH ROW WHEN (NEW.kind = 'refund') "
        "EXECUTE FUNCTION hms_second_person('refund')"
    )
    op.execute(
        "CREATE TRIGGER second_person_void BEFORE UPDATE ON bill FOR EACH ROW "
        "WHEN (OLD.issued_at IS NOT NULL AND OLD.status <> 'void' AND NEW.status = 'void') "
        "EXECUTE FUNCTION hms_second_person('void')"
    )
    op.execute(
        "CREATE TRIGGER second_person_write_off BEFORE UPDATE ON bill FOR EACH ROW "
        "WHEN (NEW.written_off <> OLD.written_off) EXECUTE FUNCTION hms_second_person('write_off')"
    )
    op.execute(IN_THE_TRAIL)
    for action in NEW_ACTIONS:
        op.execute(
            f"UPDATE role SET grants = array_append(grants, '{action}') "
            f"WHERE code IN {GRANTED} AND NOT '{action}' = ANY (grants)"
        )


def _make_corrections() -> None:
    op.create_table(
        "correction",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("bill_id", sa.BigInteger(), nullable=False),
        sa.Column("payment_id", sa.BigInteger()),
        sa.Column("amount", sa.Numeric(12, 2)),
        sa.Column("method", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("decided_by_id", sa.BigInteger()),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decision_note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('refund', 'void', 'write_off', 'discount')", name="kind_known"),
        sa.CheckConstraint("status IN ('waiting', 'approved', 'declined', 'withdrawn')", name="status_known"),
        sa.CheckConstraint("btrim(reason) <> ''", name="reason_given"),
        sa.CheckConstraint(
            "(kind = 'void') = (amount IS NULL) AND (kind = 'refund') = (payment_id IS NOT NULL)"
            " AND (kind = 'refund') = (method IS NOT NULL)",
            name="complete",
        ),
        sa.CheckConstraint("amount > 0 AND amount < 100000000", name="amount_possible"),
        sa.CheckConstraint(
            "(status = 'waiting') = (decided_at IS NULL) AND (status = 'waiting') = (decided_by_id IS NULL)",
            name="decided_by_somebody",
        ),
        sa.CheckConstraint(
            "status NOT IN ('approved', 'declined') OR decided_by_id <> proposed_by_id", name="decided_by_another"
        ),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_correction_{column}", ondelete="RESTRICT")
            for column, table in (
                ("bill_id", "bill"),
                ("payment_id", "payment"),
                ("proposed_by_id", "app_user"),
                ("decided_by_id", "app_user"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name="pk_correction"),
    )
    waiting = sa.text("status = 'waiting'")
    op.create_index(
        "uq_correction_waiting",
        "correction",
        ["bill_id", "kind", sa.text("coalesce(payment_id, 0)")],
        unique=True,
        postgresql_where=waiting,
    )
    op.create_index("ix_correction_bill", "correction", ["bill_id", "id"])
    op.create_index("ix_correction_waiting", "correction", ["id"], postgresql_where=waiting)
    op.execute(
        f"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON correction FOR EACH ROW "
        f"EXECUTE FUNCTION hms_audit('{IGNORED}', '{{}}')"
    )
    op.execute("CREATE TRIGGER kept BEFORE DELETE ON correction FOR EACH ROW EXECUTE FUNCTION hms_permanent()")
    op.execute(
        f"CREATE TRIGGER frozen BEFORE UPDATE ON correction FOR EACH ROW WHEN (OLD.status = 'waiting') "
        f"EXECUTE FUNCTION hms_frozen('{{{ASK}}}')"
    )
    op.execute(
        "CREATE TRIGGER decided BEFORE UPDATE ON correction FOR EACH ROW WHEN (OLD.status <> 'waiting') "
        "EXECUTE FUNCTION hms_frozen('{updated_at}')"
    )


def _freeze_bills(free: str) -> None:
    op.execute("DROP TRIGGER frozen ON bill")
    op.execute(
        f"CREATE TRIGGER frozen BEFORE UPDATE ON bill FOR EACH ROW WHEN (OLD.status <> 'draft') "
        f"EXECUTE FUNCTION hms_frozen('{{{free}}}')"
    )


def downgrade() -> None:
    op.execute(IN_THE_TRAIL)
    for action in NEW_ACTIONS:
        op.execute(f"UPDATE role SET grants = array_remove(grants, '{action}')")
    for name in ("second_person_write_off", "second_person_void"):
        op.execute(f"DROP TRIGGER {name} ON bill")
    op.execute("DROP TRIGGER second_person ON payment")
    op.execute("DROP FUNCTION hms_second_person()")
    _freeze_bills(BILL_FREE)
    op.drop_column("payment", "correction_id")
    op.drop_constraint("never_overpaid", "bill", type_="check")
    op.drop_column("bill", "written_off")
    op.create_check_constraint("never_overpaid", "bill", "paid >= 0 AND paid <= total")
    op.drop_table("correction")
