"""Records that belong together have one patient; a stored document says what is in it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"

# Amounts and objects inside JSON that somebody may have written by hand: what is none is NULL, or empty.
AMOUNT = r"""
CREATE FUNCTION hms_amount(text) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT CASE WHEN $1 ~ '^-?[0-9]{1,12}(\.[0-9]{1,9})?$' THEN $1::numeric END
$$
"""
OBJECT = """
CREATE FUNCTION hms_object(jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof($1) WHEN 'object' THEN $1 ELSE '{}' END
$$
"""
PAPER_NUMBERS = """
CREATE VIEW paper_number AS
SELECT w.kind || ':' || split_part(w.number, '-', 2) AS series, w.number,
       CASE WHEN w.number ~ ('^' || w.letter || '-[0-9]{4}-[0-9]{6,9}$') THEN split_part(w.number, '-', 3)::bigint END AS n
  FROM (SELECT 'bill' AS kind, 'B' AS letter, number FROM bill WHERE number IS NOT NULL
        UNION ALL SELECT kind, CASE kind WHEN 'refund' THEN 'C' ELSE 'R' END, number FROM payment
        UNION ALL SELECT 'closing', 'Z', number FROM cash_shift WHERE number IS NOT NULL
        UNION ALL SELECT 'goods', 'G', number FROM goods_receipt) w
"""


def upgrade() -> None:
    for made in (AMOUNT, OBJECT, PAPER_NUMBERS):
        op.execute(made)
    op.add_column("printed_document", sa.Column("facts", postgresql.JSONB(), nullable=True))
    op.add_column("printed_document", sa.Column("digest", sa.Text(), nullable=True))


def downgrade() -> None:
    op.execute("DROP VIEW paper_number")
    op.execute("DROP FUNCTION hms_object(jsonb)")
    op.execute("DROP FUNCTION hms_amount(text)")
    op.drop_column("printed_document", "digest")
    op.drop_column("printed_document", "facts")
