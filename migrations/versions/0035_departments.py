"""A department has a version, for two people who change it at once; its name is unique without regard to capitals."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.add_column("department", sa.Column("version", sa.BigInteger(), nullable=False, server_default="1"))
    op.alter_column("department", "version", server_default=None)
    op.drop_constraint("uq_department_name", "department", type_="unique")
    op.create_index("uq_department_name_folded", "department", [sa.text("lower(name)")], unique=True)
    op.create_check_constraint("name_given", "department", "btrim(name) <> ''")


def downgrade() -> None:
    op.drop_constraint("name_given", "department", type_="check")
    op.drop_index("uq_department_name_folded", "department")
    op.create_unique_constraint("uq_department_name", "department", ["name"])
    op.drop_column("department", "version")
