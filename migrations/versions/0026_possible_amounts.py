"""A till's float, the cash given and the cost of one unit are below 100,000,000, as every single amount is."""

from alembic import op

revision = "0026"
down_revision = "0025"

NEW = {
    "float_possible": ("cash_shift", "float_amount >= 0 AND float_amount < 100000000"),
    "tendered_possible": ("payment", "tendered < 100000000"),
    "cost_possible": ("batch", "unit_cost >= 0 AND unit_cost < 100000000"),
}


def upgrade() -> None:
    for name, (table, condition) in NEW.items():
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def downgrade() -> None:
    for name, (table, _condition) in NEW.items():
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
