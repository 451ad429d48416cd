"""One-time links, photos, requests for roles in full, and always an administrator."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

IGNORED = "{created_at,updated_at,version}"

ADMINISTRATORS = """
CREATE FUNCTION hms_keep_an_administrator() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    needed text[] := '{staff.manage,staff.manage_roles}';
BEGIN
    IF TG_TABLE_NAME = 'role' THEN
        IF NOT OLD.grants @> needed OR NEW.grants @> needed THEN
            RETURN NEW;
        END IF;
    ELSIF NOT EXISTS (SELECT FROM role WHERE id = OLD.role_id AND grants @> needed) THEN
        RETURN NEW;
    END IF;
    PERFORM pg_advisory_xact_lock(4243);
    IF NOT EXISTS (SELECT FROM app_user u JOIN role r ON r.id = u.role_id WHERE u.is_active AND r.grants @> needed) THEN
        RAISE EXCEPTION 'nobody would be left who may manage people and roles' USING CONSTRAINT = 'last_administrator';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    _accounts_and_roles()
    _links_and_photos()
    _requests()
    op.execute(ADMINISTRATORS)
    op.execute(
        "CREATE TRIGGER administrators AFTER UPDATE OF role_id, is_active ON app_user FOR EACH ROW "
        "WHEN (OLD.is_active AND (NOT NEW.is_active OR OLD.role_id IS DISTINCT FROM NEW.role_id)) "
        "EXECUTE FUNCTION hms_keep_an_administrator()"
    )
    op.execute(
        "CREATE TRIGGER administrators AFTER UPDATE OF grants ON role FOR EACH ROW "
        "EXECUTE FUNCTION hms_keep_an_administrator()"
    )


def _accounts_and_roles() -> None:
    for table in ("role", "app_user", "role_change_request"):
        op.add_column(table, sa.Column("version", sa.BigInteger(), nullable=False, server_default="1"))
        op.alter_column(table, "version", server_default=None)
    op.drop_constraint("uq_role_name", "role")
    op.create_index("uq_role_name_folded", "role", [sa.text("lower(name)")], unique=True)
    op.create_check_constraint(op.f("ck_role_name_given"), "role", "btrim(name) <> ''")
    op.add_column("app_user", sa.Column("inactive_reason", sa.Text(), nullable=False, server_default=""))
    op.add_column("app_user", sa.Column("awaits_approval", sa.Boolean(), nullable=False, server_default=sa.false()))
    for column in ("inactive_reason", "awaits_approval"):
        op.alter_column("app_user", column, server_default=None)
    op.create_check_constraint(
        op.f("ck_app_user_approved_before_active"), "app_user", "NOT (awaits_approval AND is_active)"
    )


def _links_and_photos() -> None:
    op.create_table(
        "one_time_link",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("mailed_hash", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made_by_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("purpose IN ('welcome', 'password')", name=op.f("ck_one_time_link_purpose_known")),
        sa.CheckConstraint(
            "made_by_id IS NULL OR made_by_id <> user_id", name=op.f("ck_one_time_link_made_by_another")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app_user.id"], name=op.f("fk_one_time_link_user_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["made_by_id"], ["app_user.id"], name=op.f("fk_one_time_link_made_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_one_time_link_token_hash")),
        sa.UniqueConstraint("mailed_hash", name=op.f("uq_one_time_link_mailed_hash")),
    )
    op.create_index(
        "uq_one_time_link_open",
        "one_time_link",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("used_at IS NULL AND ended_at IS NULL"),
    )
    op.create_table(
        "profile_photo",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app_user.id"], name=op.f("fk_profile_photo_user_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile_photo")),
        sa.UniqueConstraint("user_id", name=op.f("uq_profile_photo_user_id")),
    )
    op.execute(
        "CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON one_time_link FOR EACH ROW "
        f"EXECUTE FUNCTION hms_audit('{IGNORED}', '{{token_hash,mailed_hash}}')"
    )
    op.execute(
        "CREATE TRIGGER kept BEFORE DELETE ON one_time_link FOR EACH ROW EXECUTE FUNCTION hms_permanent()"
    )
    op.execute(
        "CREATE TRIGGER frozen BEFORE UPDATE ON one_time_link FOR EACH ROW "
        "WHEN (OLD.used_at IS NOT NULL OR OLD.ended_at IS NOT NULL) EXECUTE FUNCTION hms_frozen('{updated_at}')"
    )


def _requests() -> None:
    table = "role_change_request"
    op.add_column(table, sa.Column("role_before_id", sa.BigInteger(), nullable=True))
    op.add_column(table, sa.Column("first_approver_id", sa.BigInteger(), nullable=True))
    op.add_column(table, sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(
        op.f("fk_role_change_request_role_before_id"), table, "role", ["role_before_id"], ["id"], ondelete="RESTRICT"
    )
    op.create_foreign_key(
        op.f("fk_role_change_request_first_approver_id"),
        table,
        "app_user",
        ["first_approver_id"],
        ["id"],
        ondelete="RESTRICT",
    )
    op.drop_constraint(op.f("ck_role_change_request_status_known"), table)
    for name, rule in (
        ("status_known", "status IN ('pending', 'approved', 'rejected', 'withdrawn')"),
        ("approved_by_another", "first_approver_id IS NULL OR first_approver_id <> user_id"),
        (
            "approved_by_two",
            "status <> 'approved' OR first_approver_id IS NULL OR first_approver_id <> reviewed_by_id",
        ),
        ("decided_at_known", "(status IN ('approved', 'rejected')) = (reviewed_at IS NOT NULL)"),
    ):
        op.create_check_constraint(op.f(f"ck_role_change_request_{name}"), table, rule)
    op.create_index(
        "uq_role_change_request_pending",
        table,
        ["user_id", "requested_role_id"],
        unique=True,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.execute(f"CREATE TRIGGER kept BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION hms_permanent()")
    op.execute(
        f"CREATE TRIGGER frozen BEFORE UPDATE ON {table} FOR EACH ROW WHEN (OLD.status <> 'pending') "
        "EXECUTE FUNCTION hms_frozen('{archived_at,updated_at,version}')"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER administrators ON role")
    op.execute("DROP TRIGGER administrators ON app_user")
    op.execute("DROP FUNCTION hms_keep_an_administrator()")
    _forget_requests()
    op.drop_table("profile_photo")
    op.drop_table("one_time_link")
    op.drop_constraint(op.f("ck_app_user_approved_before_active"), "app_user")
    op.drop_column("app_user", "awaits_approval")
    op.drop_column("app_user", "inactive_reason")
    op.drop_constraint(op.f("ck_role_name_given"), "role")
    op.drop_index("uq_role_name_folded", "role")
    op.create_unique_constraint(op.f("uq_role_name"), "role", ["name"])
    for table in ("role_change_request", "app_user", "role"):
        op.drop_column(table, "version")


def _forget_requests() -> None:
    table = "role_change_request"
    op.execute(f"DROP TRIGGER frozen ON {table}")
    op.execute(f"DROP TRIGGER kept ON {table}")
    op.drop_index("uq_role_change_request_pending", table)
    for name in ("decided_at_known", "approved_by_two", "approved_by_another", "status_known"):
        op.drop_constraint(op.f(f"ck_role_change_request_{name}"), table)
    op.execute("SELECT set_config('hms.doing', '{\"action\": \"migration\"}', true)")
    op.execute(f"UPDATE {table} SET status = 'rejected' WHERE status = 'withdrawn'")
    op.create_check_constraint(
        op.f("ck_role_change_request_status_known"), table, "status IN ('pending', 'approved', 'rejected')"
    )
    for column in ("archived_at", "first_approver_id", "role_before_id"):
        op.drop_column(table, column)
