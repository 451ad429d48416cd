"""Figures of the homes come from indexes: what was signed, who was registered in a day, which bills are owed."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


OWING = "status IN ('draft', 'issued', 'part_paid') AND total - payer_share - (paid - payer_paid) - written_off > 0"


def upgrade() -> None:
    op.create_index("ix_bill_owing", "bill", ["id"], postgresql_where=sa.text(OWING))
    op.create_index("ix_encounter_signed_at", "encounter", ["signed_at"])
    op.create_index("ix_patient_created_at", "patient", ["created_at"])


def downgrade() -> None:
    op.drop_index("ix_bill_owing", table_name="bill")
    op.drop_index("ix_patient_created_at", table_name="patient")
    op.drop_index("ix_encounter_signed_at", table_name="encounter")
