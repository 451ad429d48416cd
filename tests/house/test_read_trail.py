"""Every read of a patient's record leaves an entry with the patient's id, whoever reads, on whatever page or endpoint."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from hms.admin.audit_trail import record_access
from hms.clinical.models import Encounter
from hms.core import clock
from hms.core.actions import action_context
from hms.core.audit.models import AuditEntry
from hms.core.db.session import db as database
from hms.core.permissions import ROLE_NAMES, Role
from hms.core.person import SYSTEM
from hms.lab.models import LabOrder
from hms.staff.models import User
from tests.house.hospital import add, every_record, whole_record
from tests.house.places import Place, places

pytestmark = [pytest.mark.security("O"), pytest.mark.slow]

OF_A_PATIENT = {
    *("patient_id", "encounter_id", "bill_id", "payment_id", "appointment_id", "prescription_id", "order_id"),
    *("entry_id", "dispense_id", "reading_id", "correction_id", "access_id", "condition_id", "allergy_id"),
    *("merge_id", "message_id", "pair_id", "phone_id", "relative_id", "consent_id", "form_id", "point_entry_id"),
    *("document_id", "escalation_id", "issued_id", "problem_id"),
}
"""URL arguments that name a patient or a record of a patient."""
OF_NOBODY = {
    *("medication_id", "batch_id", "receipt_id", "user_id", "role_id", "request_id", "notification_id", "template_id"),
    *("import_id", "row_number", "document", "change_id", "rule_key", "list_name"),
    *("hospital_template_id", "hours_id", "absence_id", "shift_id", "session_id", "key", "secret", "filename", "draft"),
    *("what", "line_id", "department_id", "mark", "holiday_id", "visit_type_id", "screen_id", "point_id"),
    *("kind", "channel", "language", "kind_id", "text_id", "area_id", "step"),
}
ITEM = {"billing_api.bill_item": True}
"""Here `item_id` is a bill line; at other addresses it is an item of the price list."""
RENEW_THEMSELVES = {
    *("billing.bill_head", "billing.bill_lines", "billing.bill_side", "billing.invoice_job", "lab.of_encounter"),
}
"""Parts of pages; opening the page has already left the entry."""
SHOW_NOTHING = {"clinical.draft_key"}
"""Return a new form token and nothing else."""


def _names_a_record(app, place: Place) -> bool:
    arguments = {name for rule in app.url_map.iter_rules(place.endpoint) for name in rule.arguments}
    unknown = arguments - OF_A_PATIENT - OF_NOBODY - {"item_id"}
    assert not unknown, f"{place.rule}: say whether {unknown} is a patient's record"
    if place.endpoint in SHOW_NOTHING:
        return False
    return bool(arguments & OF_A_PATIENT) or ("item_id" in arguments and place.endpoint in ITEM)


@pytest.fixture
def known(db) -> dict[str, int]:
    ids = every_record("Walked")
    with action_context("tests.seed", SYSTEM):
        done = database.session.get(LabOrder, ids["order_id"])
        about = {"patient_id": done.patient_id, "encounter_id": done.encounter_id, "ordered_by_id": done.ordered_by_id}
        waits = LabOrder(**about, test_code="HB", test_name="Haemoglobin", ordered_at=done.ordered_at)
        database.session.add(waits)
        database.session.flush()
    return ids | {"order_id": waits.id}


def _reads(actor_id: int, patient_id: int) -> int:
    mine = (AuditEntry.actor_id == actor_id, AuditEntry.patient_id == patient_id, AuditEntry.outcome == "success")
    mine += (AuditEntry.action != "tests.seed",)
    return database.session.execute(select(func.count()).where(*mine)).scalar_one()


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_every_answer_about_one_record_leaves_an_entry(app, desk, program, person, known, role):
    who, patient_id = person(role), known["patient_id"]
    if role == "patient":
        with action_context("tests.seed", SYSTEM):
            database.session.get(User, who.id).patient_id = patient_id
    clients = {True: program(role), False: desk(role)}
    silent, count = [], 0
    for place in places(app, known):
        if place.method != "GET" or not _names_a_record(app, place):
            continue
        client, before = clients[place.is_api], _reads(who.id, patient_id)
        client.checks = False
        answer = client.get(place.path)
        if answer.status_code not in (200, 202):
            continue
        count += 1
        least = 1 if place.endpoint in RENEW_THEMSELVES else before + 1
        if _reads(who.id, patient_id) < least:
            silent.append(f"{place.rule} ({place.endpoint})")
    assert silent == []
    assert count > 5, "hardly anything was read"


LISTS = {
    "patients": ("id", ("doctor", "cashier", "lab")),
    "appointments": ("patient", ("doctor", "cashier")),
    "encounters": ("patient", ("doctor", "cashier")),
    "prescriptions": ("encounter", ("doctor", "pharmacist", "cashier")),
    "lab_orders": ("patient", ("doctor", "lab")),
    "dispensing-logs": ("patient", ("pharmacist", "doctor")),
    "bills": ("patient", ("doctor", "cashier")),
    "payments": ("bill", ("cashier",)),
    "bill-items": ("bill", ("cashier",)),
    "corrections": ("bill", ("cashier",)),
    "patient-merges": ("kept", ("receptionist",)),
}
"""The API's lists of patients' records: the field with the patient, and the role that reads them."""


@pytest.mark.parametrize(("name", "field", "role"), [(n, f, r) for n, (f, who) in LISTS.items() for r in who])
def test_a_list_leaves_an_entry_for_each_patient_in_it(program, person, known, name, field, role):
    whole_record("Second")
    rows = program(role).get(f"/api/{name}/").get_json()
    assert known[
        {
            "id": "patient_id",
            "patient": "patient_id",
            "kept": "patient_id",
            "encounter": "encounter_id",
            "bill": "bill_id",
        }[field]
    ] in {row[field] for row in rows}
    mine = select(AuditEntry.patient_id).where(AuditEntry.actor_id == person(role).id, AuditEntry.old.is_(None))
    assert known["patient_id"] in set(database.session.scalars(mine))


def test_twelve_patients_in_one_search_are_twelve_entries_of_one_statement(program, person, db):
    ids = {whole_record("Twelvefold")["patient_id"] for _nth in range(12)}
    api, path = program("doctor"), "/api/patients/?search=Twelvefold"
    assert len(api.get(path).get_json()) == 12
    mine = select(AuditEntry).where(AuditEntry.actor_id == person("doctor").id, AuditEntry.action == "patients.read")
    entries = list(db.session.scalars(mine))
    assert {one.patient_id for one in entries} - {None} == ids
    assert len({one.request_id for one in entries}) == 1
    api.get(path)
    assert len(list(db.session.scalars(mine))) == 14, "each patient once in ten minutes, and each request"


def test_a_part_that_renews_itself_is_one_entry_and_a_page_one_each_time(desk, person, known, db):
    counter, bill = desk("cashier"), f"/billing/bills/{known['bill_id']}"
    of = (AuditEntry.actor_id == person("cashier").id, AuditEntry.action == "billing.read_bill")
    for _nth in range(3):
        counter.get(f"{bill}/lines")
    assert db.session.execute(select(func.count()).where(*of)).scalar_one() == 1
    for _nth in range(2):
        counter.get(bill)
    assert db.session.execute(select(func.count()).where(*of)).scalar_one() == 3


@pytest.mark.parametrize(("role", "path"), [("pharmacist", "/pharmacy/rows?show=owing"), ("lab", "/lab/rows")])
def test_what_waits_at_a_desk_is_noted_of_each_patient_once(desk, person, known, role, path, db):
    at = desk(role)
    for _nth in range(3):
        at.get(path)
    mine = (AuditEntry.actor_id == person(role).id, AuditEntry.patient_id == known["patient_id"])
    assert db.session.execute(select(func.count()).where(*mine)).scalar_one() == 1


def test_who_opened_it_names_the_pharmacist_and_the_cashier(desk, known):
    desk("pharmacist").get(f"/pharmacy/prescriptions/{known['encounter_id']}")
    desk("cashier").get(f"/billing/payments/{known['payment_id']}")
    today = clock.today()
    rows = {row.role: row for row in record_access.accesses(known["patient_id"], today, today)}
    assert {ROLE_NAMES[Role.PHARMACIST], ROLE_NAMES[Role.CASHIER]} <= set(rows)
    assert rows[ROLE_NAMES[Role.PHARMACIST]].looked == 1
    page = desk("admin").get(f"/admin/patients/{known['patient_id']}/who-opened").get_data(as_text=True)
    assert "Medicines" in page


def test_a_refused_change_that_shows_the_record_is_a_read(program, person, known):
    stale = program("receptionist").put(
        f"/api/patients/{known['patient_id']}/",
        json={"first_name": "A", "last_name": "B", "date_of_birth": "1991-03-13", "gender": "F"},
        headers={"If-Match": '"99"'},
    )
    assert stale.status_code == 412
    assert _reads(person("receptionist").id, known["patient_id"]) == 1


def test_signing_out_is_in_the_trail(desk, person, db):
    assert desk("nurse").form("/logout").status_code == 303
    entry = db.session.scalars(select(AuditEntry).filter_by(action="staff.sign_out")).one()
    assert (entry.actor_id, entry.entity_id) == (person("nurse").id, person("nurse").id)


def test_an_encounter_without_tests_was_read_all_the_same(program, person, db):
    patient_id = whole_record("Untested")["patient_id"]
    empty = add(Encounter(patient_id=patient_id, doctor_id=person("doctor").id, started_at=clock.now()))
    assert program("doctor").get(f"/api/encounters/{empty.id}/lab_orders/").get_json() == []
    assert _reads(person("doctor").id, patient_id) == 1
