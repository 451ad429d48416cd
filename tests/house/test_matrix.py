"""Every endpoint of the original × every role (and nobody) answers as the permission matrix says, on real records.

The letters of the matrix: F all, P projected fields, O one's own (others' do not exist), T all but closed records, B
content after break-glass only, V withdrawn but kept, 2 a second person, E nothing, I entry by entry, S as the setting
says, N refused.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from werkzeug.exceptions import MethodNotAllowed, NotFound

from hms.billing.models import Bill, BillLine
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.money import Money
from hms.core.permissions import DEFAULT_GRANTS, Permission, Role
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.messages.models import Notification
from hms.patients.access import actions
from hms.staff.models import Role as StoredRole
from hms.staff.models import RoleChangeRequest, User
from tests.house.hospital import add, paid, somebody, whole_record

pytestmark = [pytest.mark.security("D"), pytest.mark.slow]

MATRIX = Path(__file__).with_name("permissions.csv")
ROLES = ("admin", "doctor", "nurse", "receptionist", "pharmacist", "cashier", "lab", "patient")
with MATRIX.open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))
ENDPOINTS = [row for row in ROWS if row["method"] != "ACTION"]

ID = {
    "patients": "patient_id",
    "appointments": "appointment_id",
    "encounters": "encounter_id",
    "prescriptions": "prescription_id",
    "medications": "medication_id",
    "bills": "bill_id",
    "payments": "payment_id",
    "users": "user_id",
    "roles": "role_id",
    "role-change-requests": "request_id",
}
WHO = {"id", "unique_id", "first_name", "last_name", "deceased", "deceased_on"}
BORN = {"date_of_birth", "date_of_birth_is_estimated"}
DEMOGRAPHICS = WHO | BORN | {"has_recent_appointment", "gender", "contact_info", "address"}
DEMOGRAPHICS |= {
    "area",
    "payer",
    "payer_number",
    "created_at",
    "updated_at",
    "other_names",
    "national_id",
    "other_numbers",
}
COLLEAGUE = {"id", "display_name", "first_name", "last_name", "role"}
"""First and last name are sent in addition to the display name, because clients of the original read them."""
PROJECTED: dict[str, dict[str, set[str]]] = {
    "patients": {
        "receptionist": DEMOGRAPHICS,
        "pharmacist": WHO | BORN | {"gender", "known_allergies"},
        "cashier": WHO | {"contact_info"},
        "lab": WHO | BORN | {"gender"},
        "admin": DEMOGRAPHICS | {"known_allergies"},
    },
    "appointments": dict.fromkeys(("pharmacist", "cashier", "lab"), {"id", "patient", "date", "time", "status"}),
    "encounters": dict.fromkeys(
        ("receptionist", "pharmacist", "cashier", "lab"), {"id", "patient", "appointment", "doctor", "created_at"}
    ),
    "prescriptions": dict.fromkeys(("receptionist", "cashier", "lab"), {"id", "encounter", "created_at", "status"}),
    "bills": dict.fromkeys(("doctor", "nurse", "pharmacist", "lab"), {"id", "patient", "is_paid"}),
    "medications": dict.fromkeys(("receptionist", "lab", "patient"), {"id", "name", "unit"}),
    "users": dict.fromkeys(ROLES, COLLEAGUE),
    "roles": dict.fromkeys(ROLES, {"id", "name", "description"}),
}
NEVER = {"password", "password_hash", "two_factor_secret", "totp_secret", "pin_hash", "token_version", "recovery_codes"}


def _name(row: dict[str, str]) -> str:
    return f"{row['method']} {row['rule']}"


def _resource(row: dict[str, str]) -> str:
    return row["rule"].removeprefix("/api/").partition("/")[0]


@pytest.fixture
def hospital(db) -> dict[str, dict[str, dict[str, int]]]:
    """Ids of what is each role's own, of a stranger's, and of a closed record, by resource."""
    somebody("doctor2", "doctor")
    own, foreign = whole_record("Own"), whole_record("Foreign", doctor="doctor2")
    closed = whole_record("Closed", doctor="doctor2", days_ago=60)
    actions.restrict(closed["patient_id"], reason="Works at this hospital", by=SYSTEM)
    with action_context("tests.seed", SYSTEM):
        patient = database.session.scalars(select(User).filter_by(username="patient")).one()
        patient.patient_id = own["patient_id"]
    mine = {role: dict(own) for role in ROLES}
    for role in ROLES:
        mine[role] |= _of_account(role)
        mine[role]["user_id"] = foreign["user_id"]
    mine["receptionist"] |= _of_the_front_desk(own["patient_id"])
    return {"own": mine, "foreign": foreign | _of_account("doctor2"), "closed": closed}


def _of_account(username: str) -> dict[str, int]:
    user = database.session.scalars(select(User).filter_by(username=username)).one()
    wanted = database.session.scalars(select(StoredRole.id).filter_by(code="lab")).one()
    told = add(Notification(user_id=user.id, title=f"For {username}"))
    if username == "patient":
        return {"notification_id": told.id, "request_id": 0}
    asked = add(RoleChangeRequest(user_id=user.id, requested_role_id=wanted, reason="Covering in December"))
    return {"notification_id": told.id, "request_id": asked.id}


def _of_the_front_desk(patient_id: int) -> dict[str, int]:
    by = database.session.scalars(select(User.id).filter_by(username="receptionist")).one()
    bill = add(Bill(patient_id=patient_id, total=Money("10.00")))
    price = {"unit_price": Money("10.00"), "amount": Money("10.00")}
    add(BillLine(bill_id=bill.id, description="Card", added_by_id=by, **price))
    payment = paid(whole_record("Third")["bill_id"], 999_901, clock.now(), by="receptionist")
    return {"bill_id": bill.id, "payment_id": payment.id}


def _is_open(app, row: dict[str, str]) -> bool:
    try:
        app.url_map.bind("").match(row["rule"].replace("{id}", "1"), method=row["method"])
    except (NotFound, MethodNotAllowed):
        return False
    return True


def test_every_endpoint_is_open(app):
    assert [_name(row) for row in ENDPOINTS if not _is_open(app, row)] == []


@pytest.mark.parametrize("role", [*ROLES, "anon"])
def test_a_role_is_refused_exactly_where_the_matrix_says(program, role, record_property):
    client, wrong = program(None if role == "anon" else role), []
    for row in ENDPOINTS:
        path = row["rule"].replace("{id}", "987654321")
        answer = client.open(path, method=row["method"], json={} if row["method"] in ("POST", "PUT") else None)
        is_refused = answer.status_code == (401 if role == "anon" else 403)
        if is_refused != (row[role] == "N"):
            wrong.append(f"{_name(row)}: {row[role]} but {answer.status_code}")
    record_property("counted", ("permission matrix: endpoints × roles, who is refused", len(ENDPOINTS), len(wrong)))
    assert wrong == []


def _reads(role: str, letters: str, *, one: bool) -> Iterator[tuple[dict[str, str], str]]:
    for row in ENDPOINTS:
        is_one = "{id}" in row["rule"]
        if row["method"] == "GET" and _resource(row) in ID and is_one == one and row[role] in letters:
            yield row, _resource(row)


@pytest.mark.parametrize("role", ROLES)
def test_one_record_is_read_as_the_matrix_says(program, hospital, role, record_property):
    """F and P: own and others'. O: own only. T: all but closed ones. Fields of P exactly."""
    client, wrong, checked = program(role), [], 0
    for row, resource in _reads(role, "FPOTB", one=True):
        letter, name = row[role], ID[resource]
        asked = [("own", hospital["own"][role][name], 200)]
        asked.append(("foreign", hospital["foreign"][name], 404 if letter == "O" else 200))
        if resource in ("patients", "encounters", "prescriptions"):
            closed = {"T": 403 if resource == "patients" else 404, "O": 404}.get(letter, 200)
            asked.append(("closed", hospital["closed"][name], closed))
        for whose, number, due in asked:
            if resource in ("users", "roles") and whose == "foreign":
                continue
            answer = client.get(row["rule"].replace("{id}", str(number)))
            checked += 1
            if answer.status_code != due:
                wrong.append(f"{_name(row)} {whose}: {letter} but {answer.status_code}")
            elif due == 200:
                wrong += _wrong_fields(row, role, answer.get_json(), is_closed=whose == "closed")
    record_property("counted", ("permission matrix: single records, own, others' and closed", checked, len(wrong)))
    assert wrong == []


def _wrong_fields(row: dict[str, str], role: str, body: dict[str, object], *, is_closed: bool = False) -> list[str]:
    """For a restricted record the pharmacist sees the identity, and that there is a prescription."""
    wrong = [f"{_name(row)} shows {sorted(NEVER & set(body))}"] if NEVER & set(body) else []
    due = PROJECTED[_resource(row)][role] if row[role] == "P" else None
    if is_closed and role == "pharmacist":
        due = due - {"known_allergies"} if due is not None else PROJECTED["prescriptions"]["cashier"]
    if due is not None and set(body) != due:
        wrong.append(f"{_name(row)} as {role}: fields {sorted(set(body) ^ due)}")
    return wrong


@pytest.mark.parametrize("role", ROLES)
def test_lists_hold_what_the_matrix_says(program, hospital, role):
    """F and P hold all, O one's own only, T no closed ones, E nothing."""
    client, wrong = program(role), []
    for row, resource in _reads(role, "FPOTBE", one=False):
        if resource in ("users", "roles", "medications"):
            continue
        rows = client.get(f"{row['rule']}?page_size=100").get_json()["results"]
        seen, name, letter = {one["id"] for one in rows}, ID[resource], row[role]
        own, foreign = hospital["own"][role][name], hospital["foreign"][name]
        closed = hospital["closed"].get(name)
        due = {"O": {own}, "E": set(), "T": {own, foreign}}.get(letter, {own, foreign} | ({closed} - {None}))
        if letter in "OE":
            due = due | ({hospital["own"]["patient"][name]} if role == "patient" and letter == "O" else set())
            extra = seen - due - _also_own(role, resource)
            wrong += [f"{_name(row)}: {letter} but holds {sorted(extra)}"] if extra else []
        if not due <= seen or (letter == "T" and resource != "patients" and closed in seen):
            wrong.append(f"{_name(row)}: {letter} but holds {sorted(seen)}")
        for one in rows[:3]:
            is_closed = resource in ("patients", "prescriptions") and one["id"] == closed
            wrong += _wrong_fields(row, role, one, is_closed=is_closed)
    assert wrong == []


def _also_own(role: str, resource: str) -> set[int]:
    """The patient's second bill, which the front desk wrote."""
    if (role, resource) != ("patient", "bills"):
        return set()
    patient = select(User.patient_id).filter_by(username="patient").scalar_subquery()
    return set(database.session.scalars(select(Bill.id).where(Bill.patient_id == patient)))


@pytest.mark.parametrize("role", ["doctor", "receptionist", "nurse", "cashier"])
def test_others_objects_cannot_be_written_as_if_there_were_none(program, hospital, role):
    """PUT of O: one's own is never "not found" or refused; another's is "not found"."""
    client, wrong = program(role), []
    for row in ENDPOINTS:
        resource = _resource(row)
        if row["method"] != "PUT" or row[role] != "O" or resource not in ID or "{id}" not in row["rule"]:
            continue
        for whose, known, found in (("own", hospital["own"][role], True), ("foreign", hospital["foreign"], False)):
            path = row["rule"].replace("{id}", str(known[ID[resource]]))
            body = client.get(path).get_json() if resource != "role-change-requests" else {"reason": "Other words"}
            status = client.put(path, json=body).status_code
            if (status == 404) == found or status == 403:
                wrong.append(f"{_name(row)} {whose}: {status}")
    assert wrong == []


@pytest.mark.parametrize("role", ["admin", "receptionist", "nurse", "doctor"])
def test_a_full_put_is_accepted_while_equal_and_refused_by_name_when_not(program, hospital, role):
    """What the role may not write is accepted when it is what is stored, else 403 with the field's name."""
    client = program(role)
    path = f"/api/patients/{hospital['own'][role]['patient_id']}/"
    body = client.get(path).get_json()
    assert client.put(path, json=body).status_code == 200
    changed = client.put(path, json=body | {"known_allergies": "latex"})
    if role in ("nurse", "doctor"):
        assert changed.status_code == 200
    else:
        assert changed.status_code == 403
        assert "known_allergies" in changed.get_json()["detail"]
    path = f"/api/appointments/{hospital['own'][role]['appointment_id']}/"
    body = client.get(path).get_json()
    assert client.put(path, json=body).status_code == 200
    if role == "nurse":
        refused = client.put(path, json=body | {"notes": "Something else"})
        assert refused.status_code == 403
        assert "notes" in refused.get_json()["detail"]


def test_stock_and_money_are_not_written_by_a_put(program, hospital):
    admin = program("admin")
    medicine = f"/api/medications/{hospital['foreign']['medication_id']}/"
    before = admin.get(medicine).get_json()
    assert admin.put(medicine, json=before | {"current_stock": 99_999}).status_code == 200
    assert admin.get(medicine).get_json()["current_stock"] == before["current_stock"]
    payment = f"/api/payments/{hospital['foreign']['payment_id']}/"
    assert admin.put(payment, json={"amount": "999.00"}).status_code == 409


def test_what_is_deleted_is_withdrawn_and_kept(program, hospital):
    """V: afterwards it does not exist for the others; the row stays. Money is given back by two persons (202)."""
    admin, doctor, kept = program("admin"), program("doctor"), []
    for row in ENDPOINTS:
        resource = _resource(row)
        if row["method"] != "DELETE" or row["admin"] != "V":
            continue
        number = hospital["foreign"].get(ID[resource])
        before = _rows(resource)
        status = admin.delete(row["rule"].replace("{id}", str(number))).status_code
        assert status in (204, 202, 409), f"{_name(row)}: {status}"
        assert _rows(resource) >= before, f"{_name(row)} erased a row"
        if status == 204 and resource not in ("users", "medications", "bills", "payments"):
            kept.append(doctor.get(row["rule"].replace("{id}", str(number))).status_code)
    assert set(kept) <= {404, 403}


TABLES = {"role-change-requests": "role_change_request", "users": "app_user"}


def _rows(resource: str) -> int:
    name = TABLES.get(resource, resource.removesuffix("s"))
    table = database.metadata.tables[name]
    return len(database.session.execute(select(table.c.id)).all())


def test_clinical_content_needs_a_reason_of_an_administrator_when_the_hospital_says_so(program, hospital):
    """B: with the setting on, what is left is what the desks outside of care see; allergies are left out too."""
    settings.change_setting("clinical.admin_requires_break_glass", True, by=SYSTEM)
    settings.clear_cache()
    admin, wrong = program("admin"), []
    for row in ENDPOINTS:
        resource = _resource(row)
        if row["admin"] != "B":
            continue
        body = admin.get(row["rule"].replace("{id}", str(hospital["foreign"][ID[resource]]))).get_json()
        for one in [body] if "{id}" in row["rule"] else body:
            due = PROJECTED[resource]["cashier"]
            wrong += [] if set(one) == due else [f"{_name(row)}: {sorted(set(one) ^ due)}"]
    assert wrong == []
    patient = admin.get(f"/api/patients/{hospital['foreign']['patient_id']}/").get_json()
    assert set(patient) == DEMOGRAPHICS


@pytest.mark.parametrize("role", ROLES)
def test_empty_answers_are_empty(program, hospital, role):
    """E on reports and figures: 200 with nothing in it."""
    client = program(role)
    for row in ENDPOINTS:
        if row["method"] == "GET" and row[role] == "E" and _resource(row) in ("report", "dashboard-stats"):
            answer = client.get(row["rule"])
            assert answer.status_code == 200
            assert not any(_flat(answer.get_json())), f"{_name(row)}: {answer.get_json()}"


def _flat(value: object) -> Iterator[object]:
    """The values that are not zero or empty."""
    if isinstance(value, dict):
        for part in value.values():
            yield from _flat(part)
    elif isinstance(value, list):
        for part in value:
            yield from _flat(part)
    else:
        yield value not in (0, "0.00", None, "", False)


def test_nobody_reads_another_s_notices(program, hospital):
    for role in ROLES:
        mine = program(role).get("/api/notifications/").get_json()
        assert {one["title"] for one in mine} <= {f"For {role}", "A result", "A value"}
        other = hospital["foreign"]["notification_id"]
        assert program(role).post(f"/api/notifications/{other}/mark_read/").status_code == 404


def test_two_persons_make_an_administrator(program, hospital):
    """2: one's own request is never one's own to approve, and the grant of the administrator's role waits for a second."""
    admin, _second = program("admin"), somebody("admin2", "admin")
    own = hospital["own"]["admin"]["request_id"]
    assert admin.post(f"/api/role-change-requests/{own}/approve/", json={}).status_code in (400, 403, 409)
    top = database.session.scalars(select(StoredRole.id).filter_by(code="admin")).one()
    nurse = database.session.scalars(select(User).filter_by(username="nurse")).one()
    asked = add(RoleChangeRequest(user_id=somebody("ward", "nurse").id, requested_role_id=top, reason="Night duty"))
    answer = admin.post(f"/api/role-change-requests/{asked.id}/approve/", json={})
    assert answer.get_json()["status"] == "pending"
    admin.post("/api/role-change-requests/assign_role/", json={"user_id": nurse.id, "role_id": top})
    database.session.refresh(nurse)
    assert nurse.role_id != top


NAMED = {
    "pharmacy: dispense a prescription (stock ledger)": Permission.DISPENSE,
    "pharmacy: receive / adjust stock with reason": Permission.RECEIVE_STOCK,
    "billing: issue final number, print / PDF of a bill": Permission.ISSUE_BILL,
    "billing: refund, write-off, discount over limit": Permission.APPROVE_CORRECTION,
    "billing: close the till / day report": Permission.WORK_TILL,
    "clinic: addendum to a closed encounter": Permission.ADD_ADDENDUM,
    "clinic: override an allergy warning": Permission.OVERRIDE_ALERT,
    "break-glass open (restricted patient)": Permission.BREAK_GLASS,
    "break-glass / access review": Permission.REVIEW_ACCESS,
    "CSV/XLSX export of patients": Permission.EXPORT_PATIENTS,
    "system settings: write": Permission.MANAGE_SETTINGS,
    "end another user's sessions, unlock, reset 2FA": Permission.MANAGE_STAFF,
    "lab: enter results (when labs exist)": Permission.ENTER_RESULT,
}
OPEN_TO_ALL = {"own security page (sessions, 2FA, login history)"}
NOT_YET = {"patient merge", "CSV/XLSX export of bills, payments"}


def test_actions_are_granted_as_the_matrix_says():
    wrong = []
    for row in ROWS:
        if row["method"] != "ACTION" or row["rule"] in OPEN_TO_ALL | NOT_YET:
            continue
        granted = {role for role in ROLES if NAMED[row["rule"]] in DEFAULT_GRANTS[Role(role)]}
        due = {role for role in ROLES if row[role] != "N"} - {"patient"}
        wrong += [f"{row['rule']}: {sorted(granted ^ due)}"] if granted != due else []
    assert wrong == []
