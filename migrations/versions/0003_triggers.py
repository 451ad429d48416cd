"""The rules that hold even for a hand-written statement: the trail, permanence, and the stock ledger."""

from alembic import op

revision = "0003"
down_revision = "0002"

ALWAYS_IGNORED = ("created_at", "updated_at", "version")
SECRETS = {"app_user": ("password_hash", "totp_secret", "pin_hash")}
KEPT_BY_TRIGGER = {
    "medication": ("current_stock", "search_text"),
    "batch": ("quantity",),
    "dose_sentence": ("use_count",),
    "price_item": ("search_text",),
    "patient": ("search_names", "search_digits", "sort_name"),
    "app_user": ("totp_step",),
}

AUDITED = (
    "absence addendum allergy app_user appointment batch bill bill_line cash_shift condition department dispense "
    "dose_sentence encounter goods_receipt immunization medication note_template notification observation patient payment "
    "prescription price_item queue_entry role role_change_request stock_movement supplier system_setting vitals_reading "
    "working_hours"
).split()

PERMANENT = ("addendum", "dispense", "goods_receipt", "payment", "stock_movement")
NEVER_DELETED = (
    "allergy app_user appointment batch bill bill_line cash_shift condition encounter medication patient prescription "
    "queue_entry vitals_reading"
).split()

_BOOKKEEPING = "updated_at,version"
FROZEN = {
    "encounter": ("OLD.status <> 'in_progress'", f"status,{_BOOKKEEPING}"),
    "bill": (
        "OLD.status <> 'draft'",
        f"status,paid,void_reason,voided_at,voided_by_id,collects,{_BOOKKEEPING}",
    ),
    "prescription": ("OLD.signed_at IS NOT NULL", f"status,status_reason,quantity_dispensed,{_BOOKKEEPING}"),
    "cash_shift": ("OLD.closed_at IS NOT NULL", _BOOKKEEPING),
}

LEDGER = """
CREATE FUNCTION hms_move_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE batch SET quantity = quantity + NEW.quantity WHERE id = NEW.batch_id AND medication_id = NEW.medication_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'batch % is not of medication %', NEW.batch_id, NEW.medication_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    UPDATE medication SET current_stock = current_stock + NEW.quantity WHERE id = NEW.medication_id;
    RETURN NEW;
END $$
"""

LINES_OF_DRAFTS = """
CREATE FUNCTION hms_bill_line_of_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT status FROM bill WHERE id = NEW.bill_id) <> 'draft' THEN
        RAISE EXCEPTION 'bill % is issued: its lines are final', NEW.bill_id USING CONSTRAINT = 'permanent';
    END IF;
    RETURN NEW;
END $$
"""


def _array(names) -> str:
    return "{" + ",".join(names) + "}"


def upgrade() -> None:
    for table in AUDITED:
        ignored = _array((*ALWAYS_IGNORED, *KEPT_BY_TRIGGER.get(table, ())))
        secret = _array(SECRETS.get(table, ()))
        op.execute(
            f"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON \"{table}\" FOR EACH ROW "
            f"EXECUTE FUNCTION hms_audit('{ignored}', '{secret}')"
        )
    for table in PERMANENT:
        op.execute(f"CREATE TRIGGER permanent BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION hms_permanent()")
    for table in NEVER_DELETED:
        op.execute(f"CREATE TRIGGER kept BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION hms_permanent()")
    for table, (when, free) in FROZEN.items():
        op.execute(
            f"CREATE TRIGGER frozen BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({when}) "
            f"EXECUTE FUNCTION hms_frozen('{{{free}}}')"
        )
    for table in ("audit_entry", "audit_seal"):
        op.execute(f"CREATE TRIGGER permanent BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION hms_permanent()")
        op.execute(f"CREATE TRIGGER kept_whole BEFORE TRUNCATE ON {table} EXECUTE FUNCTION hms_permanent()")
    op.execute(LEDGER)
    op.execute("CREATE TRIGGER ledger BEFORE INSERT ON stock_movement FOR EACH ROW EXECUTE FUNCTION hms_move_stock()")
    op.execute(LINES_OF_DRAFTS)
    op.execute(
        "CREATE TRIGGER lines_of_drafts BEFORE INSERT OR UPDATE ON bill_line FOR EACH ROW "
        "EXECUTE FUNCTION hms_bill_line_of_draft()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER lines_of_drafts ON bill_line")
    op.execute("DROP FUNCTION hms_bill_line_of_draft()")
    op.execute("DROP TRIGGER ledger ON stock_movement")
    op.execute("DROP FUNCTION hms_move_stock()")
    for table in ("audit_entry", "audit_seal"):
        op.execute(f"DROP TRIGGER permanent ON {table}")
        op.execute(f"DROP TRIGGER kept_whole ON {table}")
    for table in FROZEN:
        op.execute(f"DROP TRIGGER frozen ON {table}")
    for table in NEVER_DELETED:
        op.execute(f"DROP TRIGGER kept ON {table}")
    for table in PERMANENT:
        op.execute(f"DROP TRIGGER permanent ON {table}")
    for table in AUDITED:
        op.execute(f'DROP TRIGGER audit ON "{table}"')
