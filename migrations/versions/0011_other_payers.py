"""A bill may be shared with another payer; payments know whose part they pay."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

BILL_FREE = "status,paid,written_off,void_reason,voided_at,voided_by_id,collects,updated_at,version"


def upgrade() -> None:
    op.add_column("bill", sa.Column("payer_percent", sa.Numeric(5, 2)))
    for name in ("payer_share", "payer_paid"):
        op.add_column("bill", sa.Column(name, sa.Numeric(12, 2), server_default="0", nullable=False))
    op.create_check_constraint(
        op.f("ck_bill_parts_add_up"),
        "bill",
        "payer_paid >= 0 AND payer_paid <= payer_share AND payer_share <= total AND (payer <> 'self' OR payer_share = 0)"
        " AND paid >= payer_paid AND paid - payer_paid + written_off <= total - payer_share",
    )
    op.add_column("payment", sa.Column("payer", sa.Text(), server_default="self", nullable=False))
    _freeze_bills(f"payer_share,payer_paid,{BILL_FREE}")


def _freeze_bills(free: str) -> None:
    op.execute("DROP TRIGGER frozen ON bill")
    op.execute(
        f"CREATE TRIGGER frozen BEFORE UPDATE ON bill FOR EACH ROW WHEN (OLD.status <> 'draft') "
        f"EXECUTE FUNCTION hms_frozen('{{{free}}}')"
    )


def downgrade() -> None:
    _freeze_bills(BILL_FREE)
    op.drop_column("payment", "payer")
    op.drop_constraint(op.f("ck_bill_parts_add_up"), "bill", type_="check")
    for name in ("payer_paid", "payer_share", "payer_percent"):
        op.drop_column("bill", name)
