"""The country's hierarchy of addresses: read, loaded again, searched, chosen on the form and in the API, merged."""

from __future__ import annotations

from io import BytesIO

import pytest
from sqlalchemy import select

from hms.core.db.session import db as database
from hms.core.errors import RuleBroken
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.patients.addresses import actions, queries
from hms.patients.addresses.rules import MAX_ROWS, read_areas
from hms.patients.merging import actions as merging
from hms.patients.models import AddressArea, Patient
from tests.page import said
from tests.patients.factories import a_patient

FILE = "Region,District,Village\nSouth,Bo,Kakua\nSouth,Bo,Tikonko\nSouth,Moyamba,Kakua\nNorth,,\n"

KNOWN = {"first_name": "A", "last_name": "B", "gender": "F", "date_of_birth": "1991-03-13"}


def test_a_file_is_read_and_each_fault_has_its_line():
    read = read_areas(b"\xef\xbb\xbf" + FILE.encode())
    assert (read.levels, read.rows, len(read.paths), read.errors) == (("Region", "District", "Village"), 4, 7, [])
    assert read_areas(FILE.replace(",", ";").encode()).levels == read.levels
    for content, lines in (
        (b"", [1]),
        (b"\xff\xfe", [1]),
        (b"Region,,Village\nSouth,Bo,X\n", [1]),
        (b"Region,Region\n", [1]),
        (b"Region\n", [2]),
        (b"Region,District\nSouth,Bo\nSouth,Bo\n,Bo\nSouth,Bo,X\n\nEast,Kono\n", [3, 4, 5]),
        ("Region\n" + "x" * 101 + "\n", [2]),
        (b"Region\nSouth\x07\n", [2]),
        ("A,B,C,D,E,F,G,H\n" + ",".join(8 * ["\u6751" * 99]) + "\n", [2]),
        ("Region\n" + "".join(f"a{nth}\n" for nth in range(MAX_ROWS + 5)), [MAX_ROWS + 2]),
    ):
        read = read_areas(content if isinstance(content, bytes) else content.encode())
        assert [error.row for error in read.errors] == lines, (content[:40], [str(e.message) for e in read.errors])
        assert all(str(error.message) for error in read.errors)


def test_areas_are_loaded_again_searched_and_kept_by_their_patients(program, person):
    assert actions.load_areas(read_areas(FILE.encode()), by=SYSTEM) == actions.Loaded(7, 0, 7)
    found = [row.path for row in queries.find_areas("kakua")]
    assert found == ["South > Bo > Kakua", "South > Moyamba > Kakua"]
    assert [row.path for row in queries.find_areas("moy kak")] == ["South > Moyamba > Kakua"]
    assert queries.find_areas("%") == queries.find_areas(" ") == []
    kakua = database.session.scalars(select(AddressArea).filter_by(path="South > Bo > Kakua")).one()
    assert queries.resolve_area(None, "south > bo > kakua") == queries.resolve_area(kakua.id, "") == kakua.id
    for wrong in ("Kakua", "Atlantis"):
        with pytest.raises(RuleBroken):
            queries.resolve_area(None, wrong)
    clerk, patient, other = program("receptionist"), a_patient(address=""), a_patient(address="")
    url = f"/api/patients/{patient.id}/"
    assert clerk.put(url, json=KNOWN | {"area": 999_999}).status_code == 400
    assert clerk.put(url, json=KNOWN | {"area": kakua.id}).json["area"] == kakua.id
    assert clerk.put(url, json=KNOWN).json["area"] == kakua.id
    assert [row["path"] for row in clerk.get("/api/address-areas/?search=kakua&ordering=path").json] == found
    assert actions.load_areas(read_areas(b"Region,District\nSouth,Bo\n"), by=SYSTEM) == actions.Loaded(0, 5, 2)
    assert (queries.find_areas("kakua"), queries.area_path(kakua.id)) == ([], "South > Bo > Kakua")
    asked = {"reason": "Registered twice", "confirmed": ["birth_date", "sex"], "by": person("receptionist")}
    merging.approve(merging.request_merge(other.id, patient.id, **asked).id, by=person("admin"))
    merged = database.session.get(Patient, other.id, populate_existing=True)
    assert merged.area_id == kakua.id


def test_a_record_has_one_of_the_hospitals_payers(program):
    clerk, url = program("receptionist"), f"/api/patients/{a_patient().id}/"
    assert clerk.put(url, json=KNOWN | {"payer": "Nobody"}).status_code == 400
    insured = clerk.put(url, json=KNOWN | {"payer": "Insurance", "payer_number": "NR 77"}).json
    assert (insured["payer"], insured["payer_number"]) == ("Insurance", "NR 77")
    settings.change_setting("billing.payers", "Employer", by=SYSTEM)
    assert clerk.put(url, json=KNOWN | {"payer": "Insurance"}).json["payer"] == "Insurance"  # as recorded


def test_the_registration_form_takes_an_area(desk, db):
    actions.load_areas(read_areas(FILE.encode()), by=SYSTEM)
    clerk = desk("receptionist")
    assert [row["label"] for row in clerk.get("/patients/areas?q=tiko").get_json()] == ["South > Bo > Tikonko"]
    typed = {"first_name": "Isatu", "last_name": "Bangura", "gender": "female", "date_of_birth": "13 3 1991"}
    payer = {"payer": "Insurance", "payer_number": "NR 78"}
    assert clerk.form("/patients/new", **typed, **payer, area="Tikonko", then="chart").status_code == 303
    patient = database.session.scalars(select(Patient).filter_by(family_name="Bangura")).one()
    assert (queries.area_path(patient.area_id), patient.payer_number) == ("South > Bo > Tikonko", "NR 78")
    assert "South &gt; Bo &gt; Tikonko" in clerk.get(f"/patients/{patient.id}/edit").text
    assert clerk.form(f"/patients/{patient.id}/edit", area="", area_id="").status_code == 303
    database.session.refresh(patient)
    assert patient.area_id is None
    assert clerk.form("/patients/new", **typed, area="Kakua").status_code == 400


def test_a_refused_file_loads_nothing(desk, db):
    admin, page = desk("admin"), "/patients/address-areas"
    refused = admin.form(page, file=(BytesIO(b"Region,,X\n"), "areas.csv"))
    assert (refused.status_code, "names of the levels" in refused.text) == (400, True)
    assert queries.has_areas() is False
    assert "No checked file is left to load" in said(admin, page, to=f"{page}/load")
