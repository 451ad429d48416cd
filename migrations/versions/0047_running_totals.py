"""Running totals instead of totals of days, months and years: a period is the difference of two of them, however long it is.

The scheduler makes them from the records, as after a change of the time zone; until then figures are counted from the records.
"""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"

# What of a period is read from where: running totals that are added (sign 1) or taken away (-1), and the records of days that
# are not settled. The day before an edge has the total of its month, and the month of the edge that of all days before it. A
# noted day is taken away and read from its records. STABLE functions see what their statement sees.
TOTAL_PARTS = """
CREATE FUNCTION hms_total_parts(sources text[], firsts date[], untils date[], hospital text)
RETURNS TABLE (n integer, source text, level text, lo date, hi date, sign integer) LANGUAGE plpgsql STABLE ROWS 20 AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH period AS (
        SELECT s.source, p.n::integer AS n, coalesce(p.first, '-infinity') AS first, coalesce(p.until, 'infinity') AS until,
               least(coalesce(p.until, 'infinity'), CASE s.zone WHEN hospital THEN s.settled_until ELSE '-infinity' END) AS stop
          FROM settled_days s CROSS JOIN unnest(firsts, untils) WITH ORDINALITY p (first, until, n)
         WHERE s.source = ANY(sources)),
    noted AS (
        SELECT DISTINCT p.n, p.source, u.day FROM period p JOIN unsettled_day u ON u.source = p.source
         WHERE u.day >= p.first AND u.day < p.stop),
    edge AS (
        SELECT n, source, stop AS day, 1 AS sign FROM period WHERE first < stop
        UNION ALL SELECT n, source, first, -1 FROM period WHERE first < stop AND first > '-infinity'
        UNION ALL SELECT n, source, day + 1, -1 FROM noted
        UNION ALL SELECT n, source, day, 1 FROM noted)
    SELECT n, source, level, lo, NULL::date, sum(sign)::integer FROM (
        SELECT n, source, 'month' AS level, date_trunc('month', day::timestamp)::date AS lo, sign FROM edge
        UNION ALL SELECT n, source, 'day', day - 1, sign FROM edge WHERE extract(day FROM day) > 1) total
     GROUP BY 1, 2, 3, 4 HAVING sum(sign) <> 0
    UNION ALL SELECT n, source, 'records', day, day + 1, 1 FROM noted
    UNION ALL SELECT n, source, 'records', greatest(first, stop), until, 1 FROM period WHERE greatest(first, stop) < until;
END $$
"""
FORMER_TABLES = (("daily_total", "day"), ("monthly_total", "month"), ("yearly_total", "year"))
TABLES = (("month_to_date", "day"), ("total_before_month", "month"))
FORGET = "UPDATE settled_days SET zone = '', settled_until = CURRENT_DATE"


FORMER_MONTHS = """
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
FORMER_YEARS = """
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
FORMER_PARTS = """
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
DROP_PARTS = "DROP FUNCTION hms_total_parts(text[], date[], date[], text)"


def upgrade() -> None:
    for function in (DROP_PARTS, "DROP FUNCTION hms_whole_years(date, date)", "DROP FUNCTION hms_whole_months(date, date)"):
        op.execute(function)
    for name, _day in FORMER_TABLES:
        op.drop_table(name)
    _create(TABLES)
    op.execute(TOTAL_PARTS)
    op.execute(FORGET)


def downgrade() -> None:
    op.execute(DROP_PARTS)
    for name, _day in TABLES:
        op.drop_table(name)
    _create(FORMER_TABLES)
    for function in (FORMER_MONTHS, FORMER_YEARS, FORMER_PARTS):
        op.execute(function)
    op.execute(FORGET)


def _create(tables: tuple[tuple[str, str], ...]) -> None:
    for name, day in tables:
        op.create_table(
            name,
            sa.Column("measure", sa.Text(), nullable=False),
            sa.Column(day, sa.Date(), nullable=False),
            sa.Column("key", sa.Text(), nullable=False),
            sa.Column("number", sa.BigInteger(), nullable=False),
            sa.Column("amount", sa.Numeric(), nullable=False),
            sa.PrimaryKeyConstraint("measure", day, "key", name=op.f(f"pk_{name}")),
        )
