"""Further phones and the next of kin: on pages, in the API, found by the search line, moved by a merge."""

from __future__ import annotations

from sqlalchemy import select

from hms.core.db.session import db as database
from hms.patients.contacts import actions, queries
from hms.patients.forms import fields_from_search
from hms.patients.merging import actions as merging
from hms.patients.models import Patient
from hms.patients.search.queries import search_patients
from tests.patients.factories import a_patient


def _found(typed: str, who) -> list[int]:
    return [hit.id for hit in search_patients(typed, who=who) if not hit.is_similar]


def test_programs_record_phones_and_relatives(program, db):
    patient, sister = a_patient(phone=""), a_patient(phone="")
    clerk, cashier, lab = program("receptionist"), program("cashier"), program("lab")
    phones, kin = (f"/api/patients/{patient.id}/{name}/" for name in ("phones", "relatives"))
    for wrong in ({}, {"number": "no digits"}, {"number": "076 555 111", "owner": "x"}, {"number": "1" * 60}):
        assert clerk.post(phones, json=wrong).status_code == 400, wrong
    made = clerk.post(phones, json={"number": "076 555 111", "owner": "neighbour", "label": "Mr Sesay"})
    assert (made.status_code, made.json["number"], made.json["is_checked"]) == (201, "+23276555111", True)
    whose = {"name": "Aminata"}
    for wrong in ({}, whose | {"relation": "x"}, whose | {"record": 10**30}, whose | {"record": patient.id}):
        assert clerk.post(kin, json={"name": "", "relation": "sibling"} | wrong).status_code == 400, wrong
    relative = {"name": "Aminata Kamara", "relation": "sibling", "phone": "076 555 222", "record": sister.id}
    linked = clerk.post(kin, json=relative)
    assert (linked.status_code, linked.json["record"]) == (201, sister.id)
    assert (lab.get(phones).status_code, len(cashier.get(phones).json)) == (403, 1)
    assert clerk.get(f"{phones}?owner=own").json == []
    one = f"{phones}{made.json['id']}/"
    assert clerk.put(one, json={"number": "076 555 333"}, headers={"If-Match": '"7"'}).status_code == 412
    assert clerk.put(one, json={"number": "076 555 333"}).json["owner"] == "own"
    assert clerk.delete(f"/api/patients/{sister.id}/phones/{made.json['id']}/").status_code == 404
    gone = f"{kin}{linked.json['id']}/"
    assert (clerk.delete(gone).status_code, clerk.delete(gone).status_code) == (204, 404)


def test_phones_and_relatives_are_found_and_move_with_a_merge(person):
    patient, sister, other = a_patient(phone=""), a_patient(phone=""), a_patient(phone="")
    who = person("receptionist")
    phone = actions.save_phone(patient.id, number="076 555 111", owner="neighbour", by=who)
    kin = {"name": "Aminata", "relation": "sibling", "phone": "076 555 222", "record_id": sister.id}
    relative = actions.save_relative(patient.id, **kin, by=who)
    assert [_found(typed, who) for typed in ("076555111", "76 555 222", "555111")] == [[patient.id]] * 3
    actions.save_phone(patient.id, number="076 555 333", phone_id=phone.id, by=who)
    assert (_found("076555111", who), _found("076555333", who)) == ([], [patient.id])
    asked = {"reason": "Registered twice", "by": who}
    request = merging.request_merge(other.id, patient.id, **asked)
    merging.approve(request.id, by=person("admin"))
    assert (_found("076555333", who), _found("76555222", who)) == ([other.id], [other.id])
    merging.approve(merging.request_merge(other.id, sister.id, **asked).id, by=person("admin"))
    assert [one.record for one in queries.list_relatives(other.id)] == [None]  # the relative is the patient now
    actions.remove_relative(other.id, relative.id, by=who)
    assert _found("76555222", who) == []


def test_a_line_fills_the_registration(app, db):
    for typed, filled in {
        "kofi kargbo 52": {"first_name": "Kofi", "last_name": "Kargbo", "age": "52", "age_unit": "years"},
        "mr kofi kargbo 3 months": {"first_name": "Kofi", "last_name": "Kargbo", "gender": "male", "age": "3"}
        | {"age_unit": "months"},
        "kadiatu kamara 52y 076 123 476": {"first_name": "Kadiatu", "last_name": "Kamara", "age": "52"}
        | {"age_unit": "years", "contact_info": "076123476"},
        "mrs kadiatu kamara 52 076123476": {"first_name": "Kadiatu", "last_name": "Kamara", "gender": "female"}
        | {"age": "52", "age_unit": "years", "contact_info": "076123476"},
        "KAMARA, Kadiatu 13/3/91": {"first_name": "Kadiatu", "last_name": "Kamara", "date_of_birth": "13-Mar-1991"},
    }.items():
        assert fields_from_search(typed) == filled, typed


def test_registration_takes_a_phone_and_one_of_the_next_of_kin(desk, db):
    clerk = desk("receptionist")
    typed = {"first_name": "Isatu", "last_name": "Bangura", "gender": "female", "date_of_birth": "13 3 1991"}
    kin = {"kin_name": "Musa Bangura", "kin_relation": "father", "kin_phone": "076 555 444"}
    other = {"other_phone_number": "076 555 666", "other_phone_owner": "work"}
    assert clerk.form("/patients/new", **typed, **kin, **other, then="chart").status_code == 303
    patient = database.session.scalars(select(Patient).filter_by(family_name="Bangura")).one()
    assert [(row.row.name, row.row.phone) for row in queries.list_relatives(patient.id)] == [
        ("Musa Bangura", "+23276555444")
    ]
    assert [(row.number, row.owner) for row in queries.list_phones(patient.id)] == [("+23276555666", "work")]
    database.session.refresh(patient)
    assert patient.contact_numbers == "23276555444 23276555666"
    assert clerk.form("/patients/new", **typed | {"last_name": "Koroma"}, kin_name="Musa").status_code == 400
