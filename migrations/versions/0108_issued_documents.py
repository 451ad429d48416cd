"""Documents that are handed out after a visit, with the code by which they are checked."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0108"
down_revision = "0094"

KINDS = "'prescription', 'referral_letter', 'sick_note', 'visit_summary'"
TRANSITIONS = {"final": ["entered_in_error"], "entered_in_error": []}

# The encounter is locked by the action; the trigger refuses a document of one that may still change.
SIGNED = """
CREATE FUNCTION hms_issued_after_signing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM encounter WHERE id = NEW.encounter_id AND status = 'signed') THEN
        RAISE EXCEPTION 'encounter % is not signed', NEW.encounter_id USING CONSTRAINT = 'issued_after_signing';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "issued_document",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("encounter_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("addressee", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("from_on", sa.Date()),
        sa.Column("until_on", sa.Date()),
        sa.Column("shows_diagnosis", sa.Boolean(), nullable=False),
        sa.Column("issued_by_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(f"kind IN ({KINDS})", name="kind_known"),
        sa.CheckConstraint("status IN ('final', 'entered_in_error')", name="status_known"),
        sa.CheckConstraint(
            "(kind = 'sick_note') = (from_on IS NOT NULL) AND (from_on IS NULL) = (until_on IS NULL)", name="days_given"
        ),
        sa.CheckConstraint("until_on >= from_on", name="ends_after_beginning"),
        sa.CheckConstraint(
            "kind <> 'referral_letter' OR (btrim(addressee) <> '' AND btrim(body) <> '')", name="letter_written"
        ),
        sa.ForeignKeyConstraint(
            ["encounter_id"], ["encounter.id"], name="fk_issued_document_encounter_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["issued_by_id"], ["app_user.id"], name="fk_issued_document_issued_by_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_issued_document"),
        sa.UniqueConstraint("code", name="uq_issued_document_code"),
    )
    op.create_index("ix_issued_document_encounter_id", "issued_document", ["encounter_id"])
    op.execute(SIGNED)
    op.execute(
        "CREATE TRIGGER issued_after_signing BEFORE INSERT ON issued_document FOR EACH ROW "
        "EXECUTE FUNCTION hms_issued_after_signing()"
    )
    op.execute(
        "CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON issued_document FOR EACH ROW "
        "EXECUTE FUNCTION hms_audit('{created_at,updated_at}', '{}')"
    )
    op.execute("CREATE TRIGGER kept BEFORE DELETE ON issued_document FOR EACH ROW EXECUTE FUNCTION hms_permanent()")
    op.execute(
        "CREATE TRIGGER frozen BEFORE UPDATE ON issued_document FOR EACH ROW "
        "EXECUTE FUNCTION hms_frozen('{status,updated_at}')"
    )
    op.execute(
        "CREATE TRIGGER status_change BEFORE UPDATE OF status ON issued_document FOR EACH ROW "
        f"WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION hms_status_change('{json.dumps(TRANSITIONS)}')"
    )


def downgrade() -> None:
    op.drop_table("issued_document")
    op.execute("DROP FUNCTION hms_issued_after_signing()")
