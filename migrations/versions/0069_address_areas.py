"""The country's hierarchy of addresses, loaded from a file; a patient's address refers to one of its areas.

A patient's record names the other payer, for example the insurer, and the number there.
"""

import sqlalchemy as sa
from alembic import op

revision = "0069"
down_revision = "0068"

PAYER = ("payer", "payer_number")


def upgrade() -> None:
    op.create_table(
        "address_area",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("parent_id", sa.BigInteger()),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("level_name", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("is_listed", sa.Boolean(), nullable=False),
        sa.Column("search_path", sa.Text(), sa.Computed("hms_fold(path)", persisted=True), nullable=False),
        sa.CheckConstraint("btrim(path) <> ''", name="path_given"),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["address_area.id"], name="fk_address_area_parent_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_address_area"),
    )
    op.create_index("uq_address_area_path", "address_area", ["path"], unique=True)
    op.create_index("ix_address_area_parent", "address_area", ["parent_id"])
    op.create_index(
        "ix_address_area_search",
        "address_area",
        ["search_path"],
        postgresql_using="gin",
        postgresql_ops={"search_path": "gin_trgm_ops"},
        postgresql_where=sa.text("is_listed"),
    )
    for column in PAYER:
        op.add_column("patient", sa.Column(column, sa.Text(), server_default="", nullable=False))
    op.add_column("patient", sa.Column("area_id", sa.BigInteger()))
    op.create_foreign_key("fk_patient_area_id", "patient", "address_area", ["area_id"], ["id"], ondelete="RESTRICT")
    op.create_index(
        "ix_patient_area", "patient", ["area_id"], postgresql_where=sa.text("area_id IS NOT NULL")
    )


def downgrade() -> None:
    for column in (*PAYER, "area_id"):
        op.drop_column("patient", column)
    op.drop_table("address_area")
