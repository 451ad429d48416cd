"""Conflicts of offline entries; imported resources are kept whole, with what is known of their dates and no more."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

TEXTS = (
    ("patient", "deceased_text"),
    ("encounter", "started_text"),
    ("condition", "onset_text"),
    ("prescription", "supply_text"),
    ("observation", "parts"),
    ("observation", "flag"),
    ("observation", "range_text"),
    ("observation", "taken_text"),
    ("immunization", "given_text"),
    ("immunization", "lot_number"),
    ("immunization", "expires"),
    ("source_record", "resource"),
)
SIGNED = "(signed_at IS NOT NULL) = (status = 'signed') OR status = 'entered_in_error'"


def upgrade() -> None:
    _offline_entries()
    for table, name in TEXTS:
        op.add_column(table, sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.add_column("condition", sa.Column("is_absence", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("immunization", sa.Column("is_subpotent", sa.Boolean(), nullable=True))
    op.alter_column("encounter", "started_at", nullable=True)
    op.drop_constraint("ck_encounter_signed_has_time", "encounter")
    imported = "(external_id IS NOT NULL AND status = 'signed')"
    op.create_check_constraint(op.f("ck_encounter_signed_has_time"), "encounter", f"{SIGNED} OR {imported}")
    op.create_check_constraint(
        op.f("ck_encounter_begins"), "encounter", "started_at IS NOT NULL OR external_id IS NOT NULL"
    )
    op.create_index("ix_source_record_name", "source_record", [sa.text("split_part(external_id, ' ', 1)")])
    op.create_table(
        "export_name",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_name")),
    )
    op.execute("INSERT INTO export_name (code) VALUES (left(replace(gen_random_uuid()::text, '-', ''), 12))")


def _offline_entries() -> None:
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
    """Fails, and changes nothing, once there are imported visits without a time or several entries with one key: they
    cannot be kept in the tables of the version before, and signed visits and entries of devices are never deleted."""
    op.drop_table("export_name")
    op.drop_index("ix_source_record_name", "source_record")
    for name in ("begins", "signed_has_time"):
        op.drop_constraint(f"ck_encounter_{name}", "encounter")
    op.create_check_constraint(op.f("ck_encounter_signed_has_time"), "encounter", SIGNED)
    op.alter_column("encounter", "started_at", nullable=False)
    op.drop_column("immunization", "is_subpotent")
    op.drop_column("condition", "is_absence")
    for table, name in TEXTS:
        op.drop_column(table, name)
    op.drop_index("uq_offline_entry_saved", "offline_entry")
    op.drop_constraint("uq_offline_entry_user_id_model_key_fingerprint", "offline_entry")
    op.create_unique_constraint("uq_offline_entry_user_id_model_key", "offline_entry", ["user_id", "model", "key"])
    op.drop_column("offline_entry", "fingerprint")
