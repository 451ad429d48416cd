"""A department has a version, for two people who change it at once; its name is unique without regard to capitals.

`lower` in the "C" locale changes only ASCII, so the index names a collation.
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"

FOLDED_NAME = "lower(name COLLATE pg_c_utf8)"
# Blank names, and names that differ only in capitals, were accepted: all but the first get their number behind them.
MAKE_UNIQUE = """
UPDATE department SET name = btrim(name || ' (' || id || ')')
 WHERE btrim(name) = '' OR EXISTS (
    SELECT FROM department earlier
     WHERE earlier.id < department.id
       AND lower(earlier.name COLLATE pg_c_utf8) = lower(department.name COLLATE pg_c_utf8))
"""


def upgrade() -> None:
    op.execute("SELECT set_config('hms.doing', json_build_object('action', 'core.migrate')::text, true)")
    op.execute(MAKE_UNIQUE)
    op.add_column("department", sa.Column("version", sa.BigInteger(), nullable=False, server_default="1"))
    op.alter_column("department", "version", server_default=None)
    op.drop_constraint("uq_department_name", "department", type_="unique")
    op.create_index("uq_department_name_folded", "department", [sa.text(FOLDED_NAME)], unique=True)
    op.create_check_constraint("name_given", "department", "btrim(name) <> ''")


def downgrade() -> None:
    op.drop_constraint("name_given", "department", type_="check")
    op.drop_index("uq_department_name_folded", "department")
    op.create_unique_constraint("uq_department_name", "department", ["name"])
    op.drop_column("department", "version")
