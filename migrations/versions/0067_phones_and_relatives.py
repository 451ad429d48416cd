"""Further phones with their owner, and the next of kin as people; both are found by the one search line.

The trigger keeps the digits of these phones in the patient's row, so that a search reads one index.
"""

import sqlalchemy as sa
from alembic import op

revision = "0067"
down_revision = "0066"

KIN_BEFORE = "regexp_replace(next_of_kin, '[^0-9]', '', 'g')"
KIN = KIN_BEFORE + " || ' ' || contact_numbers"
IGNORED = "created_at,updated_at,version,search_names,search_digits,sort_name"
TABLES = ("other_phone", "relative")
NUMBERS = """
CREATE FUNCTION hms_contact_numbers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    former bigint := CASE WHEN TG_OP <> 'INSERT' THEN OLD.patient_id END;
    present bigint := CASE WHEN TG_OP <> 'DELETE' THEN NEW.patient_id END;
    numbers text;
    person bigint;
BEGIN
    FOREACH person IN ARRAY ARRAY[least(former, present), greatest(former, present)] LOOP
        SELECT coalesce(string_agg(digits, ' ' ORDER BY digits), '') INTO numbers FROM (
            SELECT regexp_replace(number, '[^0-9]', '', 'g') FROM other_phone WHERE patient_id = person
            UNION SELECT regexp_replace(phone, '[^0-9]', '', 'g') FROM relative WHERE patient_id = person) known (digits)
         WHERE digits <> '';
        UPDATE patient SET contact_numbers = numbers WHERE id = person AND contact_numbers <> numbers;
    END LOOP;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.add_column("patient", sa.Column("contact_numbers", sa.Text(), server_default="", nullable=False))
    _replace_audit(f"{IGNORED},contact_numbers")
    op.create_table(
        "other_phone",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("is_checked", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), server_default="", nullable=False),
        *_stamps(),
        sa.CheckConstraint("btrim(number) <> ''", name="number_given"),
        sa.CheckConstraint("owner IN ('own', 'relative', 'neighbour', 'work', 'other')", name="owner_known"),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name="fk_other_phone_patient_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_other_phone"),
    )
    op.create_table(
        "relative",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("phone_is_checked", sa.Boolean(), nullable=False),
        sa.Column("record_id", sa.BigInteger()),
        *_stamps(),
        sa.CheckConstraint("btrim(name) <> ''", name="name_given"),
        sa.CheckConstraint(
            "relation IN ('mother', 'father', 'spouse', 'child', 'sibling', 'grandparent', 'guardian', 'relative', "
            "'friend', 'other')",
            name="relation_known",
        ),
        *(
            sa.ForeignKeyConstraint([column], ["patient.id"], name=f"fk_relative_{column}", ondelete="RESTRICT")
            for column in ("patient_id", "record_id")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_relative"),
    )
    op.execute(NUMBERS)
    for table in TABLES:
        op.create_index(f"ix_{table}_patient", table, ["patient_id", "id"])
        _guard(table)
    _replace_index(KIN, "(next_of_kin || contact_numbers) <> ''")


def _stamps() -> list[sa.Column]:
    return [
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    ]


def _guard(table: str) -> None:
    op.execute(
        f"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW "
        "EXECUTE FUNCTION hms_audit('{created_at,updated_at,version}', '{}')"
    )
    op.execute(
        f"CREATE TRIGGER contact_numbers AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW "
        "EXECUTE FUNCTION hms_contact_numbers()"
    )
    op.execute(
        f"CREATE TRIGGER patient_in_use BEFORE INSERT OR UPDATE OF patient_id ON {table} FOR EACH ROW "
        "WHEN (NEW.patient_id IS NOT NULL) EXECUTE FUNCTION hms_patient_in_use()"
    )


def _replace_audit(ignored: str) -> None:
    op.execute("DROP TRIGGER audit ON patient")
    op.execute(
        "CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON patient FOR EACH ROW "
        f"EXECUTE FUNCTION hms_audit('{{{ignored}}}', '{{}}')"
    )


def _replace_index(expression: str, where: str) -> None:
    op.drop_index("ix_patient_next_of_kin", "patient")
    op.create_index(
        "ix_patient_next_of_kin",
        "patient",
        [sa.text(f"({expression}) gin_trgm_ops")],
        postgresql_using="gin",
        postgresql_where=sa.text(where),
    )


def downgrade() -> None:
    _replace_index(KIN_BEFORE, "next_of_kin <> ''")
    for table in TABLES:
        op.drop_table(table)
    op.execute("DROP FUNCTION hms_contact_numbers()")
    _replace_audit(IGNORED)
    op.drop_column("patient", "contact_numbers")
