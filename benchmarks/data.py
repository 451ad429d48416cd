"""Fills a database for the benchmark with bulk statements, without the triggers. The data is not clinically plausible.

    python -m benchmarks.data staff       accounts, prices, medicines, codes
    python -m benchmarks.data 100000      so many patients, with the records in proportion

Each patient has two appointments over five and a half years, one visit with a signed encounter in five years, 1.5
prescriptions and one bill of three lines. Nine of ten bills are paid. From 100,000 patients on there are 600 appointments
today; 40 patients are in the queue. The totals of the reports are made at the end.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from random import Random
from typing import Any

from sqlalchemy import Table, text

from hms.core import clock
from hms.core.db.session import db
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.demo import hospital, people
from hms.patients.identity import hospital_numbers
from hms.reports.totals import jobs

MORE_DOCTORS = 32
PRESCRIBERS = 8
OPEN_EACH = 300
IN_QUEUE = 40
TO_DISPENSE = 3000
PAST_DAYS, DAYS = 1826, 2009
TODAY = 600
DIAGNOSES = 300
SLOTS_KEPT_FREE_FROM = 20
_BEGINNINGS = [
    "Ba",
    "Bo",
    "Da",
    "Fa",
    "Ga",
    "Ka",
    "Ko",
    "La",
    "Ma",
    "Mo",
    "Na",
    "Nya",
    "Sa",
    "Se",
    "Ta",
    "Tu",
    "Wa",
    "Ya",
    "Zo",
    "Ke",
]
_ENDINGS = [
    "ngura",
    "nteh",
    "rie",
    "llo",
    "nsa",
    "mara",
    "koya",
    "ndeh",
    "gbo",
    "wusu",
    "tey",
    "lima",
    "rimu",
    "ssay",
    "mbo",
    "nkara",
    "bba",
    "doh",
    "yele",
    "fie",
]

_INDEXES = """
    SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
      FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace s ON s.oid = t.relnamespace
     WHERE s.nspname = 'public' AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)"""
"""Name and definition of each index that no constraint needs."""


def prepare() -> None:
    """Fill an empty, migrated database with the data for every size: accounts, prices, medicines, codes.

    The read limit is switched off, because a client of the benchmark reads far more records than a person.
    """
    hospital.add_staff()
    hospital.set_prices()
    settings.change_setting("security.mass_read_records", 0, by=SYSTEM)
    db.session.remove()
    db.engine.dispose()


def build(patients: int) -> None:
    """Fill a prepared database with this number of patients and their records."""
    with db.engine.connect() as pooled:
        connection = pooled.connection.dbapi_connection
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SET session_replication_role = replica; SET statement_timeout = 0; SET work_mem = '64MB'")
        cursor.execute("SET synchronous_commit = off; SET maintenance_work_mem = '256MB'")
        DataBuilder(cursor, patients).fill()
        cursor.execute("RESET ALL")
    db.engine.dispose()


def settle() -> None:
    """Make the totals of all days that have ended."""
    started = time.monotonic()
    while jobs.settle_pending():
        pass
    print(f"  {'settle':16} {time.monotonic() - started:6.1f} s", flush=True)
    with db.engine.connect() as pooled:
        connection = pooled.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))


def rows(table: str, source: str, **columns: str) -> str:
    """An `INSERT … SELECT` of SQL expressions; other columns get the model's default when it is a plain value."""
    values = _defaults(db.metadata.tables[table]) | columns
    return f'INSERT INTO "{table}" ({", ".join(_quoted(values))}) SELECT {", ".join(values.values())} FROM {source}'


def _quoted(names: Any) -> list[str]:
    return [f'"{name}"' for name in names]


def _defaults(table: Table) -> dict[str, str]:
    """The model's plain default values as SQL, by column."""
    defaults = {}
    for column in table.columns:
        value = column.default.arg if column.default is not None and column.default.is_scalar else None
        if value is not None:
            defaults[column.name] = str(value).lower() if isinstance(value, bool) else _literal(value)
    return defaults


def _literal(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def dice(seed: int, sides: str | int, of: str = "g") -> str:
    """SQL of a pseudo-random number from 0 to `sides` - 1 that is always the same for the row `of`."""
    return f"((hashint8extended({of}, {seed}) & 9007199254740991) % ({sides}))"


class DataBuilder:
    """Writes the tables one after another, in the order of their foreign keys."""

    def __init__(self, cursor: Any, patients: int) -> None:
        self._cursor, self.patients = cursor, patients
        self.today = clock.today()

    def fill(self) -> None:
        """Write all tables. Indexes are dropped before and built at the end: that takes half the time at a million patients."""
        indexes = self._cursor.execute(_INDEXES).fetchall()
        for name, _definition in indexes:
            self.execute(f"DROP INDEX {name}")
        for step in (self.doctors, self.people, self.allergies, self.appointments, self.queue, self.encounters):
            self._timed(step)
        for step in (
            self.past_visits,
            self.prescriptions,
            self.stock,
            self.open_encounters,
            self.bills,
            self.numbers,
        ):
            self._timed(step)
        for _name, definition in indexes:
            self.execute(definition)
        self._timed(self.analyse)

    def _timed(self, step: Any) -> None:
        started = time.monotonic()
        step()
        print(f"  {step.__name__:16} {time.monotonic() - started:6.1f} s", flush=True)

    def execute(self, statement: str) -> None:
        self._cursor.execute(statement)

    def insert(self, table: str, source: str, **columns: str) -> None:
        self.execute(rows(table, source, **columns))

    def doctors(self) -> None:
        """More doctors with the demo doctor's password and clinic hours every day from 8 to 16."""
        demo = "(SELECT password_hash, role_id FROM app_user WHERE username = 'doctor') d"
        self.insert(
            "app_user",
            f"generate_series(1, {MORE_DOCTORS}) g, {demo}",
            username="'bench' || g",
            title="'Dr'",
            first_name="'Doctor'",
            last_name="'Number ' || g",
            password_hash="d.password_hash",
            role_id="d.role_id",
            preferences="'{}'",
        )
        self.insert(
            "working_hours",
            "app_user u, generate_series(0, 6) g WHERE u.username LIKE 'bench%'",
            doctor_id="u.id",
            weekday="g",
            starts="'08:00'",
            ends="'16:00'",
            valid_from=f"DATE '{self.today}' - 900",
        )
        self.execute(
            "CREATE TEMP TABLE doc AS SELECT row_number() OVER (ORDER BY u.id) - 1 AS n, u.id FROM app_user u "
            "JOIN role r ON r.id = u.role_id WHERE r.code = 'doctor'"
        )

    def people(self) -> None:
        names = [
            "hospital_number",
            "number",
            "given_names",
            "family_name",
            "sex",
            "birth_date",
            "phone",
            "phone_is_checked",
            "address",
        ]
        names += ["occupation", "allergy_status", "created_at"]
        rest = {name: value for name, value in _defaults(db.metadata.tables["patient"]).items() if name not in names}
        self.execute(
            "CREATE TEMP TABLE person (number bigint, hospital_number text, given_names text, family_name text, "
            "sex text, birth_date date, phone text, address text, occupation text)"
        )
        with self._cursor.copy("COPY person FROM STDIN") as copy:
            for person in self._persons():
                copy.write_row(person)
        own = {name: name for name in names} | {
            "phone_is_checked": "true",
            "allergy_status": f"(ARRAY['known','none_known','none_known','not_asked'])[1 + {dice(1, 4, 'number')}]",
            "created_at": f"now() - make_interval(secs => {dice(2, PAST_DAYS * 86_400, 'number')})",
        }
        self.execute(rows("patient", "person ORDER BY number", **(own | rest)))

    def _persons(self) -> Iterator[tuple]:
        random = Random(2026)
        families = people.FAMILY_NAMES + [start + end for start in _BEGINNINGS for end in _ENDINGS]
        for n in range(1, self.patients + 1):
            sex = random.choice(("female", "male"))
            choices = people.GIVEN_FEMALE if sex == "female" else people.GIVEN_MALE
            given_names = " ".join(random.sample(choices, random.choice((1, 1, 2))))
            born = (
                f"{random.randint(1935, self.today.year - 1)}-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}"
            )
            phone = f"+232{random.choice((76, 77, 78, 79, 30, 33, 88))}{random.randint(100_000, 999_999)}"
            address = f"{random.randint(1, 180)} {random.choice(people.STREETS)}"
            yield (
                n,
                hospital_numbers.format_hospital_number(n),
                given_names,
                random.choice(families),
                sex,
                born,
                phone,
                address,
                random.choice(people.OCCUPATIONS),
            )

    def allergies(self) -> None:
        """One allergy for each patient whose allergy status is "known"."""
        substances = ", ".join(_literal(substance) for substance, *_ in people.ALLERGIES)
        self.insert(
            "allergy",
            "patient p WHERE p.allergy_status = 'known'",
            patient_id="p.id",
            substance=f"(ARRAY[{substances}])[1 + {dice(3, len(people.ALLERGIES), 'p.id')}]",
            reaction="'rash'",
            severity="'moderate'",
        )

    def appointments(self) -> None:
        """The same number each day, spread over the doctors and the slots of the morning; at most `TODAY` today."""
        today = min(max(self.patients * TODAY // 100_000, 1), TODAY)
        others = (2 * self.patients - today) // (DAYS - 1)
        self.execute(
            "CREATE TEMP TABLE booking AS SELECT d AS day, k, row_number() OVER (ORDER BY d, k) AS g "
            f"FROM generate_series(-{PAST_DAYS}, {DAYS - PAST_DAYS - 1}) d, "
            f"LATERAL generate_series(0, CASE d WHEN 0 THEN {today} ELSE {others} END - 1) k"
        )
        lot = dice(5, 20)
        past = f"CASE WHEN {lot} = 0 THEN 'cancelled' WHEN {lot} = 1 THEN 'no_show' ELSE 'completed' END"
        self.insert(
            "appointment",
            "booking b JOIN doc ON doc.n = b.k % (SELECT count(*) FROM doc) ORDER BY g",
            patient_id=f"1 + (g * 7919) % {self.patients}",
            doctor_id="doc.id",
            date=f"DATE '{self.today}' + day",
            time="TIME '08:00' + (k / (SELECT count(*) FROM doc)) * interval '15 minutes'",
            status=f"CASE WHEN day < 0 THEN {past} ELSE 'scheduled' END",
            notes="(ARRAY['', 'Review', 'Fever', 'Follow-up'])[1 + g % 4]",
            created_at=f"DATE '{self.today}' + day - interval '3 days'",
        )

    def queue(self) -> None:
        """The patients of the first 40 appointments today wait in the queue."""
        arrived = (
            f"(SELECT *, row_number() OVER (ORDER BY time, id) AS n FROM appointment WHERE date = '{self.today}') a"
        )
        self.insert(
            "queue_entry",
            f"{arrived} WHERE n <= {IN_QUEUE}",
            service_date="a.date",
            token="n",
            patient_id="a.patient_id",
            appointment_id="a.id",
            doctor_id="a.doctor_id",
            priority="CASE WHEN n % 13 = 0 THEN 2 ELSE 3 END",
            arrived_at="now() - make_interval(mins => 5 + (n * 3)::int)",
        )
        self.execute(
            "UPDATE appointment SET status = 'checked_in' WHERE id IN (SELECT appointment_id FROM queue_entry)"
        )

    def _when(self, of: str = "g") -> str:
        """SQL of the time of visit `g`: the last is half an hour ago, the first one and a half years ago."""
        return f"now() - make_interval(secs => 1800 + ({self.patients} - {of}) * {PAST_DAYS * 86_400 / self.patients})"

    def encounters(self) -> None:
        """Signed encounters, each with a diagnosis and vitals."""
        signed = f"{self._when()} + interval '12 minutes'"
        self.insert(
            "encounter",
            f"generate_series(1, {self.patients}) g JOIN doc ON doc.n = g % (SELECT count(*) FROM doc) ORDER BY g",
            patient_id=f"1 + (g * 7919::bigint) % {self.patients}",
            doctor_id="doc.id",
            status="'signed'",
            started_at=self._when(),
            ended_at=signed,
            signed_at=signed,
            signed_by_id="doc.id",
            chief_complaint="'Fever and cough since ' || (1 + g % 6) || ' days'",
            notes="'Looks tired, drinks well, no neck stiffness, chest clear. Rapid malaria test positive. Advised fluids "
            "and rest, to come back when fever stays longer than two days.'",
            plan="'Review in a week if not better.'",
        )
        self.insert(
            "condition",
            "encounter e",
            patient_id="e.patient_id",
            encounter_id="e.id",
            code=f"'A' || lpad(least({dice(6, DIAGNOSES, 'e.id')}, {dice(7, DIAGNOSES, 'e.id')})::text, 3, '0')",
            code_system="'http://hl7.org/fhir/sid/icd-10'",
            title=f"'Diagnosis number ' || least({dice(6, DIAGNOSES, 'e.id')}, {dice(7, DIAGNOSES, 'e.id')})",
            recorded_by_id="e.doctor_id",
        )
        self.insert(
            "vitals_reading",
            "encounter e",
            patient_id="e.patient_id",
            encounter_id="e.id",
            taken_at="e.started_at - interval '10 minutes'",
            temperature="36.2 + (e.id % 30) / 10.0",
            systolic="105 + e.id % 50",
            diastolic="65 + e.id % 25",
            pulse="60 + e.id % 45",
            respiratory_rate="14 + e.id % 8",
            oxygen_saturation="95 + e.id % 5",
            weight="50 + e.id % 40",
            height="150 + e.id % 40",
        )

    def past_visits(self) -> None:
        """The visit of each signed encounter, with up to two hours of waiting."""
        day = f"(e.started_at AT TIME ZONE '{clock.zone().key}')::date"
        self.insert(
            "queue_entry",
            f"(SELECT e.*, {day} AS day, row_number() OVER (PARTITION BY {day} ORDER BY e.id) AS n FROM encounter e) e",
            service_date="e.day",
            token="1000 + e.n",
            patient_id="e.patient_id",
            doctor_id="e.doctor_id",
            status="'done'",
            arrived_at=f"e.started_at - make_interval(secs => {dice(8, 7200, 'e.id')})",
            called_at="e.started_at",
        )

    def prescriptions(self) -> None:
        """One or two medicines for each encounter; all are dispensed, except those of the last days."""
        self.execute(
            "CREATE TEMP TABLE med AS SELECT row_number() OVER (ORDER BY id) - 1 AS n, id, name FROM medication "
            "WHERE unit = 'tablet' AND price_item_id IS NOT NULL"
        )
        last = f"g <= {self.patients} AND g > {self.patients} - {TO_DISPENSE}"
        self.insert(
            "prescription",
            f"generate_series(1, {self.patients * 3 // 2}) g "
            f"JOIN encounter e ON e.id = 1 + (g - 1) % {self.patients} JOIN med ON med.n = g % (SELECT count(*) FROM med) "
            "ORDER BY g",
            patient_id="e.patient_id",
            encounter_id="e.id",
            medication_id="med.id",
            medication_name="med.name",
            dosage="'1 tablet'",
            frequency="'3x daily'",
            duration="'5 days'",
            dose_amount="1",
            dose_unit="'tablet'",
            route="'oral'",
            frequency_code="'TDS'",
            days="5",
            quantity="15",
            quantity_dispensed=f"CASE WHEN {last} THEN 0 ELSE 15 END",
            status=f"CASE WHEN {last} THEN 'active' ELSE 'completed' END",
            prescriber_id="e.doctor_id",
            signed_at="e.signed_at",
            authored_at="e.signed_at",
        )

    def stock(self) -> None:
        """Two batches of every medicine, large enough for any run, with their stock movements."""
        self.insert(
            "batch",
            "medication m, generate_series(1, 2) g",
            medication_id="m.id",
            lot_number="'L' || g || '-' || m.id",
            expires_on=f"DATE '{self.today}' + 200 * g",
            unit_cost="0.50",
            quantity="400000",
        )
        self.insert(
            "stock_movement",
            "batch b",
            batch_id="b.id",
            medication_id="b.medication_id",
            kind="'receipt'",
            quantity="b.quantity",
            moved_at="now() - interval '30 days'",
        )
        self.execute("UPDATE medication SET current_stock = 800000")

    def open_encounters(self) -> None:
        """Encounters that are not signed: five of the demo doctor, many of the doctors who prescribe in the benchmark."""
        who = "(SELECT id, username FROM app_user WHERE username = 'doctor' OR username IN ("
        who += ", ".join(f"'bench{n}'" for n in range(1, PRESCRIBERS + 1)) + ")) u"
        each = f"generate_series(1, CASE u.username WHEN 'doctor' THEN 5 ELSE {OPEN_EACH} END) g"
        self.insert(
            "encounter",
            f"{who}, LATERAL {each} ORDER BY u.id, g",
            patient_id=f"1 + ((u.id % 100) * {OPEN_EACH} + g) * 37 % {self.patients}",
            doctor_id="u.id",
            started_at="now() - interval '20 minutes'",
            chief_complaint="'Headache since yesterday'",
            notes="'Alert, no neck stiffness.'",
        )

    def bills(self) -> None:
        """One bill for each encounter: a consultation and two medicines; nine of ten are paid."""
        n, when = self.patients, "(e.signed_at + interval '20 minutes')"
        state = f"CASE WHEN b.k <= {n * 88 // 100} THEN 'paid' WHEN b.k <= {n * 90 // 100} THEN 'part_paid' "
        state += f"WHEN b.k <= {n * 98 // 100} THEN 'issued' ELSE 'void' END"
        self.execute(
            f"CREATE TEMP TABLE b AS SELECT e.id AS g, 1 + (e.id * 7919) % {n} AS k FROM encounter e WHERE e.id <= {n}"
        )
        year = f"to_char({when}, 'YYYY')"
        self.insert(
            "bill",
            "b JOIN encounter e ON e.id = b.g ORDER BY b.g",
            number=f"'B-' || {year} || '-' || lpad((row_number() OVER (PARTITION BY {year} ORDER BY b.g))::text, 6, '0')",
            status=state,
            patient_id="e.patient_id",
            encounter_id="e.id",
            total="175.50",
            paid=f"CASE WHEN b.k <= {n * 88 // 100} THEN 175.50 WHEN b.k <= {n * 90 // 100} THEN 100 ELSE 0 END",
            issued_at=when,
            created_at=when,
        )
        self.execute(
            "CREATE TEMP TABLE item (k int, what text, quantity int, price numeric, amount numeric); INSERT INTO item "
            "VALUES (1,'Consultation',1,150,150), (2,'Paracetamol 500 mg tablet',15,0.70,10.50), (3,'Injection',1,15,15)"
        )
        self.insert(
            "bill_line",
            "bill b, item i",
            bill_id="b.id",
            description="i.what",
            quantity="i.quantity",
            unit_price="i.price",
            amount="i.amount",
            created_at="b.created_at",
        )
        self.insert(
            "payment",
            "bill p WHERE p.paid > 0",
            number="'R-' || to_char(p.issued_at, 'YYYY') || '-' || lpad((row_number() OVER (PARTITION BY "
            "to_char(p.issued_at, 'YYYY') ORDER BY p.id))::text, 6, '0')",
            bill_id="p.id",
            amount="p.paid",
            method="(ARRAY['Cash','Cash','Mobile Money','Card'])[1 + p.id % 4]",
            received_at="p.issued_at + interval '15 minutes'",
            received_by_id="(SELECT id FROM app_user WHERE username = 'cashier')",
            created_at="p.issued_at + interval '15 minutes'",
        )

    def numbers(self) -> None:
        """Set the number series to the numbers that the bulk rows use."""
        self.execute(
            f"INSERT INTO number_series VALUES ('patient', {self.patients}), ('token:{self.today}', {IN_QUEUE}) "
            "ON CONFLICT (series) DO UPDATE SET last_number = excluded.last_number"
        )
        for table in ("bill", "payment"):
            self.execute(
                f"INSERT INTO number_series SELECT '{table}:' || split_part(number, '-', 2), count(*) FROM {table} "
                f"GROUP BY 1 ON CONFLICT (series) DO UPDATE SET last_number = excluded.last_number"
            )

    def analyse(self) -> None:
        self.execute("VACUUM ANALYZE")


def main() -> None:
    """Fill the database of the environment."""
    from hms import create_app

    app = create_app()
    with app.app_context():
        if sys.argv[1] == "staff":
            prepare()
        else:
            build(int(sys.argv[1]))
            settle()


if __name__ == "__main__":
    main()
