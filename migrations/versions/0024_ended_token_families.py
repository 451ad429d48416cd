"""Each request with an access token asks whether its family of tokens has ended."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0022"


def upgrade() -> None:
    op.create_index(
        "ix_refresh_token_ended", "refresh_token", ["family"], postgresql_where=sa.text("revoked_at IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_refresh_token_ended", table_name="refresh_token")
