"""Amounts of money have the decimals of the hospital's currency: none for XOF, two for SLE, three for TND.

The columns lose their scale of two, so that nothing is rounded when it is stored; values keep their decimals, and no table is
rewritten. A constraint of each table refuses more than three decimals.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

MONEY = {
    "batch": ("unit_cost",),
    "bill": ("discount", "paid", "payer_paid", "payer_share", "total", "written_off"),
    "bill_line": ("amount", "unit_price"),
    "cash_shift": ("float_amount",),
    "correction": ("amount",),
    "payment": ("amount", "tendered"),
    "price_item": ("unit_price",),
}
# A discount of exactly the limit is rounded to the smallest amount of the currency.
HALF_A_CENT = "discount_limit / 100 + 0.005"
HALF_OF_SMALLEST = "discount_limit / 100 + 0.5 / power(10::numeric, scale(subtotal))"
TRIGGERS = """
    SELECT t.tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t
     WHERE t.tgrelid = CAST(:table_name AS regclass) AND NOT t.tgisinternal ORDER BY t.tgname"""


def upgrade() -> None:
    for table, columns in MONEY.items():
        _change_types(table, columns, sa.Numeric(), sa.Numeric(12, 2))
        condition = " AND ".join(f"scale({column}) <= 3" for column in columns)
        op.create_check_constraint(op.f(f"ck_{table}_money_exact"), table, condition)
    _replace_in_function(HALF_A_CENT, HALF_OF_SMALLEST)


def downgrade() -> None:
    """Raise `RuntimeError` where an amount has three decimals: it would be rounded without a word."""
    for table, columns in MONEY.items():
        _refuse_third_decimal(table, columns)
    _replace_in_function(HALF_OF_SMALLEST, HALF_A_CENT)
    for table, columns in MONEY.items():
        op.drop_constraint(op.f(f"ck_{table}_money_exact"), table, type_="check")
        _change_types(table, columns, sa.Numeric(12, 2), sa.Numeric())


def _refuse_third_decimal(table: str, columns: tuple[str, ...]) -> None:
    condition = " OR ".join(f"scale({column}) > 2" for column in columns)
    if op.get_bind().execute(sa.text(f"SELECT EXISTS (SELECT FROM {table} WHERE {condition})")).scalar_one():
        raise RuntimeError(f"{table} has amounts with three decimals; the version before keeps two")


def _change_types(table: str, columns: tuple[str, ...], new: sa.Numeric, old: sa.Numeric) -> None:
    """PostgreSQL changes no type of a column that a trigger's condition names, so the triggers are made again."""
    triggers = op.get_bind().execute(sa.text(TRIGGERS), {"table_name": table}).all()
    for name, _definition in triggers:
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for column in columns:
        op.alter_column(table, column, type_=new, existing_type=old)
    for _name, definition in triggers:
        op.get_bind().exec_driver_sql(definition.replace("%", "%%"))


def _replace_in_function(old: str, new: str) -> None:
    """Change the expression in `hms_second_person` (migration 0021), the trigger behind discounts."""
    definition = op.get_bind().execute(sa.text("SELECT pg_get_functiondef(CAST('hms_second_person' AS regproc))")).scalar_one()
    if old not in definition:
        raise RuntimeError("hms_second_person is not the one of migration 0021")
    op.get_bind().exec_driver_sql(definition.replace(old, new).replace("%", "%%"))
