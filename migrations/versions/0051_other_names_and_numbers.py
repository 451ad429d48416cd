"""Other names of a patient (of before or after marriage) and numbers of other papers, both searched."""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0049"

NAMES_BEFORE = "hms_fold_name(' ' || given_names || ' ' || family_name || ' ' || preferred_name || ' ')"
NAMES = "hms_fold_name(' ' || given_names || ' ' || family_name || ' ' || preferred_name || ' ' || other_names || ' ')"
NATIONAL_ID = "regexp_replace(upper(national_id), '[^A-Z0-9]', '', 'g')"
IDENTIFIERS = "regexp_replace(upper(national_id || ',' || other_numbers), '[^A-Z0-9,]', '', 'g')"


def upgrade() -> None:
    for column in ("other_names", "other_numbers"):
        op.add_column("patient", sa.Column(column, sa.Text(), server_default="", nullable=False))
    _replace("national_id", "identifiers", IDENTIFIERS, "(national_id || other_numbers) <> ''")
    _set_names(NAMES, "given_names, family_name, preferred_name, other_names")


def downgrade() -> None:
    _set_names(NAMES_BEFORE, "given_names, family_name, preferred_name")
    _replace("identifiers", "national_id", NATIONAL_ID, "national_id <> ''")
    for column in ("other_names", "other_numbers"):
        op.drop_column("patient", column)


def _replace(old: str, new: str, expression: str, where: str) -> None:
    op.drop_index(f"ix_patient_{old}", "patient")
    op.create_index(
        f"ix_patient_{new}",
        "patient",
        [sa.text(f"({expression}) gin_trgm_ops")],
        postgresql_using="gin",
        postgresql_where=sa.text(where),
    )


def _set_names(expression: str, columns: str) -> None:
    op.execute("DROP TRIGGER note_words ON patient")
    op.execute(f"ALTER TABLE patient ALTER COLUMN search_names SET EXPRESSION AS ({expression})")
    op.execute(
        f"CREATE TRIGGER note_words AFTER INSERT OR UPDATE OF {columns} ON patient "
        "FOR EACH ROW EXECUTE FUNCTION hms_note_words()"
    )
