"""Lists of medicines are sorted by their folded names."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.create_index("ix_medication_name_order", "medication", [sa.text("hms_fold(name)"), "id"])


def downgrade() -> None:
    op.drop_index("ix_medication_name_order", "medication")
