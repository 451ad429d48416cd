"""Two persons are two who act: approvals compare with the person of the transaction. A closed till takes no payment."""

from alembic import op

revision = "0021"
down_revision = "0019"

ACTING = """
CREATE FUNCTION hms_acting_person() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (nullif(current_setting('hms.doing', true), '')::jsonb->>'actor')::bigint
$$
"""

# The columns named by the trigger's arguments hold who acts now, or stay as they are.
NAMES_ACTING = """
CREATE FUNCTION hms_names_acting_person() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    present jsonb := to_jsonb(NEW);
    before jsonb := CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(OLD) ELSE '{}' END;
    named text;
BEGIN
    FOREACH named IN ARRAY TG_ARGV LOOP
        IF present->>named IS NOT NULL AND present->named IS DISTINCT FROM before->named
           AND (present->>named)::bigint IS DISTINCT FROM hms_acting_person() THEN
            RAISE EXCEPTION '% of % names another than who acts', named, TG_TABLE_NAME USING CONSTRAINT = 'not_acting';
        END IF;
    END LOOP;
    RETURN NEW;
END $$
"""
NAMED = {
    "bill": ("INSERT OR UPDATE OF issued_by_id, voided_by_id", "issued_by_id", "voided_by_id"),
    "break_glass": ("INSERT OR UPDATE OF user_id, reviewed_by_id", "user_id", "reviewed_by_id"),
    "one_time_link": ("INSERT OR UPDATE OF made_by_id", "made_by_id"),
    "role_change_request": (
        "INSERT OR UPDATE OF first_approver_id, reviewed_by_id",
        "first_approver_id",
        "reviewed_by_id",
    ),
}

CORRECTION = """
CREATE FUNCTION hms_correction_of_two() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    acting bigint := hms_acting_person();
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.proposed_by_id IS DISTINCT FROM acting THEN
            RAISE EXCEPTION 'a request in the name of another' USING CONSTRAINT = 'not_acting';
        ELSIF NEW.status <> 'waiting' THEN
            RAISE EXCEPTION 'a request that is decided already' USING CONSTRAINT = 'needs_approval';
        ELSIF NEW.payment_id IS NOT NULL AND NOT EXISTS
              (SELECT FROM payment p WHERE p.id = NEW.payment_id AND p.bill_id = NEW.bill_id) THEN
            RAISE EXCEPTION 'payment % is not of bill %', NEW.payment_id, NEW.bill_id USING CONSTRAINT = 'same_bill';
        END IF;
    ELSIF acting IS NULL OR NEW.decided_by_id IS DISTINCT FROM acting THEN
        RAISE EXCEPTION 'a decision in the name of another' USING CONSTRAINT = 'not_acting';
    ELSIF (NEW.status = 'withdrawn') <> (acting = OLD.proposed_by_id) THEN
        RAISE EXCEPTION 'a decision about one''s own request' USING CONSTRAINT = 'needs_approval';
    END IF;
    RETURN NEW;
END $$
"""

# What was agreed to is done in the transaction of the person who agreed. Draft bills have no money on them; a bill
# is issued with the total of its lines, and with a discount above the limit only if it was agreed to.
SECOND_PERSON = """
CREATE OR REPLACE FUNCTION hms_second_person() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    acting bigint := hms_acting_person();
    subtotal numeric;
    discount_limit numeric;
    is_agreed boolean;
BEGIN
    IF TG_ARGV[0] = 'refund' THEN
        is_agreed := EXISTS (SELECT FROM correction c JOIN payment p ON p.id = c.payment_id
            WHERE c.id = NEW.correction_id AND c.kind = 'refund' AND c.status = 'approved' AND c.decided_by_id = acting
              AND c.proposed_by_id = NEW.received_by_id AND c.payment_id = NEW.refunds_id AND c.amount = NEW.amount
              AND c.method = NEW.method AND p.kind = 'payment' AND p.bill_id = NEW.bill_id
              AND p.amount >= NEW.amount + (SELECT coalesce(sum(r.amount), 0) FROM payment r WHERE r.refunds_id = p.id));
    ELSIF TG_ARGV[0] = 'void' THEN
        is_agreed := EXISTS (SELECT FROM correction c WHERE c.bill_id = NEW.id AND c.kind = 'void'
            AND c.status = 'approved' AND c.decided_by_id = acting);
    ELSIF TG_ARGV[0] = 'write_off' THEN
        is_agreed := NEW.written_off = (SELECT coalesce(sum(c.amount), 0) FROM correction c
            WHERE c.bill_id = NEW.id AND c.kind = 'write_off' AND c.status = 'approved')
            AND EXISTS (SELECT FROM correction c WHERE c.bill_id = NEW.id AND c.kind = 'write_off'
            AND c.status = 'approved' AND c.decided_by_id = acting);
    ELSIF TG_ARGV[0] = 'payer' THEN
        is_agreed := NEW.payer = OLD.payer AND NEW.payer_share < OLD.payer_share;
    ELSIF TG_ARGV[0] = 'draft' THEN
        is_agreed := NEW.status = 'draft' AND NEW.paid = 0 AND NEW.payer_paid = 0 AND NEW.written_off = 0;
    ELSE
        SELECT coalesce(sum(l.amount), 0) INTO subtotal FROM bill_line l
            WHERE l.bill_id = NEW.id AND l.withdrawn_at IS NULL;
        IF NEW.total + NEW.discount <> subtotal THEN
            RAISE EXCEPTION 'bill % is not the sum of its lines', NEW.id USING CONSTRAINT = 'lines_add_up';
        END IF;
        is_agreed := NEW.discount = 0;
        IF NOT is_agreed THEN
            discount_limit := coalesce((SELECT (s.value #>> '{}')::numeric FROM system_setting s
                WHERE s.key = 'billing.discount_limit_percent'), 10);
            is_agreed := NEW.discount <= subtotal * discount_limit / 100 + 0.005 OR NEW.discount <= (
                SELECT max(c.amount) FROM correction c
                WHERE c.bill_id = NEW.id AND c.kind = 'discount' AND c.status = 'approved');
        END IF;
    END IF;
    IF is_agreed IS NOT TRUE THEN
        RAISE EXCEPTION '% without a second person', TG_ARGV[0] USING CONSTRAINT = 'needs_approval';
    END IF;
    RETURN NEW;
END $$
"""
BILL_TRIGGERS = {
    "second_person_draft": ("INSERT", "true", "draft"),
    "second_person_issue": (
        "UPDATE",
        "OLD.status = 'draft' AND NEW.status NOT IN ('draft', 'void')",
        "issue",
    ),
    "second_person_payer": (
        "UPDATE",
        "OLD.status <> 'draft' AND (OLD.payer_share <> NEW.payer_share OR OLD.payer <> NEW.payer)",
        "payer",
    ),
}

# The row of the shift is locked, so that a payment and the closing of its till wait for each other.
OPEN_TILL = """
CREATE FUNCTION hms_payment_in_open_till() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.kind = 'payment' AND NEW.received_by_id IS DISTINCT FROM hms_acting_person() THEN
        RAISE EXCEPTION 'a payment in the name of another' USING CONSTRAINT = 'not_acting';
    ELSIF NEW.shift_id IS NULL AND NEW.received_by_id IS NULL THEN
        RETURN NEW;
    END IF;
    PERFORM FROM cash_shift s WHERE s.id = NEW.shift_id AND s.cashier_id = NEW.received_by_id
        AND s.closed_at IS NULL AND s.counted IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'shift % takes no payment of person %', NEW.shift_id, NEW.received_by_id
            USING CONSTRAINT = 'till_closed';
    END IF;
    RETURN NEW;
END $$
"""
OWN_TILL = """
CREATE FUNCTION hms_own_till() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.cashier_id IS DISTINCT FROM hms_acting_person() THEN
        RAISE EXCEPTION 'the till of another' USING CONSTRAINT = 'not_acting';
    ELSIF NEW.counted IS NULL OR NEW.cashier_id <> OLD.cashier_id THEN
        RAISE EXCEPTION 'a count is not taken back' USING CONSTRAINT = 'permanent';
    END IF;
    RETURN NEW;
END $$
"""

# The hospital itself (a command at the server) acts for nobody and needs no second one: `create-admin` makes the first.
TAKES_TWO = """
CREATE FUNCTION hms_takes_two(other bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT hms_acting_person() IS NOT NULL
       AND coalesce((SELECT s.value <> 'false'::jsonb FROM system_setting s WHERE s.key = 'staff.two_person_admin_grant'), true)
       AND EXISTS (SELECT FROM app_user u JOIN role r ON r.id = u.role_id
                    WHERE u.is_active AND r.grants @> '{staff.manage,staff.manage_roles}'
                      AND u.id <> hms_acting_person() AND u.id IS DISTINCT FROM other)
$$
"""
ADMINISTRATORS = """
CREATE FUNCTION hms_administrator_by_two() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    powers text[] := '{staff.manage,staff.manage_roles,staff.review_role_requests}';
    other bigint;
    is_agreed boolean;
BEGIN
    IF TG_TABLE_NAME = 'app_user' THEN
        IF NOT EXISTS (SELECT FROM role r WHERE r.id = NEW.role_id AND r.grants && powers) THEN
            RETURN NEW;
        END IF;
        other := NEW.id;
        is_agreed := NEW.id <> hms_acting_person() AND EXISTS (SELECT FROM role_change_request q
            WHERE q.user_id = NEW.id AND q.requested_role_id = NEW.role_id AND q.status = 'pending'
              AND q.first_approver_id <> hms_acting_person());
    ELSE
        is_agreed := ARRAY(SELECT unnest(NEW.grants) INTERSECT SELECT unnest(powers)) <@ OLD.grants
            OR NOT EXISTS (SELECT FROM app_user u WHERE u.role_id = NEW.id);
    END IF;
    IF is_agreed IS NOT TRUE AND hms_takes_two(other) THEN
        RAISE EXCEPTION 'the role % by one person', NEW.id USING CONSTRAINT = 'needs_approval';
    END IF;
    RETURN NEW;
END $$
"""
BEFORE = """
CREATE OR REPLACE FUNCTION hms_second_person() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_agreed boolean;
BEGIN
    IF TG_ARGV[0] = 'refund' THEN
        is_agreed := (NEW.correction_id IS NULL AND NEW.received_by_id IS NOT NULL
            AND NEW.received_by_id IS DISTINCT FROM (SELECT p.received_by_id FROM payment p WHERE p.id = NEW.refunds_id))
            OR EXISTS (SELECT FROM correction c WHERE c.id = NEW.correction_id AND c.kind = 'refund'
            AND c.status = 'approved' AND c.payment_id = NEW.refunds_id AND c.amount = NEW.amount);
    ELSIF TG_ARGV[0] = 'void' THEN
        is_agreed := (NEW.voided_by_id IS NOT NULL AND NEW.voided_by_id IS DISTINCT FROM OLD.issued_by_id)
            OR EXISTS (SELECT FROM correction c WHERE c.bill_id = NEW.id AND c.kind = 'void' AND c.status = 'approved');
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


def upgrade() -> None:
    for function in (
        ACTING,
        NAMES_ACTING,
        CORRECTION,
        SECOND_PERSON,
        OPEN_TILL,
        OWN_TILL,
        TAKES_TWO,
        ADMINISTRATORS,
    ):
        op.execute(function)
    for table, (events, *columns) in NAMED.items():
        named = " OR ".join(f"NEW.{column} IS NOT NULL" for column in columns)
        _before(table, "acting_person", events, f"hms_names_acting_person({', '.join(map(repr, columns))})", named)
    for name, (event, when, what) in BILL_TRIGGERS.items():
        _before("bill", name, event, f"hms_second_person('{what}')", when)
    _before("correction", "two_persons", "INSERT OR UPDATE OF status, decided_by_id", "hms_correction_of_two()")
    _before("payment", "open_till", "INSERT", "hms_payment_in_open_till()")
    counted = "OLD.counted IS DISTINCT FROM NEW.counted OR OLD.closed_at IS DISTINCT FROM NEW.closed_at"
    _before("cash_shift", "own_till", "UPDATE", "hms_own_till()", f"{counted} OR OLD.cashier_id <> NEW.cashier_id")
    _before("app_user", "two_administrators", "INSERT", "hms_administrator_by_two()", "NEW.role_id IS NOT NULL")
    moved = "NEW.role_id IS NOT NULL AND OLD.role_id IS DISTINCT FROM NEW.role_id"
    _before("app_user", "two_administrators_again", "UPDATE OF role_id", "hms_administrator_by_two()", moved)
    _before("role", "two_administrators", "UPDATE OF grants", "hms_administrator_by_two()")


def _before(table: str, name: str, events: str, does: str, when: str = "true") -> None:
    op.execute(f"CREATE TRIGGER {name} BEFORE {events} ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {does}")


def downgrade() -> None:
    for table, names in {
        "role": ("two_administrators",),
        "app_user": ("two_administrators_again", "two_administrators"),
        "cash_shift": ("own_till",),
        "payment": ("open_till",),
        "correction": ("two_persons",),
        "bill": BILL_TRIGGERS,
    }.items():
        for name in names:
            op.execute(f"DROP TRIGGER {name} ON {table}")
    for table in NAMED:
        op.execute(f"DROP TRIGGER acting_person ON {table}")
    op.execute(BEFORE)
    for function in (
        "hms_administrator_by_two()",
        "hms_takes_two(bigint)",
        "hms_own_till()",
        "hms_payment_in_open_till()",
        "hms_correction_of_two()",
        "hms_names_acting_person()",
        "hms_acting_person()",
    ):
        op.execute(f"DROP FUNCTION {function}")
