"""Whoever withdraws a bill or a payment is another person than who issued or took it, or has another's yes."""

from alembic import op

revision = "0014"
down_revision = "0013"

SECOND_PERSON = """
CREATE OR REPLACE FUNCTION hms_second_person() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_agreed boolean;
BEGIN
    IF TG_ARGV[0] = 'refund' THEN
        is_agreed := {refund}EXISTS (SELECT FROM correction c WHERE c.id = NEW.correction_id AND c.kind = 'refund'
            AND c.status = 'approved' AND c.payment_id = NEW.refunds_id AND c.amount = NEW.amount);
    ELSIF TG_ARGV[0] = 'void' THEN
        is_agreed := {void}EXISTS (SELECT FROM correction c WHERE c.bill_id = NEW.id AND c.kind = 'void' AND c.status = 'approved');
    ELSE
        is_agreed := NEW.written_off = (SELECT coalesce(sum(c.amount), 0) FROM correction c
            WHERE c.bill_id = NEW.id AND c.kind = 'write_off' AND c.status = 'approved');
    END IF;
    IF NOT is_agreed THEN
        RAISE EXCEPTION '% without a second person', TG_ARGV[0] USING CONSTRAINT = 'needs_approval';
    END IF;
    RETURN NEW;
END $$
"""
ANOTHER_REFUNDS = """(NEW.correction_id IS NULL AND NEW.received_by_id IS NOT NULL
            AND NEW.received_by_id IS DISTINCT FROM (SELECT p.received_by_id FROM payment p WHERE p.id = NEW.refunds_id))
            OR """
ANOTHER_VOIDS = """(NEW.voided_by_id IS NOT NULL AND NEW.voided_by_id IS DISTINCT FROM OLD.issued_by_id)
            OR """


def upgrade() -> None:
    op.execute(SECOND_PERSON.format(refund=ANOTHER_REFUNDS, void=ANOTHER_VOIDS))


def downgrade() -> None:
    op.execute(SECOND_PERSON.format(refund="", void=""))
