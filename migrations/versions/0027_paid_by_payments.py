"""What a bill is paid follows from its payments; tills are opened by their cashier; sign-ins and device entries stay.

Approvals of one person by two accounts are refused: the trail knows who opened an account or made a link for it.
"""

from alembic import op

revision = "0027"
down_revision = "0026"

# Checked at the end of the transaction: a payment and the bill it pays are written one after the other.
PAID = """
CREATE FUNCTION hms_paid_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    which bigint;
    kept record;
    held record;
BEGIN
    IF TG_TABLE_NAME = 'bill' THEN which := NEW.id; ELSE which := NEW.bill_id; END IF;
    SELECT b.status, b.total, b.paid, b.payer_paid, b.written_off INTO kept FROM bill b WHERE b.id = which;
    SELECT coalesce(sum(m.amount), 0) AS paid, coalesce(sum(m.amount) FILTER (WHERE m.payer <> 'self'), 0) AS payer_paid
      INTO held FROM (SELECT p.payer, CASE p.kind WHEN 'refund' THEN -p.amount ELSE p.amount END AS amount
                        FROM payment p WHERE p.bill_id = which) m;
    IF kept.paid <> held.paid OR kept.payer_paid <> held.payer_paid OR kept.status <> (CASE
        WHEN kept.status IN ('draft', 'void') AND kept.paid = 0 THEN kept.status
        WHEN kept.total - kept.written_off - kept.paid <= 0 THEN 'paid'
        WHEN kept.paid > 0 THEN 'part_paid'
        ELSE 'issued' END)
    THEN
        RAISE EXCEPTION 'bill % does not follow its payments', which USING CONSTRAINT = 'payments_add_up';
    END IF;
    RETURN NULL;
END $$
"""
PAID_CHANGED = "(OLD.status, OLD.paid, OLD.payer_paid, OLD.written_off) IS DISTINCT FROM (NEW.status, NEW.paid, NEW.payer_paid, NEW.written_off)"

# A refund may open the till of whoever asked for it: it is approved, and its money is on the way.
NEW_TILL = """
CREATE FUNCTION hms_new_till() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.cashier_id IS DISTINCT FROM hms_acting_person() AND NOT (NEW.float_amount = 0 AND EXISTS (
        SELECT FROM correction c WHERE c.kind = 'refund' AND c.status = 'approved' AND c.proposed_by_id = NEW.cashier_id
           AND c.decided_by_id = hms_acting_person() AND NOT EXISTS (SELECT FROM payment p WHERE p.correction_id = c.id)))
    THEN
        RAISE EXCEPTION 'a till in the name of another' USING CONSTRAINT = 'not_acting';
    ELSIF NEW.closed_at IS NOT NULL OR NEW.number IS NOT NULL OR NEW.counted IS NOT NULL OR NEW.expected IS NOT NULL THEN
        RAISE EXCEPTION 'a till that begins counted or closed' USING CONSTRAINT = 'till_begins_open';
    END IF;
    RETURN NEW;
END $$
"""
TILL_EXPECTS = """
CREATE FUNCTION hms_till_expects() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.cashier_id, NEW.opened_at, NEW.float_amount) IS DISTINCT FROM (OLD.cashier_id, OLD.opened_at, OLD.float_amount)
    THEN
        RAISE EXCEPTION 'the beginning of till % is final', OLD.id USING CONSTRAINT = 'permanent';
    ELSIF OLD.cashier_id IS DISTINCT FROM hms_acting_person() THEN
        RAISE EXCEPTION 'the till of another' USING CONSTRAINT = 'not_acting';
    ELSIF NEW.counted IS NULL OR EXISTS (
        SELECT FROM (SELECT jsonb_object_keys(hms_object(NEW.expected)) UNION SELECT 'Cash'
                     UNION SELECT q.method FROM payment q WHERE q.shift_id = NEW.id) AS n (method)
          LEFT JOIN (SELECT p.method, sum(CASE p.kind WHEN 'refund' THEN -p.amount ELSE p.amount END) AS amount
                       FROM payment p WHERE p.shift_id = NEW.id GROUP BY p.method) t ON t.method = n.method
         WHERE hms_amount(coalesce(NEW.expected->>n.method, '0')) IS DISTINCT FROM
               coalesce(t.amount, 0) + CASE n.method WHEN 'Cash' THEN NEW.float_amount ELSE 0 END)
    THEN
        RAISE EXCEPTION 'till % does not expect its float and its payments', OLD.id USING CONSTRAINT = 'till_adds_up';
    END IF;
    RETURN NEW;
END $$
"""
TILL_CHANGED = (
    "(OLD.cashier_id, OLD.opened_at, OLD.float_amount, OLD.closed_at, OLD.number, OLD.counted, OLD.expected, OLD.difference_reason)"
    " IS DISTINCT FROM "
    "(NEW.cashier_id, NEW.opened_at, NEW.float_amount, NEW.closed_at, NEW.number, NEW.counted, NEW.expected, NEW.difference_reason)"
)

# Whoever made an account or a link for it may have chosen its password. After 30 days its holder has worked with it, and
# has missed it if it is another's; a shorter time is waited out, a longer one leaves small hospitals nobody to ask.
OPENED_LATELY = """
CREATE FUNCTION hms_opened_lately(maker bigint, account bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM audit_entry a WHERE a.entity = 'app_user' AND a.entity_id = account AND a.actor_id = maker
                      AND a.recorded_at > now() - interval '30 days'
                      AND ((a.old IS NULL AND a.new ? 'username') OR a.new->'is_active' = 'true'))
        OR EXISTS (SELECT FROM audit_entry a JOIN one_time_link l ON l.id = a.entity_id
                    WHERE a.entity = 'one_time_link' AND a.actor_id = maker AND l.user_id = account AND a.old IS NULL
                      AND a.recorded_at > now() - interval '30 days')
$$
"""
TWO_PEOPLE = """
CREATE FUNCTION hms_two_people() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    acting bigint := hms_acting_person();
    other bigint := NEW.proposed_by_id;
BEGIN
    IF hms_opened_lately(other, acting) OR hms_opened_lately(acting, other) THEN
        RAISE EXCEPTION '% and % may be one person', acting, other USING CONSTRAINT = 'opened_lately';
    END IF;
    RETURN NEW;
END $$
"""
FUNCTIONS = {
    "hms_paid_adds_up()": PAID,
    "hms_new_till()": NEW_TILL,
    "hms_till_expects()": TILL_EXPECTS,
    "hms_opened_lately(bigint, bigint)": OPENED_LATELY,
    "hms_two_people()": TWO_PEOPLE,
}
ADDS_UP = "CREATE CONSTRAINT TRIGGER paid_adds_up AFTER {event} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION hms_paid_adds_up()"
TRIGGERS = {
    ("bill", "final"): ("UPDATE", "OLD.status = 'void'", "hms_frozen('{updated_at,version}')"),
    ("cash_shift", "new_till"): ("INSERT", "true", "hms_new_till()"),
    ("cash_shift", "till_expects"): ("UPDATE", TILL_CHANGED, "hms_till_expects()"),
    ("correction", "two_people"): (
        "UPDATE OF status, decided_by_id",
        "NEW.status = 'approved'",
        "hms_two_people()",
    ),
    ("login_activity", "permanent"): ("UPDATE OR DELETE", "true", "hms_permanent()"),
    ("offline_entry", "kept"): ("DELETE", "true", "hms_permanent()"),
    ("one_time_link", "same_person"): (
        "UPDATE",
        "(OLD.user_id, OLD.made_by_id) IS DISTINCT FROM (NEW.user_id, NEW.made_by_id)",
        "hms_permanent()",
    ),
}


def upgrade() -> None:
    for function in FUNCTIONS.values():
        op.execute(function)
    op.execute(ADDS_UP.format(event="UPDATE ON bill", when=PAID_CHANGED))
    op.execute(ADDS_UP.format(event="INSERT ON payment", when="true"))
    for (table, name), (events, when, does) in TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {events} ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {does}"
        )


def downgrade() -> None:
    for table, name in TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for table in ("payment", "bill"):
        op.execute(f"DROP TRIGGER paid_adds_up ON {table}")
    for function in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {function}")
