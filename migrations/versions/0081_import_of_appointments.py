"""Reception and administrators may import lists of appointments."""

from alembic import op

revision = "0081"
down_revision = "0080"

DOING = """SELECT set_config('hms.doing', '{"action": "migration.0081", "name": "system"}', true)"""


def upgrade() -> None:
    op.execute(DOING)
    op.execute(
        "UPDATE role SET grants = array_append(grants, 'appointments.import') "
        "WHERE code IN ('admin', 'receptionist') AND NOT 'appointments.import' = ANY (grants)"
    )


def downgrade() -> None:
    op.execute(DOING)
    op.execute("UPDATE role SET grants = array_remove(grants, 'appointments.import')")
