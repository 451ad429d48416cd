"""Bands of a child's vital signs by age: the limits of the source, on pages and in the queue, and never as NEWS2."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from hms.appointments.enums import Priority
from hms.clinical.vitals import child_bands, typed_values
from hms.clinical.vitals.child_bands import find_bands
from hms.core import clock
from tests.clinical.factories import a_patient, an_encounter, waiting
from tests.page import words

D = Decimal
LIMITS = [
    *(("pulse", "0.1", value, points) for value, points in ((80, 4), (81, 2), (90, 2), (91, 1), (110, 1), (111, 0))),
    *(("pulse", "0.1", value, points) for value, points in ((149, 0), (150, 1), (179, 1), (180, 2), (190, 4))),
    *(("pulse", "0.25", 70, 4), ("pulse", "0.999", 180, 4), ("pulse", "1", 180, 4), ("pulse", "1", 119, 0)),
    *(("pulse", "4", 150, 2), ("pulse", "11.9", 151, 4), ("pulse", "12", 50, 1), ("pulse", "15.99", 49, 2)),
    *(("respiratory_rate", "0.1", 30, 0), ("respiratory_rate", "0.1", 61, 1), ("respiratory_rate", "2", 71, 4)),
    *(("respiratory_rate", "2", 12, 4), ("respiratory_rate", "6", 41, 2), ("respiratory_rate", "13", 9, 4)),
    *(("systolic", "2", 65, 4), ("systolic", "2", 100, 0), ("systolic", "6", 80, 2), ("systolic", "13", 190, 4)),
]


@pytest.mark.parametrize(("key", "age", "value", "points"), LIMITS)
def test_each_limit_of_the_source(key, age, value, points):
    assert find_bands({key: D(value)}, D(age)).points == {key: points}


def test_nobody_else_has_bands_and_a_broken_file_calls_no_child_well(monkeypatch, tmp_path):
    assert find_bands({"pulse": D(300)}, D(16)) is None
    assert find_bands({"pulse": D(300)}, None) is None
    assert find_bands({"temperature": D(37), "weight": D(9)}, D(2)) is None
    (tmp_path / "child_bands.csv").write_text("key,from_years\npulse,0\n# 2 rows\n")
    monkeypatch.setattr(child_bands, "DATA", tmp_path)
    child_bands._read_bands.cache_clear()
    assert find_bands({"pulse": D(300)}, D(2)) is None
    _fields, said = typed_values.describe({"pulse": "300"}, D(2))
    assert said.text == "NEWS2 is for people of 16 years and over."
    child_bands._read_bands.cache_clear()


def test_a_very_ill_child_is_urgent_from_the_page_and_the_api_with_the_source_shown(db, desk, program, person):
    born = clock.today() - timedelta(days=800)
    child = a_patient(given_names="Musa", birth_date=born)
    entry, nurse = waiting(child), desk("nurse")
    typed = {"pulse": "169", "respiratory_rate": "61", "age": "2.19"}
    said = nurse.send("/clinical/vitals", **typed).json["news2"]
    assert said["text"].startswith("Bands of this age (Bedside PEWS, Crit Care 2009, 13:R135): Pulse 2 of 4, clearly")
    assert nurse.send("/clinical/vitals", **typed | {"pulse": "170"}).json["news2"]["level"] == "critical"
    form = {"pulse": "170", "is_confirmed": "y"}
    assert nurse.form(f"/queue/{entry.id}/vitals", **form, do="save").status_code == 303
    db.session.refresh(entry)
    board = words(nurse.get("/queue/").text)
    assert (entry.priority, "Pulse 4 of 4, far outside" in board, "NEWS2" in board) == (Priority.URGENT, True, False)
    other = a_patient(given_names="Sia", birth_date=born)
    visit = an_encounter(person("doctor"), other)
    second = waiting(other)
    sent = program("nurse").post(f"/api/encounters/{visit.id}/vitals/", json={"respiratory_rate": 12})
    assert sent.status_code in (200, 201), sent.json
    db.session.refresh(second)
    assert second.priority == Priority.URGENT
    shown = words(desk("doctor").get(f"/encounters/{visit.id}").text)
    assert "Respiratory rate 4 of 4, far outside" in shown
