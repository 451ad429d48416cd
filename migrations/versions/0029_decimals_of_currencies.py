"""Amounts of money have the decimals of the hospital's currency: none for XOF, two for SLE, three for TND.

The columns lose their scale of two, so that nothing is rounded when it is stored; values keep their decimals, and no table is
rewritten. A constraint of each table refuses more than three decimals.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0027"

MONEY = {
    "batch": ("unit_cost",),
    "bill": ("discount", "paid", "payer_paid", "payer_share", "total", "written_off"),
    "bill_line": ("amount", "unit_price"),
    "cash_shift": ("float_amount",),
    "correction": ("amount",),
    "payment": ("amount", "tendered"),
    "price_item": ("unit_price",),
}
TRIGGERS = """
    SELECT t.tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t
     WHERE t.tgrelid = CAST(:table_name AS regclass) AND NOT t.tgisinternal ORDER BY t.tgname"""


def upgrade() -> None:
    for table, columns in MONEY.items():
        _change_types(table, columns, sa.Numeric(), sa.Numeric(12, 2))
        condition = " AND ".join(f"scale({column}) <= 3" for column in columns)
        op.create_check_constraint(op.f(f"ck_{table}_money_exact"), table, condition)


def downgrade() -> None:
    for table, columns in MONEY.items():
        op.drop_constraint(op.f(f"ck_{table}_money_exact"), table, type_="check")
        _change_types(table, columns, sa.Numeric(12, 2), sa.Numeric())


def _change_types(table: str, columns: tuple[str, ...], new: sa.Numeric, old: sa.Numeric) -> None:
    """PostgreSQL changes no type of a column that a trigger's condition names, so the triggers are made again."""
    triggers = op.get_bind().execute(sa.text(TRIGGERS), {"table_name": table}).all()
    for name, _definition in triggers:
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for column in columns:
        op.alter_column(table, column, type_=new, existing_type=old)
    for _name, definition in triggers:
        op.execute(sa.text(definition.replace(":", r"\:")))
