"""Entries of the trail are signed as they are written; what the browser of the trail asks finds an index."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

SIGNATURE = r"""
CREATE FUNCTION hms_signature(e audit_entry, ticket_key text) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ticket_key || encode(sha256(convert_to(
        array_to_string(ARRAY[
            e.id::text, extract(epoch FROM e.recorded_at)::text, e.action, e.outcome, e.actor_id::text, e.actor_name,
            e.actor_role, e.ip::text, e.session_id::text, e.request_id, e.entity, e.entity_id::text, e.patient_id::text,
            e.purpose, e.old::text, e.new::text], E'\x1f', E'\x1e'), 'UTF8')), 'hex'), 'UTF8'))
$$
"""

SIGN = """
CREATE FUNCTION hms_sign() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    given text := current_setting('hms.ticket', true);
BEGIN
    IF given <> '' THEN
        NEW.ticket := split_part(given, ':', 1);
        NEW.signature := hms_signature(NEW, split_part(given, ':', 2));
    END IF;
    RETURN NEW;
END $$
"""

# Entries that wait for their seal at this moment were written by the programs of the version before.
SIGN_WAITING = """
UPDATE audit_entry e SET ticket = split_part(t.given, ':', 1), signature = hms_signature(e, split_part(t.given, ':', 2))
  FROM (SELECT current_setting('hms.ticket') AS given) t
 WHERE NOT EXISTS (SELECT FROM audit_seal s WHERE s.entry_id = e.id)
"""


def upgrade() -> None:
    op.add_column("audit_entry", sa.Column("ticket", sa.Text(), nullable=True))
    op.add_column("audit_entry", sa.Column("signature", sa.LargeBinary(), nullable=True))
    op.execute(SIGNATURE)
    op.execute(SIGN)
    op.execute("ALTER TABLE audit_entry DISABLE TRIGGER permanent")
    op.execute(SIGN_WAITING)
    op.execute("ALTER TABLE audit_entry ENABLE TRIGGER permanent")
    op.execute("CREATE TRIGGER signed BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION hms_sign()")
    for name in ("time", "entity"):
        op.drop_index(f"ix_audit_entry_{name}", table_name="audit_entry")
    op.create_index("ix_audit_entry_time", "audit_entry", ["recorded_at"])
    op.create_index("ix_audit_entry_entity", "audit_entry", ["entity", "id"])
    op.create_index("ix_audit_entry_record", "audit_entry", ["entity_id", "entity", "id"])
    for name, where in (("refused", "outcome <> 'success'"), ("purpose", "purpose IS NOT NULL")):
        op.create_index(f"ix_audit_entry_{name}", "audit_entry", ["id"], postgresql_where=sa.text(where))


def downgrade() -> None:
    for name in ("refused", "purpose", "time", "entity", "record"):
        op.drop_index(f"ix_audit_entry_{name}", table_name="audit_entry")
    op.create_index("ix_audit_entry_entity", "audit_entry", ["entity", "entity_id", "id"])
    op.create_index("ix_audit_entry_time", "audit_entry", ["recorded_at"], postgresql_using="brin")
    op.execute("DROP TRIGGER signed ON audit_entry")
    op.execute("DROP FUNCTION hms_sign()")
    op.execute("DROP FUNCTION hms_signature(audit_entry, text)")
    op.drop_column("audit_entry", "signature")
    op.drop_column("audit_entry", "ticket")
