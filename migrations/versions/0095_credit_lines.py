"""The lines of bills that a write-off credits.

Requests of earlier versions named their lines in the reason only; they stay without lines.
"""

import sqlalchemy as sa
from alembic import op

revision = "0095"
down_revision = "0090"

NOW = sa.text("now()")

# The bill line is locked, so that two requests cannot both credit the last unit.
CREDIT_LINE = """
CREATE FUNCTION hms_credit_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    charged record;
    credited bigint;
BEGIN
    SELECT bill_id, quantity INTO charged FROM bill_line WHERE id = NEW.bill_line_id FOR UPDATE;
    SELECT coalesce(sum(other.quantity), 0) INTO credited FROM credit_line other
      JOIN correction asked ON asked.id = other.correction_id
     WHERE other.bill_line_id = NEW.bill_line_id AND asked.status IN ('waiting', 'approved');
    IF NOT EXISTS (SELECT FROM correction asked WHERE asked.id = NEW.correction_id AND asked.kind = 'write_off'
                      AND asked.status = 'waiting' AND asked.bill_id = charged.bill_id)
       OR credited + NEW.quantity > charged.quantity
    THEN
        RAISE EXCEPTION 'line % cannot be credited', NEW.bill_line_id USING CONSTRAINT = 'credit_possible';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "credit_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("correction_id", sa.BigInteger(), nullable=False),
        sa.Column("bill_line_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint("scale(amount) <= 3", name="money_exact"),
        sa.CheckConstraint("quantity > 0", name="quantity_possible"),
        sa.CheckConstraint("amount > 0 AND amount < 100000000", name="amount_possible"),
        sa.ForeignKeyConstraint(
            ["correction_id"], ["correction.id"], name="fk_credit_line_correction_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["bill_line_id"], ["bill_line.id"], name="fk_credit_line_bill_line_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_credit_line"),
        sa.UniqueConstraint("correction_id", "bill_line_id", name="uq_credit_line_correction_id_bill_line_id"),
    )
    op.create_index("ix_credit_line_bill_line", "credit_line", ["bill_line_id"])
    op.execute(CREDIT_LINE)
    op.execute(
        "CREATE TRIGGER credit_possible BEFORE INSERT ON credit_line FOR EACH ROW EXECUTE FUNCTION hms_credit_line()"
    )
    op.execute(
        "CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON credit_line FOR EACH ROW "
        "EXECUTE FUNCTION hms_audit('{created_at,updated_at}', '{}')"
    )
    op.execute(
        "CREATE TRIGGER permanent BEFORE UPDATE OR DELETE ON credit_line FOR EACH ROW EXECUTE FUNCTION hms_permanent()"
    )


def downgrade() -> None:
    op.drop_table("credit_line")
    op.execute("DROP FUNCTION hms_credit_line()")
