"""A role cannot filter, search, sort or count by what it may not see: the declared parameters of every list of the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from marshmallow import Schema
from werkzeug.routing import Rule

from hms.clinical.models import Prescription
from hms.core.audit.models import AuditEntry
from hms.core.db.session import db as database
from hms.core.permissions import Permission
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.core.web.parameters import PAGING, Choice, Ordering
from hms.core.web.rate_limits import limiter
from tests.house.hospital import add, somebody, whole_record
from tests.house.places import filled

pytestmark = [pytest.mark.security("D"), pytest.mark.slow]

STRANGE = ("endpoint", "_scheme", "_anchor", "_method", "_external", "values", "self", "format", "foo", "__class__")
NOT_PAGED = {"patients/lookalikes"}
"""Returns only a few similar records."""
ROLES = ("admin", "doctor", "nurse", "receptionist", "pharmacist", "cashier", "lab", "patient")
CARE, BOOKING = {"admin", "doctor", "nurse"}, {"admin", "doctor", "nurse", "receptionist"}
OWN = {"patient"}

MAY_USE: dict[str, dict[str, set[str]]] = {
    "patients": {"date": BOOKING | OWN, "date_from": BOOKING | OWN, "date_to": BOOKING | OWN},
    "appointments": dict.fromkeys(
        ("doctor", "doctor_id", "visit_type", "visit_type_id", "department", "department_id"), BOOKING | OWN
    ),
    "encounters": {"status": CARE | OWN},
    "prescriptions": dict.fromkeys(
        ("patient", "patient_id", "medication", "medication_id"), CARE | OWN | {"pharmacist"}
    ),
    "users": {"is_active": {"admin"}},
    "bills": dict.fromkeys(
        ("encounter", "encounter_id", "status", "search", "date", "date_from", "date_to"),
        {"admin", "receptionist", "cashier"} | OWN,
    )
    | {"show": {"admin", "receptionist", "cashier"}},
    "service-catalog": {"with_inactive": {"admin"}},
}
"""By list and parameter: the roles that may see the filtered value (the projections of the permission matrix)."""
MAY_SORT: dict[str, dict[str, set[str]]] = {
    "patients": {
        "created_at": BOOKING | OWN,
        "updated_at": BOOKING | OWN,
        "date_of_birth": BOOKING | OWN | {"pharmacist", "lab"},
    },
    "appointments": {"created_at": BOOKING | OWN, "updated_at": BOOKING | OWN},
    "encounters": dict.fromkeys(("encounter_date", "signed_at", "updated_at"), CARE | OWN),
    "prescriptions": dict.fromkeys(("signed_at", "updated_at"), CARE | OWN | {"pharmacist"}),
    "medications": dict.fromkeys(("generic_name", "current_stock", "reorder_level"), CARE | {"pharmacist", "cashier"}),
    "users": {"username": {"admin"}, "email": {"admin"}},
    "bills": dict.fromkeys(("date_issued", "total_amount"), {"admin", "receptionist", "cashier"} | OWN),
}
DOCUMENTED = {
    "patients": {"search", "ordering", "date", "date_from", "date_to"},
    "appointments": {"patient", "doctor", "status", "date", "date_from", "date_to", "upcoming", "ordering"},
    "encounters": {"patient", "doctor", "appointment", "status", "date", "date_from", "date_to"},
    "prescriptions": {"patient", "encounter", "medication", "status", "date", "date_from", "date_to"},
    "bills": {"patient", "encounter", "status", "is_paid", "date", "date_from", "date_to", "search", "ordering"},
    "bill-items": {"bill", "service"},
    "payments": {"bill", "received_by", "method", "date", "date_from", "date_to", "ordering"},
    "medications": {"search"},
    "users": {"role"},
    "roles": set(),
    "role-change-requests": {"user", "requested_role", "status", "date", "date_from", "date_to"},
    "notifications": {"related_appointment", "unread", "date", "date_from", "date_to"},
    "audit-logs": {"user", "patient", "date", "date_from", "date_to"},
    "audit_logs": {"user", "patient", "date", "date_from", "date_to"},
    "login-activity": {"user", "status", "date", "date_from", "date_to"},
    "system-settings": set(),
    "service-catalog": {"search"},
    "stock-batches": {"medication_item", "medication"},
    "dispensing-logs": {"prescription", "patient", "medication", "dispensed_by"},
    "stock-adjustments": {"medication_item", "stock_batch", "adjusted_by"},
    "lab_orders": {"patient", "encounter", "status"},
}
"""Parameters of lists besides paging: foreign keys by name, status, days, and those that known clients send."""


def _rules(app: Flask) -> list[Rule]:
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    return sorted((rule for rule in rules if rule.rule.startswith("/api/")), key=lambda rule: rule.rule)


def _declared(app: Flask, rule: Rule) -> Schema | None:
    return getattr(app.view_functions[rule.endpoint], "parameters", None)


def _lists(app: Flask) -> Iterator[tuple[Rule, Schema]]:
    """Every address that returns a list, from the OpenAPI document."""
    paths = app.extensions["hms_api"].spec.to_dict()["paths"]
    for rule in _rules(app):
        path = filled(rule, "{{}}")
        answers = paths[path]["get"]["responses"].get("200", {})
        schema = answers.get("content", {}).get("application/json", {}).get("schema", {})
        if schema.get("type") == "array":
            declared = _declared(app, rule)
            assert declared is not None, f"{rule.rule} is a list and declares no parameters"
            yield rule, declared


def _address(rule: Rule, number: str = "1") -> str:
    return filled(rule, number)


def _name(rule: Rule) -> str:
    return rule.rule.removeprefix("/api/").strip("/")


def test_every_list_declares_paging_and_what_is_documented(app):
    names, wrong = set(), []
    for rule, declared in _lists(app):
        names.add(_name(rule))
        due = (set() if _name(rule) in NOT_PAGED else set(PAGING)) | DOCUMENTED.get(_name(rule), set())
        due |= {f"{name}_id" for name in due if f"{name}_id" in declared.fields}
        if missing := due - set(declared.fields):
            wrong.append(f"{rule.rule} does not take {sorted(missing)}")
    assert wrong == []
    assert set(DOCUMENTED) <= names


def test_the_document_lists_what_is_declared(app):
    paths = app.extensions["hms_api"].spec.to_dict()["paths"]
    for rule, declared in _lists(app):
        path = filled(rule, "{{}}")
        told = {one["name"] for one in paths[path]["get"].get("parameters", []) if one["in"] == "query"}
        assert told == set(declared.fields), rule.rule


@pytest.mark.parametrize("role", ["admin", "patient"])
def test_an_unknown_parameter_is_named_in_a_400(app, program, role, record_property):
    """At every address of GET, one parameter at a time and all together; the response has nothing else."""
    client, wrong, sent = program(role), [], 0
    for rule in _rules(app):
        if client.get(_address(rule)).status_code in (401, 403):
            continue
        strange = [name for name in STRANGE if name != "format" or "/export" not in rule.rule]
        for asked in (*({name: "x"} for name in strange), dict.fromkeys(strange, "1") | {"page": "1"}):
            answer = client.get(_address(rule), query_string=asked)
            sent += 1
            named = set(answer.get_json())
            if answer.status_code != 400 or not set(asked) - {"page"} <= named or named - set(asked):
                wrong.append(f"{rule.rule}?{asked}: {answer.status_code} {sorted(named)}")
    record_property("counted", ("unknown parameters: not named in a 400", sent, len(wrong)))
    assert wrong == []
    assert sent > 100


def _some_value(name: str, field: Any) -> str:
    if isinstance(field, Choice):
        return field.known[0]
    known = {
        "cursor": "",
        "is_paid": "true",
        "upcoming": "true",
        "unread": "1",
        "is_read": "0",
        "method": "Cash",
        "month": "2026-11",
        "gender": "F",
    }
    return known.get(name, "2026-11-02" if name.startswith(("date", "done_on")) else "1")


@pytest.mark.parametrize("role", ROLES)
def test_a_parameter_is_open_to_those_who_see_what_it_asks_for(app, program, role, record_property):
    """Every declared parameter of every list, one at a time: 200, or 400 with its name, as the projections say."""
    whole_record("Known")
    limiter.reset()  # the public lists are open to everybody, and limited by address
    client, wrong, sent = program(role), [], 0
    for rule, declared in _lists(app):
        if client.get(_address(rule)).status_code != 200:
            continue
        for name, field in declared.fields.items():
            may = role in MAY_USE.get(_name(rule), {}).get(name, set(ROLES))
            for value in field.known if isinstance(field, Ordering) else (_some_value(name, field),):
                column = value.removeprefix("-") if isinstance(field, Ordering) else ""
                is_open = may and role in MAY_SORT.get(_name(rule), {}).get(column, set(ROLES))
                answer = client.get(_address(rule), query_string={name: value})
                sent += 1
                is_right = answer.status_code == 200 if is_open else answer.status_code == 400
                if not is_right or (not is_open and set(answer.get_json()) != {name}):
                    wrong.append(f"{rule.rule}?{name}={value}: {answer.status_code}")
    record_property("counted", (f"parameters of lists as {role}: not as the projections say", sent, len(wrong)))
    assert wrong == []
    assert sent > 20


@pytest.mark.parametrize("role", ["cashier", "receptionist", "lab"])
def test_the_medicines_of_a_patient_are_not_found_by_asking(program, role):
    """Neither the response nor the length of the list shows it, and the attempt is in the audit trail."""
    known = whole_record("Known")
    order = database.session.get(Prescription, known["prescription_id"])
    client = program(role)
    for medication_id in (order.medication_id or 1, 987_654_321):
        answer = client.get(f"/api/prescriptions/?patient={known['patient_id']}&medication={medication_id}")
        assert (answer.status_code, set(answer.get_json())) == (400, {"patient", "medication"})
        assert "X-Total-Count" not in answer.headers
    entries = database.session.query(AuditEntry).filter_by(outcome="denied", actor_name=role).all()
    assert entries


def test_an_administrator_who_needs_a_reason_may_not_filter_by_what_it_opens(program):
    settings.change_setting("clinical.admin_requires_break_glass", True, by=SYSTEM)
    settings.clear_cache()
    client = program("admin")
    for address in ("prescriptions/?medication=1", "prescriptions/?patient_id=1", "encounters/?status=signed"):
        assert client.get(f"/api/{address}").status_code == 400, address
    assert client.get("/api/encounters/?patient=1&date=2026-11-02").status_code == 200


def _patient(program) -> dict[str, Any]:
    body = {"first_name": "Zainabu", "last_name": "Kpaka", "date_of_birth": "1987-03-14", "gender": "F"}
    return program("receptionist").post("/api/patients/", json=body | {"contact_info": "076 555 019"}).get_json()


@pytest.mark.parametrize("role", ROLES[:-1])
def test_patients_are_found_by_what_the_role_is_shown(program, role):
    """The phone and the birth date find only for those who see them, and change nothing for the others; name and number find
    for everybody."""
    one, client = _patient(program), program(role)
    phones = {"receptionist", "nurse", "doctor", "admin", "cashier"}
    births = set(ROLES) - {"cashier"}
    parts = dict.fromkeys(("Kpaka", one["unique_id"], "Kpaka 5019", "Kpaka 1987"), set(ROLES))
    parts |= dict.fromkeys(("076 555 019", "555019", "5550"), phones)
    parts |= dict.fromkeys(("1987-03-14", "14.3.1987", "14031987", "1987"), births)
    for text, roles in parts.items():
        answer = client.get("/api/patients/", query_string={"search": text})
        ids = {row["id"] for row in answer.get_json()}
        assert (one["id"] in ids) == (role in roles), f"{role} looks for {text}"
        assert int(answer.headers["X-Total-Count"]) == len(ids)
    for own, wrong, roles in (("Kpaka 5019", "Kpaka 8046", phones), ("Kpaka 1987", "Kpaka 1931", births)):
        if role not in roles:
            found = [client.get("/api/patients/", query_string={"search": text}).get_json() for text in (own, wrong)]
            assert found[0] == found[1]


@pytest.mark.parametrize("role", ["pharmacist", "lab", "cashier", "receptionist"])
def test_pages_find_by_phone_only_for_those_who_see_it(program, desk, role):
    """The page shows the last three digits to the others, and the find box shows no more."""
    one = _patient(program)
    for address in ("/find", "/find/rows", "/patients/"):
        for text in ("5550", "555019"):
            page = desk(role).get(address, query_string={"q": text})
            assert (one["unique_id"] in page.get_data(as_text=True)) == (role in ("cashier", "receptionist")), (
                f"{address} {text}"
            )
        for text in ("Kpaka", "Kpaka 5019"):
            assert one["unique_id"] in desk(role).get(address, query_string={"q": text}).get_data(as_text=True)


def test_medicines_are_found_by_their_name_alone_where_nothing_else_is_shown(program):
    admin = program("admin")
    body = {"name": "Zzymol", "generic_name": "hiddenine", "brand_name": "Qbrand", "strength": "77 mg"}
    made = admin.post("/api/medications/", json=body | {"formulation": "Tablet"}).get_json()
    for role, is_whole in (("pharmacist", True), ("doctor", True), ("lab", False), ("receptionist", False)):
        for text, is_name in (("zzym", True), ("hiddenine", False), ("qbrand", False)):
            rows = program(role).get("/api/medications/", query_string={"search": text}).get_json()
            assert (made["id"] in {row["id"] for row in rows}) == (is_whole or is_name), f"{role} {text}"


def test_a_page_ignores_what_it_does_not_know(desk):
    """Bookmarks and links from other sites have parameters that no page uses."""
    for role, addresses in {
        "admin": ("/", "/admin/audit", "/admin/sign-ins", "/admin/users", "/billing/", "/reports/", "/patients/"),
        "pharmacist": ("/pharmacy/", "/pharmacy/stock", "/notifications", "/find"),
        "doctor": ("/appointments/", "/appointments/week", "/queue/", "/note-templates"),
    }.items():
        client = desk(role)
        for address in addresses:
            assert client.get(address, query_string=dict.fromkeys(STRANGE, "1")).status_code == 200, address


def test_links_to_other_pages_of_a_list_carry_what_was_asked(program):
    for number in range(3):
        whole_record(f"Linked{number}")
    body = program("admin").get("/api/bills/?is_paid=false&page_size=1&ordering=id").get_json()
    assert "is_paid=false" in body["next"]
    second = program("admin").get(body["next"]).get_json()
    assert second["results"][0]["id"] > body["results"][0]["id"]
    assert program("admin").get(second["previous"]).get_json()["results"] == body["results"]


def test_roles_of_the_hospital_s_own_are_held_to_their_grants(program):
    """The grant allows a parameter, not the name of the role."""
    from hms.staff.models import Role as StoredRole

    role = add(StoredRole(name="Records clerk", code="records_clerk", grants=[Permission.LIST_PRESCRIPTIONS.value]))
    somebody("clerk", "records_clerk")
    assert role.id
    assert program("clerk").get("/api/prescriptions/?medication=1").status_code == 400
    assert program("clerk").get("/api/prescriptions/?status=active").status_code == 200
