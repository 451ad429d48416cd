"""Reception records that a doctor is away; a booking above the capacity of its clinic hours takes one of their places.

Clinic hours may get a lower capacity after bookings were made. Such a booking keeps its place, which is above the capacity: the
place below it is then not free.
"""

from alembic import op

revision = "0062"
down_revision = "0067"

DOING = """SELECT set_config('hms.doing', '{"action": "migration.0062", "name": "system"}', true)"""
GRANTED = ("admin", "doctor", "receptionist")

HEAD = """
CREATE OR REPLACE FUNCTION hms_appointment_place() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    session record;
    taken bigint[];
    capacity bigint := 1;
    surplus bigint := 0;
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
"""
OTHERS = """
         WHERE a.doctor_id = NEW.doctor_id AND a.id <> NEW.id AND a.status IN ('scheduled', 'checked_in', 'in_service')
           AND tsrange(a.date + a."time", a.date + a."time" + a.duration_minutes * interval '1 minute')
            && tsrange(NEW.date + NEW."time", NEW.date + NEW."time" + NEW.duration_minutes * interval '1 minute')"""
SURPLUS = f"""
    SELECT array_agg(a.place), count(*) FILTER (WHERE a.place > capacity AND NOT a.is_overbooked)
      INTO taken, surplus FROM appointment a {OTHERS};
    taken := coalesce(taken, '{{}}');
    FOR place IN 1 .. capacity LOOP
        IF place <> ALL (taken) THEN
            IF surplus = 0 THEN
                NEW.place := place;
                NEW.is_overbooked := false;
                RETURN NEW;
            END IF;
            surplus := surplus - 1;
        END IF;
    END LOOP;
    NEW.place := taken[1];
"""
FAST = f"""
    -- Clinic hours for one patient at a time: the constraint alone decides, unless a booking has a place above the first.
    IF capacity = 1 AND NOT NEW.is_overbooked AND NOT EXISTS (
        SELECT FROM appointment a {OTHERS} AND a.place > 1 AND NOT a.is_overbooked) THEN
        RETURN NEW;
    END IF;
    -- Whoever books beyond the places waits for others who do, because the session's overbookings are counted.
    PERFORM FROM app_user WHERE id = NEW.doctor_id FOR NO KEY UPDATE;
"""
OVERBOOKING = """
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
# A booking beyond the places gets a place that is taken, so that the constraint `one_patient_at_a_time` refuses it.
PLACE = HEAD + FAST + SURPLUS + OVERBOOKING
PLACE_BEFORE = (
    HEAD.replace("    surplus bigint := 0;\n", "")
    + f"""
    IF capacity = 1 AND NOT NEW.is_overbooked THEN
        RETURN NEW;
    END IF;
    PERFORM FROM app_user WHERE id = NEW.doctor_id FOR NO KEY UPDATE;
    taken := ARRAY(SELECT a.place FROM appointment a {OTHERS});
    FOR place IN 1 .. capacity LOOP
        IF place <> ALL (taken) THEN
            NEW.place := place;
            NEW.is_overbooked := false;
            RETURN NEW;
        END IF;
    END LOOP;
"""
    + OVERBOOKING
)


def upgrade() -> None:
    op.execute(PLACE)
    op.execute(DOING)
    op.execute(
        "UPDATE role SET grants = array_append(grants, 'appointments.block_time') "
        f"WHERE code IN {GRANTED} AND NOT 'appointments.block_time' = ANY (grants)"
    )


def downgrade() -> None:
    op.execute(DOING)
    op.execute("UPDATE role SET grants = array_remove(grants, 'appointments.block_time') WHERE code = 'receptionist'")
    op.execute(PLACE_BEFORE)
