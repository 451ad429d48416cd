"""Holidays of the hospital, and types of visits that a booking may have."""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0047"

INSTANT = sa.DateTime(timezone=True)
COLOURS = ("blue", "teal", "green", "olive", "orange", "red", "pink", "violet")
GRANTED = ("admin", "receptionist")
DOING = """SELECT set_config('hms.doing', '{"action": "migration.0052", "name": "system"}', true)"""


def _times() -> tuple[sa.Column, sa.Column]:
    return (
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", INSTANT, server_default=sa.text("now()"), nullable=False),
    )


def upgrade() -> None:
    op.create_table(
        "holiday",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *_times(),
        sa.CheckConstraint("btrim(name) <> ''", name=op.f("ck_holiday_name_given")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holiday")),
        sa.UniqueConstraint("day", name="uq_holiday_day"),
    )
    _create_visit_types()
    op.add_column("appointment", sa.Column("visit_type_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        "fk_appointment_visit_type_id", "appointment", "visit_type", ["visit_type_id"], ["id"], ondelete="RESTRICT"
    )
    for table in ("holiday", "visit_type"):
        op.execute(
            f"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW "
            "EXECUTE FUNCTION hms_audit('{created_at,updated_at,version}', '{}')"
        )
    op.execute("CREATE TRIGGER kept BEFORE DELETE ON visit_type FOR EACH ROW EXECUTE FUNCTION hms_permanent()")
    _grant()


def _create_visit_types() -> None:
    colours = ", ".join(f"'{colour}'" for colour in COLOURS)
    op.create_table(
        "visit_type",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("colour", sa.Text(), nullable=False),
        sa.Column("minutes", sa.BigInteger(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        *_times(),
        sa.CheckConstraint("btrim(name) <> '' AND btrim(mark) <> ''", name=op.f("ck_visit_type_words_given")),
        sa.CheckConstraint("minutes BETWEEN 5 AND 480", name=op.f("ck_visit_type_length_possible")),
        sa.CheckConstraint(f"colour IN ({colours})", name=op.f("ck_visit_type_colour_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_type")),
    )
    for column in ("name", "mark"):
        folded = sa.text(f"lower({column} COLLATE pg_c_utf8)")
        op.create_index(f"uq_visit_type_{column}", "visit_type", [folded], unique=True)


def _grant() -> None:
    """The built-in roles of a hospital that runs already get the new permission."""
    op.execute(DOING)
    op.execute(
        "UPDATE role SET grants = array_append(grants, 'appointments.manage_holidays') "
        f"WHERE code IN {GRANTED} AND NOT 'appointments.manage_holidays' = ANY (grants)"
    )


def downgrade() -> None:
    op.execute(DOING)
    op.execute("UPDATE role SET grants = array_remove(grants, 'appointments.manage_holidays')")
    op.drop_constraint("fk_appointment_visit_type_id", "appointment", type_="foreignkey")
    op.drop_column("appointment", "visit_type_id")
    op.drop_table("visit_type")
    op.drop_table("holiday")
