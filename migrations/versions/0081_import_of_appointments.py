"""Reception and administrators may import lists of appointments; a price list may change what is there already."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0081"
down_revision = "0080"

DOING = """SELECT set_config('hms.doing', '{"action": "migration.0081", "name": "system"}', true)"""


def upgrade() -> None:
    op.add_column(
        "import_batch", sa.Column("changes_existing", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("import_row", sa.Column("before", postgresql.JSONB()))
    op.execute(DOING)
    op.execute(
        "UPDATE role SET grants = array_append(grants, 'appointments.import') "
        "WHERE code IN ('admin', 'receptionist') AND NOT 'appointments.import' = ANY (grants)"
    )


def downgrade() -> None:
    op.execute(DOING)
    op.execute("UPDATE role SET grants = array_remove(grants, 'appointments.import')")
    op.drop_column("import_row", "before")
    op.drop_column("import_batch", "changes_existing")
