"""Order sets: templates whose lines are medicines."""

import sqlalchemy as sa
from alembic import op

revision = "0109"
down_revision = "0108"


def upgrade() -> None:
    op.add_column("note_template", sa.Column("kind", sa.Text(), server_default="note", nullable=False))
    op.create_check_constraint("kind_known", "note_template", "kind IN ('note', 'orders')")


def downgrade() -> None:
    op.drop_constraint("kind_known", "note_template", type_="check")
    op.drop_column("note_template", "kind")
