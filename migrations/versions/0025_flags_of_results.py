"""A result is marked with one of the known flags, or with none."""

from alembic import op

revision = "0025"
down_revision = "0024"

FLAGS = "flag IN ('', 'Low', 'High', 'Critical low', 'Critical high')"


def upgrade() -> None:
    op.create_check_constraint(op.f("ck_lab_result_flag_known"), "lab_result", FLAGS)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_lab_result_flag_known"), "lab_result", type_="check")
