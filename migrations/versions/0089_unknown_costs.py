"""A cost of a batch that nobody entered is not known; it was stored as zero."""

from alembic import op

revision = "0089"
down_revision = "0088"


DOING = """SELECT set_config('hms.doing', '{"action": "migration.0089", "name": "system"}', true)"""


def upgrade() -> None:
    op.alter_column("batch", "unit_cost", nullable=True)


def downgrade() -> None:
    op.execute(DOING)
    op.execute("UPDATE batch SET unit_cost = 0 WHERE unit_cost IS NULL")
    op.alter_column("batch", "unit_cost", nullable=False)
