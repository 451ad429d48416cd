"""Extensions, and the functions that tables and triggers lean on."""

from alembic import op

revision = "0001"
down_revision = None

FOLD = """
CREATE FUNCTION hms_fold(text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
AS $$ SELECT lower(public.unaccent('public.unaccent'::regdictionary, $1)) $$
"""

AUDIT = """
CREATE FUNCTION hms_audit() RETURNS trigger LANGUAGE plpgsql AS $$
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

PERMANENT = """
CREATE FUNCTION hms_permanent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % refused: the row is permanent', TG_OP, TG_TABLE_NAME USING CONSTRAINT = 'permanent';
END $$
"""

FROZEN = """
CREATE FUNCTION hms_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    free text[] := TG_ARGV[0]::text[];
BEGIN
    IF to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free THEN
        RAISE EXCEPTION 'UPDATE of % refused: the row is final', TG_TABLE_NAME USING CONSTRAINT = 'permanent';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    for extension in ("pg_trgm", "btree_gist", "unaccent"):
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    for function in (FOLD, AUDIT, PERMANENT, FROZEN):
        op.execute(function)


def downgrade() -> None:
    for function in ("hms_frozen", "hms_permanent", "hms_audit", "hms_fold(text)"):
        op.execute(f"DROP FUNCTION {function}")
