"""Tests ordered and what the laboratory found."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

INSTANT = sa.DateTime(timezone=True)
IGNORED = "{created_at,updated_at,version}"


def _times() -> tuple[sa.Column, sa.Column]:
    return (
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", INSTANT, server_default=sa.text("now()"), nullable=False),
    )


def upgrade() -> None:
    _create_orders()
    _create_results()
    for table in ("lab_order", "lab_result"):
        op.execute(
            f"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW "
            f"EXECUTE FUNCTION hms_audit('{IGNORED}', '{{}}')"
        )
    op.execute(
        "CREATE TRIGGER permanent BEFORE UPDATE OR DELETE ON lab_result FOR EACH ROW EXECUTE FUNCTION hms_permanent()"
    )
    op.execute("CREATE TRIGGER kept BEFORE DELETE ON lab_order FOR EACH ROW EXECUTE FUNCTION hms_permanent()")


def _create_orders() -> None:
    op.create_table(
        "lab_order",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("encounter_id", sa.BigInteger(), nullable=False),
        sa.Column("test_code", sa.Text(), nullable=False),
        sa.Column("test_name", sa.Text(), nullable=False),
        sa.Column("is_urgent", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=False),
        sa.Column("ordered_by_id", sa.BigInteger(), nullable=False),
        sa.Column("ordered_at", INSTANT, nullable=False),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        *_times(),
        sa.CheckConstraint("status IN ('waiting', 'done', 'cancelled')", name=op.f("ck_lab_order_status_known")),
        sa.CheckConstraint("(status = 'done') = (done_at IS NOT NULL)", name=op.f("ck_lab_order_done_has_time")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_order")),
        *(
            sa.ForeignKeyConstraint([f"{name}_id"], [target], name=op.f(f"fk_lab_order_{name}_id"), ondelete="RESTRICT")
            for name, target in (
                ("patient", "patient.id"),
                ("encounter", "encounter.id"),
                ("ordered_by", "app_user.id"),
            )
        ),
    )
    waiting = sa.text("status = 'waiting'")
    op.create_index("ix_lab_order_patient", "lab_order", ["patient_id", sa.text("id DESC")])
    op.create_index("ix_lab_order_encounter", "lab_order", ["encounter_id"])
    op.create_index("ix_lab_order_waiting", "lab_order", ["is_urgent", "id"], postgresql_where=waiting)
    op.create_index(
        "uq_lab_order_test", "lab_order", ["encounter_id", "test_code"], unique=True, postgresql_where=waiting
    )


def _create_results() -> None:
    op.create_table(
        "lab_result",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("number", sa.Numeric(14, 4), nullable=True),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("range_text", sa.Text(), nullable=False),
        sa.Column("flag", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("entered_by_id", sa.BigInteger(), nullable=False),
        sa.Column("entered_at", INSTANT, nullable=False),
        *_times(),
        sa.CheckConstraint("btrim(value) <> ''", name=op.f("ck_lab_result_value_given")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_result")),
        *(
            sa.ForeignKeyConstraint([f"{name}_id"], [target], name=op.f(f"fk_lab_result_{name}_id"), ondelete="RESTRICT")
            for name, target in (("order", "lab_order.id"), ("entered_by", "app_user.id"))
        ),
    )
    op.create_index("ix_lab_result_order", "lab_result", ["order_id", "id"])


def downgrade() -> None:
    op.drop_table("lab_result")
    op.drop_table("lab_order")
