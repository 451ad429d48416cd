"""Of several programs that change one record with the same entity tag, one succeeds; the others get the record as it is now."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from hms.appointments.models import Appointment
from hms.core import clock
from hms.core.db.session import db as database
from hms.formulary.models import Medication
from hms.staff import request_user
from hms.staff.models import Role, RoleChangeRequest, User
from tests.concurrency import at_once
from tests.house.hospital import add

pytestmark = pytest.mark.security("D")

WRITERS = 4
PERSON = {"first_name": "Kadiatu", "last_name": "Kamara", "gender": "F", "date_of_birth": "1991-03-13"}
CHANGES = {
    "patients": ("nurse", lambda n: PERSON | {"address": f"{n} Hill Street"}),
    "encounters": ("doctor", lambda n: {"notes": f"Fever for {n} days"}),
    "prescriptions": ("doctor", lambda n: {"medication_name": "Zinc", "dosage": f"{n + 1} mg daily"}),
    "appointments": ("receptionist", lambda n: {"notes": f"Note {n}"}),
    "bills": ("cashier", lambda n: {"notes": f"Note {n}"}),
    "medications": ("admin", lambda n: {"reorder_level": n + 10}),
    "users": ("admin", lambda n: {"first_name": f"Nana {n}"}),
    "roles": ("admin", lambda n: {"description": f"Laboratory {n}"}),
    "role-change-requests": ("nurse", lambda n: {"reason": f"Covering week {n}"}),
    "profile": ("pharmacist", lambda n: {"first_name": f"Sia {n}"}),
    "preferences": ("cashier", lambda n: {"table_rows": 10 + n}),
    "system-settings": ("admin", lambda n: {"value": f"Hospital {n}"}),
}
"""Who changes each kind of record, and the body of each writer."""


def _user(username: str) -> User:
    return database.session.scalars(select(User).filter_by(username=username)).unique().one()


def _bearer(username: str) -> dict[str, str]:
    user = _user(username)
    return {"Authorization": f"Bearer {request_user.access_token(user.id, user.token_version)}"}


def _send(app: Flask, method: str, address: str, **more: Any) -> TestResponse:
    """The answer to one request, from a thread without the test's application context."""
    return at_once(1, lambda _: app.test_client().open(address, method=method, **more))[0]


def _records(app: Flask) -> dict[str, Any]:
    """One record of each kind, by the name of its list."""

    def make(kind: str, body: dict[str, Any], username: str) -> int:
        answer = _send(app, "POST", f"/api/{kind}/", json=body, headers=_bearer(username))
        assert answer.status_code == 201, answer.text
        return answer.json["id"]

    ids: dict[str, Any] = {"patients": make("patients", PERSON, "receptionist")}
    ids["encounters"] = make("encounters", {"patient": ids["patients"], "notes": "Fever"}, "doctor")
    order = {"encounter": ids["encounters"], "medication_name": "Zinc", "dosage": "1 tablet daily"}
    ids["prescriptions"] = make("prescriptions", order, "doctor")
    ids["bills"] = make("bills", {"patient": ids["patients"], "items": []}, "cashier")
    doctor_id, nurse_id, lab_id = (_user(name).id for name in ("doctor", "nurse", "lab"))
    when = {"date": clock.today() + dt.timedelta(days=1), "time": dt.time(9), "duration_minutes": 15}
    ids["appointments"] = add(Appointment(patient_id=ids["patients"], doctor_id=doctor_id, **when)).id
    ids["medications"] = add(Medication(name="Zinc 20 mg", generic_name="zinc", unit="tablet")).id
    role_id = database.session.scalars(select(Role.id).filter_by(code="lab")).one()
    ids["role-change-requests"] = add(
        RoleChangeRequest(user_id=nurse_id, requested_role_id=role_id, reason="Covering December")
    ).id
    return ids | {"users": lab_id, "roles": role_id, "system-settings": "hospital.name"}


def test_of_several_writers_with_one_tag_one_succeeds(real_app: Flask):
    ids, statuses = _records(real_app), {}
    for kind, (username, body) in CHANGES.items():
        address, bearer = "/".join(["/api", kind, *([str(ids[kind])] if kind in ids else []), ""]), _bearer(username)
        assert _send(real_app, "PUT", address, json=body(99), headers=bearer).status_code == 200, kind
        headers = bearer | {"If-Match": _send(real_app, "GET", address, headers=bearer).headers["ETag"]}

        def write(n: int, address: str = address, body: Any = body, headers: dict[str, str] = headers) -> int:
            return real_app.test_client().put(address, json=body(n), headers=headers).status_code

        statuses[kind] = sorted(at_once(WRITERS, write))
    assert statuses == dict.fromkeys(CHANGES, [200] + [412] * (WRITERS - 1))
