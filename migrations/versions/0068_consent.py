"""Texts of consent with versions that never change, what patients decided about them, and forms to sign."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0068"
down_revision = "0065"

GRANT = "patients.manage_consent_texts"
IN_THE_TRAIL = "SELECT set_config('hms.doing', '{\"action\": \"migration\"}', true)"
TRANSITIONS = {
    "entered_in_error": [],
    "given": ["entered_in_error", "withdrawn"],
    "refused": ["entered_in_error"],
    "withdrawn": ["entered_in_error"],
}


def upgrade() -> None:
    _make_texts()
    _make_consents()
    for table in ("consent_kind", "consent_text", "consent"):
        op.execute(
            f"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW "
            "EXECUTE FUNCTION hms_audit('{created_at,updated_at,version}', '{}')"
        )
    op.execute(
        "CREATE TRIGGER permanent BEFORE UPDATE OR DELETE ON consent_text FOR EACH ROW EXECUTE FUNCTION hms_permanent()"
    )
    op.execute("CREATE TRIGGER kept BEFORE DELETE ON consent FOR EACH ROW EXECUTE FUNCTION hms_permanent()")
    op.execute(
        "CREATE TRIGGER status_change BEFORE UPDATE OF status ON consent FOR EACH ROW "
        f"WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION hms_status_change('{json.dumps(TRANSITIONS)}')"
    )
    for table in ("consent", "consent_form"):
        op.create_index(f"ix_{table}_patient", table, ["patient_id", "id"])
        op.execute(
            f"CREATE TRIGGER patient_in_use BEFORE INSERT OR UPDATE OF patient_id ON {table} FOR EACH ROW "
            "WHEN (NEW.patient_id IS NOT NULL) EXECUTE FUNCTION hms_patient_in_use()"
        )
    op.execute(IN_THE_TRAIL)
    op.execute(
        f"UPDATE role SET grants = array_append(grants, '{GRANT}') WHERE code = 'admin' AND NOT '{GRANT}' = ANY (grants)"
    )


def _stamps() -> list[sa.Column]:
    return [
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    ]


def _keys(table: str, **targets: str) -> list[sa.Constraint]:
    keys = [
        sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}", ondelete="RESTRICT")
        for column, target in targets.items()
    ]
    return [*keys, sa.PrimaryKeyConstraint("id", name=f"pk_{table}")]


def _make_texts() -> None:
    op.create_table(
        "consent_kind",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        *_stamps(),
        sa.CheckConstraint("btrim(name) <> ''", name="name_given"),
        *_keys("consent_kind"),
    )
    op.create_index("uq_consent_kind_name", "consent_kind", [sa.text("lower(name)")], unique=True)
    op.create_table(
        "consent_text",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind_id", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("written_by_id", sa.BigInteger()),
        *_stamps(),
        sa.CheckConstraint("btrim(title) <> '' AND btrim(body) <> ''", name="written"),
        *_keys("consent_text", kind_id="consent_kind", written_by_id="app_user"),
    )
    op.create_index("uq_consent_text_number", "consent_text", ["kind_id", "language", "number"], unique=True)


def _make_consents() -> None:
    op.create_table(
        "consent",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("text_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("guardian_name", sa.Text(), server_default="", nullable=False),
        sa.Column("guardian_relation", sa.Text(), server_default="", nullable=False),
        sa.Column("ended_on", sa.Date()),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("recorded_by_id", sa.BigInteger()),
        sa.Column("ended_by_id", sa.BigInteger()),
        sa.Column("version", sa.BigInteger(), nullable=False),
        *_stamps(),
        sa.CheckConstraint("status IN ('given', 'refused', 'withdrawn', 'entered_in_error')", name="status_known"),
        sa.CheckConstraint("decided_by IN ('patient', 'guardian')", name="decided_by_known"),
        sa.CheckConstraint(
            "(decided_by = 'guardian') = (guardian_name <> '' AND guardian_relation <> '')", name="guardian_named"
        ),
        sa.CheckConstraint("status IN ('given', 'refused') OR btrim(reason) <> ''", name="ended_with_reason"),
        *_keys(
            "consent", patient_id="patient", text_id="consent_text", recorded_by_id="app_user", ended_by_id="app_user"
        ),
    )
    op.create_table(
        "consent_form",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("text_id", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.LargeBinary()),
        *_keys("consent_form", patient_id="patient", text_id="consent_text"),
    )


def downgrade() -> None:
    op.execute(IN_THE_TRAIL)
    op.execute(f"UPDATE role SET grants = array_remove(grants, '{GRANT}')")
    for table in ("consent_form", "consent", "consent_text", "consent_kind"):
        op.drop_table(table)
