"""Indexes behind the orders and filters of the lists of large tables, and behind the tabs of the list of bills.

The id follows the column: rows with equal values have a fixed order, and a page after a row is found by both. There is none on
`updated_at`: PostgreSQL would then write every index of the table again at each change of a row (no HOT updates).
"""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0044"

OWING = "status IN ('issued', 'part_paid') AND payer_share - payer_paid > 0"
WIDER = {
    "patient": ("birth_date", "created_at"),
    "encounter": ("signed_at",),
    "payment": ("received_at",),
}
"""Indexes that had the column alone."""
NEW = {
    "patient": ("given_names",),
    "encounter": ("started_at", "created_at"),
    "prescription": ("created_at",),
    "bill": ("status",),
    "login_activity": ("at",),
}
OTHERS = {
    "ix_bill_date": ("bill", [sa.text("coalesce(issued_at, created_at)"), "id"]),
    "ix_payment_received_by": ("payment", ["received_by_id", "id"]),
    "ix_notification_created_at": ("notification", ["user_id", "created_at", "id"]),
}


def upgrade() -> None:
    for table, columns in WIDER.items():
        for column in columns:
            op.drop_index(f"ix_{table}_{column}", table)
            op.create_index(f"ix_{table}_{column}", table, [column, "id"])
    for table, columns in NEW.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column, "id"])
    for name, (table, columns) in OTHERS.items():
        op.create_index(name, table, columns)
    op.create_index("ix_bill_payer_owing", "bill", ["id"], postgresql_where=sa.text(OWING))
    op.create_index("ix_patient_active", "patient", ["id"], postgresql_where=sa.text("status = 'active'"))


def downgrade() -> None:
    op.drop_index("ix_patient_active", "patient")
    op.drop_index("ix_bill_payer_owing", "bill")
    for name, (table, _columns) in OTHERS.items():
        op.drop_index(name, table)
    for table, columns in NEW.items():
        for column in columns:
            op.drop_index(f"ix_{table}_{column}", table)
    for table, columns in WIDER.items():
        for column in columns:
            op.drop_index(f"ix_{table}_{column}", table)
            op.create_index(f"ix_{table}_{column}", table, [column])
