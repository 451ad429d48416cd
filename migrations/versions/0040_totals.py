"""Totals of days, months and years, and the triggers that note a day whose records changed.

The triggers are for each row and have a condition: a row that changes no total (a draft, a new phone number) does not even
call them. `hms_unsettle` takes the lock of the day before it looks whether the day is settled; each statement of a function
sees what was committed before it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"

LOCK = 4248  # AdvisoryLock.TOTALS
UNSETTLE = f"""
CREATE FUNCTION hms_unsettle(source_name text, source_number integer, changed date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({LOCK}, source_number * 10000000 + (changed - DATE '2000-01-01'));
    INSERT INTO unsettled_day (source, day)
    SELECT source_name, changed FROM settled_days s
     WHERE s.source = source_name AND changed < s.settled_until
       AND NOT EXISTS (SELECT FROM unsettled_day u WHERE u.source = source_name AND u.day = changed);
END $$
"""
UNSETTLE_INSTANT = """
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
# What of a period is read from where: whole years, months, days, and the records of days that are not settled. STABLE
# functions see what their statement sees.
WHOLE_MONTHS = """
CREATE FUNCTION hms_whole_months(first date, until date) RETURNS TABLE (level text, lo date, hi date)
LANGUAGE sql IMMUTABLE AS $$
    SELECT part.* FROM (
        SELECT (date_trunc('month', (first - 1)::timestamp) + interval '1 month')::date AS a,
               date_trunc('month', until::timestamp)::date AS b) bounds
      CROSS JOIN LATERAL (VALUES
          ('day', first, CASE WHEN a < b THEN a ELSE until END),
          ('month', a, b),
          ('day', CASE WHEN a < b THEN b ELSE until END, until)) part (level, lo, hi)
     WHERE part.lo < part.hi
$$
"""
WHOLE_YEARS = """
CREATE FUNCTION hms_whole_years(first date, until date) RETURNS TABLE (level text, lo date, hi date)
LANGUAGE sql IMMUTABLE AS $$
    SELECT part.* FROM (
        SELECT (date_trunc('year', (first - 1)::timestamp) + interval '1 year')::date AS a,
               date_trunc('year', until::timestamp)::date AS b) bounds
      CROSS JOIN LATERAL (
          SELECT 'year', a, b WHERE a < b
          UNION ALL SELECT m.* FROM hms_whole_months(first, CASE WHEN a < b THEN a ELSE until END) m
          UNION ALL SELECT m.* FROM hms_whole_months(CASE WHEN a < b THEN b ELSE until END, until) m) part (level, lo, hi)
$$
"""
TOTAL_PARTS = """
CREATE FUNCTION hms_total_parts(sources text[], firsts date[], untils date[], hospital text)
RETURNS TABLE (n integer, source text, level text, lo date, hi date) LANGUAGE plpgsql STABLE ROWS 20 AS $$
DECLARE
    state record;
    changed date;
    next_day date;
    ends date;
    stop date;
BEGIN
    FOR state IN
        SELECT s.source AS name, CASE s.zone WHEN hospital THEN s.settled_until ELSE '-infinity' END AS settled_until
          FROM settled_days s WHERE s.source = ANY(sources)
    LOOP
        FOR period IN 1 .. cardinality(firsts) LOOP
            next_day := coalesce(firsts[period], '-infinity');
            ends := coalesce(untils[period], 'infinity');
            stop := least(ends, state.settled_until);
            FOR changed IN
                SELECT DISTINCT u.day FROM unsettled_day u
                 WHERE u.source = state.name AND u.day >= next_day AND u.day < stop ORDER BY u.day
            LOOP
                RETURN QUERY SELECT period, state.name, m.* FROM hms_whole_years(next_day, changed) m;
                RETURN QUERY SELECT period, state.name, 'records', changed, changed + 1;
                next_day := changed + 1;
            END LOOP;
            RETURN QUERY SELECT period, state.name, m.* FROM hms_whole_years(next_day, stop) m;
            IF stop < ends THEN
                RETURN QUERY SELECT period, state.name, 'records', greatest(next_day, stop), ends;
            END IF;
        END LOOP;
    END LOOP;
END $$
"""
OWING = (
    "{row}.status IN ('draft', 'issued', 'part_paid')"
    " AND {row}.total - {row}.payer_share - ({row}.paid - {row}.payer_paid) - {row}.written_off > 0"
)
PRESCRIBED = "{row}.status NOT IN ('draft', 'entered_in_error')"
# For each table: its number; the day of a row; whether the row is in a total; the columns that its totals are made of.
SOURCES = {
    "patient": (1, "{row}.created_at", "true", ("status", "created_at")),
    "queue_entry": (
        2,
        "{row}.service_date",
        "true",
        ("service_date", "doctor_id", "status", "arrived_at", "called_at"),
    ),
    "appointment": (
        3,
        "{row}.date",
        "{row}.status NOT IN ('rescheduled', 'cancelled') AND {row}.withdrawn_at IS NULL",
        ("date", "doctor_id"),
    ),
    "encounter": (4, "{row}.signed_at", "{row}.signed_at IS NOT NULL AND {row}.status = 'signed'", ("signed_at",)),
    "prescription": (
        5,
        "coalesce({row}.signed_at, {row}.created_at)",
        PRESCRIBED,
        ("signed_at", "created_at", "medication_name", "status", "external_id"),
    ),
    "bill": (
        6,
        "coalesce({row}.issued_at, {row}.created_at)",
        f"({{row}}.issued_at IS NOT NULL OR ({OWING}))",
        ("issued_at", "created_at", "status", "total", "paid", "written_off", "payer", "payer_share", "payer_paid"),
    ),
    "payment": (7, "{row}.received_at", "true", ("received_at", "received_by_id", "kind", "method", "amount")),
    "condition": (
        4,
        "(SELECT signed_at FROM encounter WHERE id = {row}.encounter_id AND status = 'signed')",
        "{row}.encounter_id IS NOT NULL AND {row}.status = 'final' AND NOT {row}.is_absence",
        ("encounter_id", "code", "title"),
    ),
}
SOURCE_OF = {"condition": "encounter"}
DAY_TYPES = {"queue_entry": "date", "appointment": "date"}
# A draft bill is counted as long as it is owing, whatever its amount.
DRAFT_ALIKE = (
    "(OLD.issued_at IS NULL AND NEW.issued_at IS NULL AND OLD.status = NEW.status AND OLD.created_at = NEW.created_at"
    f" AND ({OWING.format(row='OLD')}) = ({OWING.format(row='NEW')}))"
)
INDEXES = (
    ("ix_prescription_day", "prescription", "coalesce(signed_at, created_at)", None),
    ("ix_prescription_on_hold", "prescription", "prescriber_id", "status = 'on_hold'"),
    ("ix_encounter_open", "encounter", "doctor_id", "status = 'in_progress'"),
    ("ix_lab_order_done_at", "lab_order", "done_at", None),
)


def _function(table: str, number: int, day: str) -> str:
    source = SOURCE_OF.get(table, table)
    old, new = day.format(row="OLD"), day.format(row="NEW")
    return f"""
CREATE FUNCTION hms_unsettle_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    former {DAY_TYPES.get(table, "timestamptz")};
    present {DAY_TYPES.get(table, "timestamptz")};
BEGIN
    IF TG_OP <> 'INSERT' THEN former := {old}; END IF;
    IF TG_OP <> 'DELETE' THEN present := {new}; END IF;
    IF present IS NOT NULL THEN PERFORM hms_unsettle('{source}', {number}, present); END IF;
    IF former IS NOT NULL AND former IS DISTINCT FROM present THEN
        PERFORM hms_unsettle('{source}', {number}, former);
    END IF;
    RETURN NULL;
END $$
"""


def _conditions(table: str, counts: str, columns: tuple[str, ...]) -> dict[str, str]:
    """When an inserted, deleted or updated row changes a total."""
    old, new = counts.format(row="OLD"), counts.format(row="NEW")
    values = [", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW")]
    changed = f"({old}) <> ({new}) OR (({new}) AND ({values[0]}) IS DISTINCT FROM ({values[1]}))"
    if table == "bill":
        changed = f"({changed}) AND NOT {DRAFT_ALIKE}"
    return {"INSERT": new, "DELETE": old, "UPDATE": changed}


def upgrade() -> None:
    _tables()
    for name, table, column, where in INDEXES:
        op.create_index(name, table, [sa.text(column)], postgresql_where=None if where is None else sa.text(where))
    op.execute(UNSETTLE)
    op.execute(UNSETTLE_INSTANT)
    op.execute(WHOLE_MONTHS)
    op.execute(WHOLE_YEARS)
    op.execute(TOTAL_PARTS)
    for table, (number, day, counts, columns) in SOURCES.items():
        op.execute(_function(table, number, day))
        for event, condition in _conditions(table, counts, columns).items():
            op.execute(
                f"CREATE TRIGGER unsettle_{event.lower()} AFTER {event} ON {table} FOR EACH ROW WHEN ({condition})"
                f" EXECUTE FUNCTION hms_unsettle_{table}()"
            )
        if table not in SOURCE_OF:
            op.execute(f"INSERT INTO settled_days (source, settled_until) VALUES ('{table}', CURRENT_DATE)")


def _tables() -> None:
    for name, day in (("daily_total", "day"), ("monthly_total", "month"), ("yearly_total", "year")):
        op.create_table(
            name,
            sa.Column("measure", sa.Text(), nullable=False),
            sa.Column(day, sa.Date(), nullable=False),
            sa.Column("key", sa.Text(), nullable=False),
            sa.Column("number", sa.BigInteger(), nullable=False),
            sa.Column("amount", sa.Numeric(), nullable=False),
            sa.PrimaryKeyConstraint("measure", day, "key", name=op.f(f"pk_{name}")),
        )
    op.create_table(
        "settled_days",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), server_default="", nullable=False),
        sa.Column("settled_until", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_settled_days")),
    )
    op.create_table(
        "unsettled_day",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unsettled_day")),
    )
    op.create_index("ix_unsettled_day_source", "unsettled_day", ["source", "day"])


def downgrade() -> None:
    for table in SOURCES:
        for event in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER unsettle_{event} ON {table}")
        op.execute(f"DROP FUNCTION hms_unsettle_{table}()")
    op.execute("DROP FUNCTION hms_total_parts(text[], date[], date[], text)")
    op.execute("DROP FUNCTION hms_whole_years(date, date)")
    op.execute("DROP FUNCTION hms_whole_months(date, date)")
    op.execute("DROP FUNCTION hms_unsettle(text, integer, timestamptz)")
    op.execute("DROP FUNCTION hms_unsettle(text, integer, date)")
    for name, table, *_rest in reversed(INDEXES):
        op.drop_index(name, table)
    for name in ("unsettled_day", "settled_days", "yearly_total", "monthly_total", "daily_total"):
        op.drop_table(name)
