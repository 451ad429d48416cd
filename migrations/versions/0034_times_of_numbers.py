"""A number series keeps the time of its last number: the next document is never dated before it."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0031"

# Documents of a year that is over get no more numbers, so the newest time of each kind is enough for its series.
FILL = """
UPDATE number_series SET taken_at = CASE split_part(series, ':', 1)
    WHEN 'bill' THEN (SELECT max(issued_at) FROM bill)
    WHEN 'payment' THEN (SELECT max(received_at) FROM payment WHERE kind = 'payment')
    WHEN 'refund' THEN (SELECT max(received_at) FROM payment WHERE kind = 'refund')
    WHEN 'closing' THEN (SELECT max(closed_at) FROM cash_shift)
END
"""


def upgrade() -> None:
    op.add_column("number_series", sa.Column("taken_at", sa.DateTime(timezone=True)))
    op.execute("SELECT set_config('hms.doing', json_build_object('action', 'core.migrate')::text, true)")
    op.execute(FILL)


def downgrade() -> None:
    op.drop_column("number_series", "taken_at")
