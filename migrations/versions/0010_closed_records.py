"""Records that open to the care team or with a reason: the reason of a restriction, the openings, who queued whom."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

INSTANT = sa.DateTime(timezone=True)
GRANTS = {
    "patients.restrict": ("admin", "doctor"),
    "patients.break_glass": ("admin", "doctor", "nurse", "pharmacist"),
    "patients.review_access": ("admin",),
    "patients.read_own": ("patient",),
}


def upgrade() -> None:
    op.add_column("patient", sa.Column("restriction_reason", sa.Text(), server_default="", nullable=False))
    op.create_index("ix_patient_restricted", "patient", ["id"], postgresql_where=sa.text("is_restricted"))
    op.add_column("queue_entry", sa.Column("added_by_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        "fk_queue_entry_added_by_id", "queue_entry", "app_user", ["added_by_id"], ["id"], ondelete="RESTRICT"
    )
    _create_table()
    for name, columns, where in (
        ("ix_break_glass_open", ["user_id", "patient_id", "expires_at"], None),
        ("ix_break_glass_to_review", ["id"], "reviewed_at IS NULL"),
        ("ix_break_glass_patient", ["patient_id", "id"], None),
    ):
        op.create_index(name, "break_glass", columns, postgresql_where=sa.text(where) if where else None)
    _create_triggers()
    _grant()


def _create_table() -> None:
    op.create_table(
        "break_glass",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("reviewed_by_id", sa.BigInteger(), nullable=True),
        sa.Column("reviewed_at", INSTANT, nullable=True),
        sa.Column("finding", sa.Text(), nullable=True),
        sa.Column("review_note", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("length(btrim(reason)) >= 10", name=op.f("ck_break_glass_reason_given")),
        sa.CheckConstraint("expires_at > opened_at", name=op.f("ck_break_glass_ends_after_begin")),
        sa.CheckConstraint("finding IN ('justified', 'unjustified')", name=op.f("ck_break_glass_finding_known")),
        sa.CheckConstraint(
            "(reviewed_at IS NULL) = (finding IS NULL) AND (reviewed_at IS NULL) = (reviewed_by_id IS NULL)",
            name=op.f("ck_break_glass_reviewed_whole"),
        ),
        sa.CheckConstraint("reviewed_by_id <> user_id", name=op.f("ck_break_glass_reviewed_by_another")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_break_glass")),
        *(
            sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_break_glass_{column}"), ondelete="RESTRICT")
            for column, target in (
                ("user_id", "app_user.id"),
                ("patient_id", "patient.id"),
                ("reviewed_by_id", "app_user.id"),
            )
        ),
    )


def _create_triggers() -> None:
    op.execute(
        "CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON break_glass FOR EACH ROW "
        "EXECUTE FUNCTION hms_audit('{created_at,updated_at,version}', '{}')"
    )
    op.execute("CREATE TRIGGER kept BEFORE DELETE ON break_glass FOR EACH ROW EXECUTE FUNCTION hms_permanent()")
    op.execute(
        "CREATE TRIGGER frozen BEFORE UPDATE ON break_glass FOR EACH ROW WHEN (OLD.reviewed_at IS NULL) "
        "EXECUTE FUNCTION hms_frozen('{reviewed_by_id,reviewed_at,finding,review_note,updated_at}')"
    )
    op.execute(
        "CREATE TRIGGER reviewed_once BEFORE UPDATE ON break_glass FOR EACH ROW WHEN (OLD.reviewed_at IS NOT NULL) "
        "EXECUTE FUNCTION hms_frozen('{updated_at}')"
    )


def _grant() -> None:
    """The built-in roles of a hospital that runs already get the new actions."""
    op.execute("""SELECT set_config('hms.doing', '{"action": "migration.0010", "name": "system"}', true)""")
    for action, roles in GRANTS.items():
        op.execute(
            sa.text(
                "UPDATE role SET grants = array_append(grants, :action) "
                "WHERE code = ANY (:roles) AND NOT :action = ANY (grants)"
            ).bindparams(action=action, roles=list(roles))
        )


def downgrade() -> None:
    op.execute("""SELECT set_config('hms.doing', '{"action": "migration.0010", "name": "system"}', true)""")
    for action in GRANTS:
        op.execute(sa.text("UPDATE role SET grants = array_remove(grants, :action)").bindparams(action=action))
    op.drop_table("break_glass")
    op.drop_constraint("fk_queue_entry_added_by_id", "queue_entry", type_="foreignkey")
    op.drop_column("queue_entry", "added_by_id")
    op.drop_index("ix_patient_restricted", table_name="patient")
    op.drop_column("patient", "restriction_reason")
