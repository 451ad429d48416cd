"""Triggers do less for each row. What they refuse and what the trail holds stays the same.

* The trail: a row of which only a version or a kept sum changed is not taken apart into old and new values. The signature is
  made in the trigger itself, over the same text as before, so that older entries still verify.
* Records of one patient: a statement for each table, whose plan is kept, instead of a text that is planned for each row.
* A new draft is compared by the trigger's condition; the function is called for what it refuses.
* The days of changed totals: two instants of one day note it once.
"""

from alembic import op

revision = "0058"
down_revision = "0052"

AUDIT = """
CREATE OR REPLACE FUNCTION hms_audit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    given text := current_setting('hms.doing', true);
    ignored text[] := TG_ARGV[0];
    masked text;
    doing jsonb;
    present jsonb;
    former jsonb;
    before jsonb;
    after jsonb;
BEGIN
    IF coalesce(given, '') = '' THEN
        RAISE EXCEPTION '% on % outside of any action', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'INSERT' THEN
        present := to_jsonb(NEW);
        after := jsonb_strip_nulls(present) - ignored;
    ELSIF TG_OP = 'DELETE' THEN
        present := to_jsonb(OLD);
        before := jsonb_strip_nulls(present) - ignored;
    ELSE
        present := to_jsonb(NEW);
        former := to_jsonb(OLD);
        IF present - ignored = former - ignored THEN
            RETURN NULL;
        END IF;
        SELECT jsonb_object_agg(n.key, n.value), jsonb_object_agg(n.key, former->n.key)
          INTO after, before
          FROM jsonb_each(present - ignored) n
         WHERE n.value IS DISTINCT FROM former->n.key;
    END IF;
    IF TG_ARGV[1] <> '{}' THEN
        FOREACH masked IN ARRAY TG_ARGV[1]::text[] LOOP
            IF after ? masked THEN after := jsonb_set(after, ARRAY[masked], '"***"'); END IF;
            IF before ? masked THEN before := jsonb_set(before, ARRAY[masked], '"***"'); END IF;
        END LOOP;
    END IF;
    doing := given;
    INSERT INTO audit_entry (action, actor_id, actor_name, actor_role, ip, session_id, request_id, purpose,
                             entity, entity_id, patient_id, old, new)
    VALUES (doing->>'action', (doing->>'actor')::bigint, doing->>'name', doing->>'role', (doing->>'ip')::inet,
            (doing->>'session')::bigint, doing->>'request', doing->>'purpose', TG_TABLE_NAME, (present->>'id')::bigint,
            CASE WHEN TG_TABLE_NAME = 'patient' THEN (present->>'id')::bigint ELSE (present->>'patient_id')::bigint END,
            before, after);
    RETURN NULL;
END $$
"""
SIGN = r"""
CREATE OR REPLACE FUNCTION hms_sign() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    given text := current_setting('hms.ticket', true);
BEGIN
    IF given <> '' THEN
        NEW.ticket := split_part(given, ':', 1);
        NEW.signature := sha256(convert_to(split_part(given, ':', 2) || encode(sha256(convert_to(
            array_to_string(ARRAY[
                NEW.id::text, extract(epoch FROM NEW.recorded_at)::text, NEW.action, NEW.outcome, NEW.actor_id::text,
                NEW.actor_name, NEW.actor_role, NEW.ip::text, NEW.session_id::text, NEW.request_id, NEW.entity,
                NEW.entity_id::text, NEW.patient_id::text, NEW.purpose, NEW.old::text, NEW.new::text],
                E'\x1f', E'\x1e'), 'UTF8')), 'hex'), 'UTF8'));
    END IF;
    RETURN NEW;
END $$
"""
SAME_PATIENT = """
CREATE OR REPLACE FUNCTION hms_same_patient() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    present jsonb := to_jsonb(NEW);
    named bigint;
    owner bigint;
BEGIN
    FOR i IN 0 .. TG_NARGS - 1 BY 2 LOOP
        named := (present->>TG_ARGV[i])::bigint;
        IF named IS NOT NULL THEN
            CASE TG_ARGV[i + 1]
                WHEN 'appointment' THEN SELECT patient_id INTO owner FROM appointment WHERE id = named;
                WHEN 'queue_entry' THEN SELECT patient_id INTO owner FROM queue_entry WHERE id = named;
                WHEN 'encounter' THEN SELECT patient_id INTO owner FROM encounter WHERE id = named;
                WHEN 'prescription' THEN SELECT patient_id INTO owner FROM prescription WHERE id = named;
                WHEN 'outgoing_message' THEN SELECT patient_id INTO owner FROM outgoing_message WHERE id = named;
            END CASE;
            IF owner <> NEW.patient_id THEN
                RAISE EXCEPTION '% of % is another patient''s', TG_ARGV[i], TG_TABLE_NAME USING CONSTRAINT = 'same_patient';
            END IF;
        END IF;
    END LOOP;
    RETURN NEW;
END $$
"""
CHARGED = """
CREATE OR REPLACE FUNCTION hms_charge_of_patient() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner bigint;
BEGIN
    CASE NEW.source
        WHEN 'encounter' THEN SELECT patient_id INTO owner FROM encounter WHERE id = NEW.source_id;
        WHEN 'lab_order' THEN SELECT patient_id INTO owner FROM lab_order WHERE id = NEW.source_id;
        WHEN 'dispense' THEN SELECT patient_id INTO owner FROM dispense WHERE id = NEW.source_id;
    END CASE;
    IF owner <> (SELECT patient_id FROM bill WHERE id = NEW.bill_id) THEN
        RAISE EXCEPTION '% % is charged to another patient', NEW.source, NEW.source_id USING CONSTRAINT = 'same_patient';
    END IF;
    RETURN NEW;
END $$
"""

# For each table with instants: its number, and the instant of a row.
DAYS = {
    "patient": ("patient", 1, "{row}.created_at"),
    "encounter": ("encounter", 4, "{row}.signed_at"),
    "prescription": ("prescription", 5, "coalesce({row}.signed_at, {row}.created_at)"),
    "bill": ("bill", 6, "coalesce({row}.issued_at, {row}.created_at)"),
    "payment": ("payment", 7, "{row}.received_at"),
    "condition": (
        "encounter",
        4,
        "(SELECT signed_at FROM encounter WHERE id = {row}.encounter_id AND status = 'signed')",
    ),
}


def _unsettle(table: str) -> str:
    source, number, instant = DAYS[table]
    return f"""
CREATE OR REPLACE FUNCTION hms_unsettle_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    hospital text := (SELECT zone FROM settled_days WHERE source = '{source}');
    former date;
    present date;
BEGIN
    IF hospital <> '' THEN
        IF TG_OP <> 'INSERT' THEN former := ({instant.format(row="OLD")} AT TIME ZONE hospital)::date; END IF;
        IF TG_OP <> 'DELETE' THEN present := ({instant.format(row="NEW")} AT TIME ZONE hospital)::date; END IF;
        IF present IS NOT NULL THEN PERFORM hms_unsettle('{source}', {number}, present); END IF;
        IF former IS NOT NULL AND former IS DISTINCT FROM present THEN
            PERFORM hms_unsettle('{source}', {number}, former);
        END IF;
    END IF;
    RETURN NULL;
END $$
"""  # noqa: S608 - only names of this file


BEFORE_AUDIT = """
CREATE OR REPLACE FUNCTION hms_audit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    doing jsonb := nullif(current_setting('hms.doing', true), '')::jsonb;
    ignored text[] := TG_ARGV[0]::text[];
    secret text[] := TG_ARGV[1]::text[];
    before jsonb;
    after jsonb;
    present jsonb;
    masked text;
BEGIN
    IF doing IS NULL THEN
        RAISE EXCEPTION '% on % outside of any action', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'INSERT' THEN
        present := to_jsonb(NEW);
        after := jsonb_strip_nulls(present) - ignored;
    ELSIF TG_OP = 'DELETE' THEN
        present := to_jsonb(OLD);
        before := jsonb_strip_nulls(present) - ignored;
    ELSE
        present := to_jsonb(NEW);
        SELECT jsonb_object_agg(n.key, n.value), jsonb_object_agg(n.key, o.value)
          INTO after, before
          FROM jsonb_each(present) n JOIN jsonb_each(to_jsonb(OLD)) o USING (key)
         WHERE n.value IS DISTINCT FROM o.value AND NOT n.key = ANY (ignored);
        IF after IS NULL THEN
            RETURN NULL;
        END IF;
    END IF;
    FOREACH masked IN ARRAY secret LOOP
        IF after ? masked THEN after := jsonb_set(after, ARRAY[masked], '"***"'); END IF;
        IF before ? masked THEN before := jsonb_set(before, ARRAY[masked], '"***"'); END IF;
    END LOOP;
    INSERT INTO audit_entry (action, actor_id, actor_name, actor_role, ip, session_id, request_id, purpose,
                             entity, entity_id, patient_id, old, new)
    VALUES (doing->>'action', (doing->>'actor')::bigint, doing->>'name', doing->>'role', (doing->>'ip')::inet,
            (doing->>'session')::bigint, doing->>'request', doing->>'purpose', TG_TABLE_NAME, (present->>'id')::bigint,
            CASE WHEN TG_TABLE_NAME = 'patient' THEN (present->>'id')::bigint ELSE (present->>'patient_id')::bigint END,
            before, after);
    RETURN NULL;
END $$
"""
BEFORE_SIGNATURE = r"""
CREATE FUNCTION hms_signature(e audit_entry, ticket_key text) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ticket_key || encode(sha256(convert_to(
        array_to_string(ARRAY[
            e.id::text, extract(epoch FROM e.recorded_at)::text, e.action, e.outcome, e.actor_id::text, e.actor_name,
            e.actor_role, e.ip::text, e.session_id::text, e.request_id, e.entity, e.entity_id::text, e.patient_id::text,
            e.purpose, e.old::text, e.new::text], E'\x1f', E'\x1e'), 'UTF8')), 'hex'), 'UTF8'))
$$
"""
BEFORE_SIGN = """
CREATE OR REPLACE FUNCTION hms_sign() RETURNS trigger LANGUAGE plpgsql AS $$
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
BEFORE_SAME_PATIENT = """
CREATE OR REPLACE FUNCTION hms_same_patient() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    present jsonb := to_jsonb(NEW);
    owner bigint;
BEGIN
    FOR i IN 0 .. TG_NARGS - 1 BY 2 LOOP
        IF present->>TG_ARGV[i] IS NOT NULL THEN
            EXECUTE format('SELECT patient_id FROM %I WHERE id = $1', TG_ARGV[i + 1])
               INTO owner USING (present->>TG_ARGV[i])::bigint;
            IF owner <> NEW.patient_id THEN
                RAISE EXCEPTION '% of % is another patient''s', TG_ARGV[i], TG_TABLE_NAME USING CONSTRAINT = 'same_patient';
            END IF;
        END IF;
    END LOOP;
    RETURN NEW;
END $$
"""
BEFORE_CHARGED = """
CREATE OR REPLACE FUNCTION hms_charge_of_patient() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner bigint;
BEGIN
    EXECUTE format('SELECT patient_id FROM %I WHERE id = $1', NEW.source) INTO owner USING NEW.source_id;
    IF owner <> (SELECT patient_id FROM bill WHERE id = NEW.bill_id) THEN
        RAISE EXCEPTION '% % is charged to another patient', NEW.source, NEW.source_id USING CONSTRAINT = 'same_patient';
    END IF;
    RETURN NEW;
END $$
"""
BEFORE_INSTANT = """
CREATE FUNCTION hms_unsettle(source_name text, source_number integer, changed timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    hospital text := (SELECT zone FROM settled_days WHERE source = source_name);
BEGIN
    IF hospital <> '' THEN
        PERFORM hms_unsettle(source_name, source_number, (changed AT TIME ZONE hospital)::date);
    END IF;
END $$
"""


def _before_unsettle(table: str) -> str:
    source, number, instant = DAYS[table]
    return f"""
CREATE OR REPLACE FUNCTION hms_unsettle_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    former timestamptz;
    present timestamptz;
BEGIN
    IF TG_OP <> 'INSERT' THEN former := {instant.format(row="OLD")}; END IF;
    IF TG_OP <> 'DELETE' THEN present := {instant.format(row="NEW")}; END IF;
    IF present IS NOT NULL THEN PERFORM hms_unsettle('{source}', {number}, present); END IF;
    IF former IS NOT NULL AND former IS DISTINCT FROM present THEN
        PERFORM hms_unsettle('{source}', {number}, former);
    END IF;
    RETURN NULL;
END $$
"""


DRAFT = "NEW.status = 'draft' AND NEW.paid = 0 AND NEW.payer_paid = 0 AND NEW.written_off = 0"


def _compare_drafts(when: str) -> None:
    op.execute("DROP TRIGGER second_person_draft ON bill")
    op.execute(
        f"CREATE TRIGGER second_person_draft BEFORE INSERT ON bill FOR EACH ROW WHEN ({when}) "
        "EXECUTE FUNCTION hms_second_person('draft')"
    )


def upgrade() -> None:
    for function in (AUDIT, SIGN, SAME_PATIENT, CHARGED, *map(_unsettle, DAYS)):
        op.execute(function)
    op.execute("DROP FUNCTION hms_signature(audit_entry, text)")
    op.execute("DROP FUNCTION hms_unsettle(text, integer, timestamptz)")
    _compare_drafts(f"({DRAFT}) IS NOT TRUE")


def downgrade() -> None:
    _compare_drafts("true")
    op.execute(BEFORE_INSTANT)
    op.execute(BEFORE_SIGNATURE)
    for function in (BEFORE_AUDIT, BEFORE_SIGN, BEFORE_SAME_PATIENT, BEFORE_CHARGED, *map(_before_unsettle, DAYS)):
        op.execute(function)
