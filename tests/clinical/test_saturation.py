"""SpO₂ scale 2 by prescription: who prescribes it, and what it changes in scores, flags and the queue."""

from __future__ import annotations

import pytest

from hms.appointments.enums import Priority
from hms.clinical.saturation import actions
from hms.clinical.vitals import actions as vitals
from hms.clinical.vitals import readings
from hms.core.errors import Conflict, RoleNotAllowed, RuleBroken
from tests.clinical.factories import a_patient, waiting
from tests.page import words

STEADY = {
    **{"temperature": "37.0", "blood_pressure": "120/80", "pulse": "75", "respiratory_rate": "16"},
    **{"oxygen_saturation": "89", "on_oxygen": True, "consciousness": "alert"},
}


def test_a_prescribed_scale_changes_points_flags_and_priority_from_then_on(db, person, desk):
    patient, nurse, doctor = a_patient(), person("nurse"), person("doctor")
    entry = waiting(patient)
    before = vitals.record_vitals(patient.id, is_confirmed=True, by=nurse, **STEADY)
    db.session.refresh(entry)
    assert (_score(before, patient), entry.priority) == ((5, "critical_low"), Priority.URGENT)
    actions.set_saturation_scale(patient.id, scale=2, reason="COPD, type 2 failure", by=doctor)
    other = waiting(a_patient(given_names="Other"))
    after = vitals.record_vitals(patient.id, by=nurse, **STEADY)
    assert _score(after, patient) == (2, None), "and no confirmation is asked"
    assert _score(before, patient) == (5, "critical_low"), "what was scored before stays"
    high = vitals.record_vitals(patient.id, is_confirmed=True, by=nurse, **STEADY | {"oxygen_saturation": "97"})
    assert _score(high, patient) == (5, "critical_high")
    typed = {"oxygen_saturation": "89", "on_oxygen": "yes", "age": "35"}
    at = desk("nurse")
    assert at.send("/clinical/vitals", **typed, scale="2").json["fields"]["oxygen_saturation"]["level"] == "normal"
    assert at.send("/clinical/vitals", **typed).json["fields"]["oxygen_saturation"]["level"] == "critical"
    assert 'name="scale" value="2"' in at.get(f"/queue/{entry.id}/vitals").text
    assert 'name="scale" value="1"' in at.get(f"/queue/{other.id}/vitals").text


def _score(row, patient) -> tuple[int, str | None]:
    reading = readings.to_reading(row, patient.birth_date)
    flag = next(measure.flag for measure in reading.measures if measure.key == "oxygen_saturation")
    return reading.news2.total, flag and flag.code


def test_a_doctor_prescribes_it_with_a_reason_on_the_page_and_by_program(db, person, desk, program):
    patient = a_patient()
    address, page = f"/api/patients/{patient.id}/saturation_scale/", f"/patients/{patient.id}/saturation"
    assert program("nurse").get(address).json["scale"] == 1
    assert program("nurse").post(address, json={"scale": 2, "reason": "COPD"}).status_code == 403
    with pytest.raises(RoleNotAllowed):
        actions.set_saturation_scale(patient.id, scale=2, reason="COPD", by=person("nurse"))
    doctor = program("doctor")
    for body in ({"scale": 3, "reason": "COPD"}, {"scale": 2, "reason": " "}, {"reason": "COPD"}, {"scale": "x"}):
        assert doctor.post(address, json=body).status_code == 400, body
    made = doctor.post(address, json={"scale": 2, "reason": "COPD"})
    assert (made.status_code, made.json["scale"], made.json["ordered_by"]) == (201, 2, person("doctor").id)
    assert doctor.post(address, json={"scale": 2, "reason": "COPD"}).status_code == 409
    shown = words(desk("nurse").get(page).text)
    assert "Scale 2 is used" in shown
    assert "COPD" in shown
    assert desk("doctor").form(page, scale="2", reason="Again").status_code == 409
    with pytest.raises(Conflict):
        actions.set_saturation_scale(patient.id, scale=2, reason="Again", by=person("doctor"))
    with pytest.raises(RuleBroken):
        actions.set_saturation_scale(patient.id, scale=None, reason="Again", by=person("doctor"))
