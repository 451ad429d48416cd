"""A mistyped hospital number is refused in words at every box that takes one, and never shows another person."""

from __future__ import annotations

import pytest

from hms.patients.search import queries
from tests.billing import factories as bill_factories
from tests.page import words
from tests.patients.factories import a_patient

BOXES = [
    ("receptionist", "/patients/?q="),
    ("receptionist", "/find?q="),
    ("receptionist", "/find/rows?q="),
    ("cashier", "/billing/?q="),
    ("cashier", "/billing/rows?q="),
    ("admin", "/admin/audit?patient="),
]


def wrong(number: str) -> str:
    return number[:-1] + str((int(number[-1]) + 1) % 10)


@pytest.mark.parametrize(("role", "address"), BOXES)
def test_a_page_says_check_the_number_and_shows_nobody(desk, role, address):
    patient = a_patient(family_name="Quaye")
    answer = desk(role).get(address + wrong(patient.hospital_number))
    shown = words(answer.get_data(as_text=True))
    assert "Check the number:" in shown
    assert "quaye" not in shown.lower()
    assert "Check the number:" not in words(desk(role).get(address + patient.hospital_number).get_data(as_text=True))


def test_patient_fields_say_it_with_and_without_javascript(desk):
    patient = a_patient(family_name="Quaye")
    client, typed = desk("receptionist"), wrong(patient.hospital_number)
    body = client.get(f"/appointments/patients?q={typed}").json
    assert (body["results"], body["note"][:16]) == ([], "Check the number")
    for page in ("/appointments/new", "/queue/add"):
        shown = words(client.form(page, patient_text=typed, look_up="patient_text").get_data(as_text=True))
        assert "Check the number:" in shown
        assert "quaye" not in shown.lower()
    assert client.get(f"/appointments/patients?q={patient.hospital_number}").json[0]["value"] == str(patient.id)


def test_the_api_refuses_it_at_the_parameter(program):
    patient = a_patient()
    client = program("receptionist")
    answer = client.get(f"/api/patients/?search={wrong(patient.hospital_number)}")
    assert answer.status_code == 400
    assert answer.json["search"][0].startswith("Check the number")
    found = client.get(f"/api/patients/?search={patient.hospital_number}").json
    assert [row["id"] for row in found] == [patient.id]


OTHER = "HSM-000012-3"
"""Two letters of the prefix are exchanged."""


@pytest.mark.parametrize(("role", "address"), BOXES[:5])
def test_a_number_with_another_prefix_is_named_and_the_other_words_find_people(desk, role, address):
    patient = a_patient(family_name="Quaye")
    bill_factories.draft(patient.id, "20.00")
    alone = words(desk(role).get(address + OTHER).get_data(as_text=True))
    assert f"{OTHER} is no number of this hospital." in alone
    assert "quaye" not in alone.lower()
    beside = words(desk(role).get(f"{address}quaye {OTHER}").get_data(as_text=True))
    assert f"{OTHER} is no number of this hospital." in beside
    assert "QUAYE" in beside


def test_a_number_with_another_prefix_is_refused_where_it_stands_alone(desk, program):
    patient = a_patient(family_name="Quaye")
    client = program("receptionist")
    refused = client.get(f"/api/patients/?search={OTHER}")
    assert (refused.status_code, refused.json["search"][0][: len(OTHER)]) == (400, OTHER)
    found = client.get(f"/api/patients/?search=quaye {OTHER}")
    assert [row["id"] for row in found.json] == [patient.id]
    assert found.headers["X-Search-Ignored"] == "other_number"
    field = desk("receptionist").get(f"/appointments/patients?q=quaye {OTHER}").json
    assert [row["value"] for row in field["results"]] == [str(patient.id)]
    assert field["note"].startswith(OTHER)
    assert "no number of this hospital" in words(
        desk("admin").get(f"/admin/audit?patient={OTHER}").get_data(as_text=True)
    )


@pytest.mark.parametrize("typed", ["B-2026-000123", "r2026000931", "kadiatu 076123476", "HMS-0000", "A1", "kofi 52"])
def test_other_words_with_digits_are_no_hospital_numbers(person, typed):
    assert queries.number_problem(typed, who=person("receptionist")) is None
