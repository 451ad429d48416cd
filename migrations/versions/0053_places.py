"""Several patients at one time: clinic hours have a capacity and an allowed overbooking, and each booking has a place.

The place is chosen here, so that the last one cannot be taken twice: two open bookings of a doctor that overlap never have the
same place, and a place beyond the capacity is only given to an overbooking that the clinic hours allow.
"""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0051"

GRANTED = ("admin", "doctor", "receptionist")
DOING = """SELECT set_config('hms.doing', '{"action": "migration.0053", "name": "system"}', true)"""
OPEN = "status IN ('scheduled', 'checked_in', 'in_service')"
INTERVAL = 'tsrange(date + "time", date + "time" + duration_minutes * interval \'1 minute\')'
IGNORED = "created_at,updated_at,version"

# Without clinic hours at the time, one patient at a time. A booking beyond the places keeps place 1 and is refused by the
# constraint `one_patient_at_a_time`.
PLACE = """
CREATE FUNCTION hms_appointment_place() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    session record;
    taken bigint[];
    capacity bigint := 1;
BEGIN
    IF NEW.status NOT IN ('scheduled', 'checked_in', 'in_service') THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.status IN ('scheduled', 'checked_in', 'in_service')
       AND (NEW.doctor_id, NEW.date, NEW."time", NEW.duration_minutes, NEW.is_overbooked)
         = (OLD.doctor_id, OLD.date, OLD."time", OLD.duration_minutes, OLD.is_overbooked) THEN
        NEW.place := OLD.place;
        RETURN NEW;
    END IF;
    NEW.place := 1;
    SELECT w.starts, w.ends, w.capacity, w.overbooking INTO session FROM working_hours w
     WHERE w.doctor_id = NEW.doctor_id AND w.weekday = extract(isodow FROM NEW.date) - 1
       AND w.starts <= NEW."time" AND NEW."time" < w.ends
       AND w.valid_from <= NEW.date AND (w.valid_to IS NULL OR w.valid_to >= NEW.date)
     LIMIT 1;
    IF FOUND THEN
        capacity := session.capacity;
    END IF;
    IF capacity = 1 AND NOT NEW.is_overbooked THEN
        RETURN NEW;
    END IF;
    -- Whoever books beyond the places waits for others who do, because the session's overbookings are counted.
    PERFORM FROM app_user WHERE id = NEW.doctor_id FOR NO KEY UPDATE;
    taken := ARRAY(
        SELECT a.place FROM appointment a
         WHERE a.doctor_id = NEW.doctor_id AND a.id <> NEW.id AND a.status IN ('scheduled', 'checked_in', 'in_service')
           AND tsrange(a.date + a."time", a.date + a."time" + a.duration_minutes * interval '1 minute')
            && tsrange(NEW.date + NEW."time", NEW.date + NEW."time" + NEW.duration_minutes * interval '1 minute'));
    FOR place IN 1 .. capacity LOOP
        IF place <> ALL (taken) THEN
            NEW.place := place;
            NEW.is_overbooked := false;
            RETURN NEW;
        END IF;
    END LOOP;
    IF NEW.is_overbooked AND session.overbooking > (
        SELECT count(*) FROM appointment a
         WHERE a.doctor_id = NEW.doctor_id AND a.date = NEW.date AND a.id <> NEW.id AND a.is_overbooked
           AND a.status IN ('scheduled', 'checked_in', 'in_service')
           AND a."time" >= session.starts AND a."time" < session.ends) THEN
        NEW.place := capacity + 1;
        WHILE NEW.place = ANY (taken) LOOP
            NEW.place := NEW.place + 1;
        END LOOP;
    END IF;
    RETURN NEW;
END $$
"""


def _replace_exclusion(*columns: str) -> None:
    """The exclusion constraint of a doctor's bookings, over `columns` and the time."""
    equal = ", ".join(f"{column} WITH =" for column in columns)
    op.execute("ALTER TABLE appointment DROP CONSTRAINT one_patient_at_a_time")
    op.execute(
        f"ALTER TABLE appointment ADD CONSTRAINT one_patient_at_a_time "
        f"EXCLUDE USING gist ({equal}, {INTERVAL} WITH &&) WHERE ({OPEN})"
    )


def _audit(ignored: str) -> None:
    op.execute("DROP TRIGGER audit ON appointment")
    op.execute(
        "CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON appointment FOR EACH ROW "
        f"EXECUTE FUNCTION hms_audit('{{{ignored}}}', '{{}}')"
    )


def upgrade() -> None:
    op.add_column("working_hours", sa.Column("capacity", sa.BigInteger(), nullable=False, server_default="1"))
    op.add_column("working_hours", sa.Column("overbooking", sa.BigInteger(), nullable=False, server_default="0"))
    for column in ("capacity", "overbooking"):
        op.alter_column("working_hours", column, server_default=None)
    op.create_check_constraint(op.f("ck_working_hours_capacity_possible"), "working_hours", "capacity BETWEEN 1 AND 50")
    op.create_check_constraint(
        op.f("ck_working_hours_overbooking_possible"), "working_hours", "overbooking BETWEEN 0 AND 50"
    )
    op.add_column("appointment", sa.Column("place", sa.BigInteger(), nullable=False, server_default="1"))
    op.add_column(
        "appointment", sa.Column("is_overbooked", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    _replace_exclusion("doctor_id", "place")
    op.execute(PLACE)
    op.execute(
        "CREATE TRIGGER place BEFORE INSERT OR UPDATE OF doctor_id, date, \"time\", duration_minutes, status, place, is_overbooked "
        "ON appointment FOR EACH ROW "
        "EXECUTE FUNCTION hms_appointment_place()"
    )
    _audit(f"{IGNORED},place")
    op.execute(DOING)
    op.execute(
        "UPDATE role SET grants = array_append(grants, 'appointments.overbook') "
        f"WHERE code IN {GRANTED} AND NOT 'appointments.overbook' = ANY (grants)"
    )


def downgrade() -> None:
    """Fails, and changes nothing, while two patients are booked at one time with one doctor."""
    op.execute(DOING)
    op.execute("UPDATE role SET grants = array_remove(grants, 'appointments.overbook')")
    _audit(IGNORED)
    op.execute("DROP TRIGGER place ON appointment")
    op.execute("DROP FUNCTION hms_appointment_place()")
    _replace_exclusion("doctor_id")
    op.drop_column("appointment", "is_overbooked")
    op.drop_column("appointment", "place")
    for column in ("overbooking", "capacity"):
        op.drop_constraint(op.f(f"ck_working_hours_{column}_possible"), "working_hours", type_="check")
        op.drop_column("working_hours", column)
