"""Other fields under the key of a saved offline entry are an entry of their own, to be settled."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0027"


def upgrade() -> None:
    op.add_column("offline_entry", sa.Column("fingerprint", sa.Text(), server_default="", nullable=False))
    op.drop_constraint("uq_offline_entry_user_id_model_key", "offline_entry")
    op.create_unique_constraint(
        "uq_offline_entry_user_id_model_key_fingerprint", "offline_entry", ["user_id", "model", "key", "fingerprint"]
    )
    op.create_index(
        "uq_offline_entry_saved",
        "offline_entry",
        ["user_id", "model", "key"],
        unique=True,
        postgresql_where=sa.text("record_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("uq_offline_entry_saved", "offline_entry")
    op.drop_constraint("uq_offline_entry_user_id_model_key_fingerprint", "offline_entry")
    op.create_unique_constraint("uq_offline_entry_user_id_model_key", "offline_entry", ["user_id", "model", "key"])
    op.drop_column("offline_entry", "fingerprint")
