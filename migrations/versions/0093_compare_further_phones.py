"""Records are compared again when their further phones change, for suspected duplicates."""

from alembic import op

revision = "0093"
down_revision = "0092"

COMPARED = (
    *("given_names", "family_name", "preferred_name", "other_names", "sex", "birth_date", "birth_is_estimated"),
    *("phone", "address", "national_id", "status"),
)


def _compare_when_changed(columns: tuple[str, ...]) -> None:
    changed = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)
    op.execute("DROP TRIGGER compare_changed ON patient")
    op.execute(
        f"CREATE TRIGGER compare_changed AFTER UPDATE ON patient FOR EACH ROW WHEN ({changed}) "
        "EXECUTE FUNCTION hms_compare_patient()"
    )


def upgrade() -> None:
    _compare_when_changed((*COMPARED, "contact_numbers"))


def downgrade() -> None:
    _compare_when_changed(COMPARED)
