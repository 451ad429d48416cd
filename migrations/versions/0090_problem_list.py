"""The problem list, apart from the diagnoses of visits. What came from other records stays on it."""

import sqlalchemy as sa
from alembic import op

revision = "0090"
down_revision = "0089"

CHECKS = {
    "active_has_no_end": "abated_on IS NULL OR clinical_status <> 'active' OR external_id IS NOT NULL OR NOT is_problem",
    "ends_after_onset": "abated_on IS NULL OR onset_on IS NULL OR abated_on >= onset_on OR external_id IS NOT NULL",
}


DOING = """SELECT set_config('hms.doing', '{"action": "migration.0090", "name": "system"}', true)"""


def upgrade() -> None:
    op.execute(DOING)
    op.add_column("condition", sa.Column("is_problem", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.execute("UPDATE condition SET is_problem = true WHERE external_id IS NOT NULL AND NOT is_absence")
    for name, rule in CHECKS.items():
        op.create_check_constraint(name, "condition", rule)
    op.execute(
        "UPDATE role SET grants = array_append(grants, 'clinical.keep_problems') "
        "WHERE 'clinical.write_encounter' = ANY(grants) AND NOT 'clinical.keep_problems' = ANY(grants)"
    )


def downgrade() -> None:
    op.execute(DOING)
    op.execute("UPDATE role SET grants = array_remove(grants, 'clinical.keep_problems')")
    for name in CHECKS:
        op.drop_constraint(name, "condition", type_="check")
    op.drop_column("condition", "is_problem")
