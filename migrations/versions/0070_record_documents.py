"""Documents and photos of patients, stored in the database and entered in error instead of deleted."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0069"

TRANSITIONS = {"entered_in_error": [], "kept": ["entered_in_error"]}
CATEGORIES = (
    "'identity', 'insurance', 'consent', 'referral', 'result', 'picture', 'letter', 'certificate', 'photo', 'other'"
)


def upgrade() -> None:
    op.create_table(
        "record_document",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("dated_on", sa.Date()),
        sa.Column("mimetype", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("scan", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("added_by_id", sa.BigInteger()),
        sa.Column("ended_by_id", sa.BigInteger()),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(f"category IN ({CATEGORIES})", name="category_known"),
        sa.CheckConstraint("mimetype IN ('application/pdf', 'image/jpeg', 'image/png')", name="mimetype_known"),
        sa.CheckConstraint("scan IN ('clean', 'not_scanned')", name="scan_known"),
        sa.CheckConstraint("status IN ('kept', 'entered_in_error')", name="status_known"),
        sa.CheckConstraint("status = 'kept' OR btrim(reason) <> ''", name="ended_with_reason"),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_record_document_{column}", ondelete="RESTRICT")
            for column, table in (("patient_id", "patient"), ("added_by_id", "app_user"), ("ended_by_id", "app_user"))
        ),
        sa.PrimaryKeyConstraint("id", name="pk_record_document"),
    )
    op.create_index("ix_record_document_patient", "record_document", ["patient_id", "id"])
    op.execute(
        "CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON record_document FOR EACH ROW "
        "EXECUTE FUNCTION hms_audit('{created_at,updated_at}', '{content}')"
    )
    op.execute("CREATE TRIGGER kept BEFORE DELETE ON record_document FOR EACH ROW EXECUTE FUNCTION hms_permanent()")
    op.execute(
        "CREATE TRIGGER frozen BEFORE UPDATE ON record_document FOR EACH ROW "
        "EXECUTE FUNCTION hms_frozen('{status,reason,ended_by_id,updated_at}')"
    )
    op.execute(
        "CREATE TRIGGER patient_in_use BEFORE INSERT OR UPDATE OF patient_id ON record_document FOR EACH ROW "
        "WHEN (NEW.patient_id IS NOT NULL) EXECUTE FUNCTION hms_patient_in_use()"
    )
    op.execute(
        "CREATE TRIGGER status_change BEFORE UPDATE OF status ON record_document FOR EACH ROW "
        f"WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION hms_status_change('{json.dumps(TRANSITIONS)}')"
    )


def downgrade() -> None:
    op.drop_table("record_document")
