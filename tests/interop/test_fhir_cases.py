"""Small files from other programs, and what is right: on the page, in the database, and when they are exported again."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from fhir.resources.R4B import get_fhir_model_class
from sqlalchemy import func, select

from hms.clinical.models import Condition, Encounter, Immunization, Observation, Prescription
from hms.clinical.vitals import actions as vitals_actions
from hms.core import clock
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.core.text.formatting import format_date
from hms.interop.fhir.fields import DATA_ABSENT
from hms.interop.fhir_export.exporter import export as export_to
from hms.interop.fhir_import.importer import Import
from hms.patients.models import Allergy, Patient
from hms.patients.records import actions as patient_actions
from tests.interop.factories import (
    TABLES,
    ReportedMessages,
    export,
    fingerprints,
    imported,
    patient,
    resource_of_patient,
)
from tests.interop.test_exporting import emptied, own_work  # noqa: F401 - a fixture

CASES = Path(__file__).parent / "cases"
pytestmark = pytest.mark.usefixtures("db")


def the(model, *conditions):
    return database.session.execute(select(model.__table__).where(*conditions)).one()


def count(model):
    return database.session.scalar(select(func.count()).select_from(model))


def page(desk, address):
    return " ".join(desk("doctor").get(address).get_data(as_text=True).split())


def chart(desk, tab=""):
    return page(desk, f"/patients/{the(Patient).id}{tab}")


def exported(folder):
    """The exported resources by type and id, each valid FHIR R4B."""
    export_to(folder)
    found = {}
    for path in sorted(folder.iterdir()):
        for line in path.read_text().splitlines():
            resource = json.loads(line)
            get_fhir_model_class(resource["resourceType"]).model_validate_json(line)
            found[f"{resource['resourceType']}/{resource['id']}"] = resource
    return found


def came_in(folder):
    """The exported resources that are not this hospital's own."""
    return {name: resource for name, resource in exported(folder).items() if "/hms-" not in name}


def sent(*names):
    lines = [line for name in names for line in (CASES / name).read_text().splitlines()]
    return {f"{one['resourceType']}/{one['id']}": one for one in map(json.loads, lines)}


def by_source(path, source):
    heard = ReportedMessages()
    return Import(path, heard, source).run(), heard.told


@pytest.mark.parametrize("sources", [(None, None), ("A", "B"), (None, "B")])
def test_two_sources_with_the_same_ids_are_two_people(tmp_path, sources):
    for name, source in zip(("01a-clinic-a.ndjson", "01b-clinic-b.ndjson"), sources, strict=True):
        summary, told = by_source(CASES / name, source)
        assert told == []
        assert summary.counts["Patient"]["created"] == summary.counts["AllergyIntolerance"]["created"] == 1
    allergies = select(Patient.family_name, Allergy.substance).join(Allergy, Allergy.patient_id == Patient.id)
    assert dict(database.session.execute(allergies).all()) == {"Kposowa": "Penicillin", "Lansana": "Latex"}
    for name, source in zip(("01b-clinic-b.ndjson", "01a-clinic-a.ndjson"), reversed(sources), strict=True):
        summary, told = by_source(CASES / name, source)
        assert (summary.counts["Patient"]["unchanged"], told) == (1, [])
    before = fingerprints()
    exported(tmp_path / "out")
    again, told = imported(tmp_path / "out")
    assert told == []
    assert {name for counts in again.counts.values() for name, n in counts.items() if n} == {"unchanged"}
    assert fingerprints(("patient", "allergy", "source_record")) == {
        name: before[name] for name in ("patient", "allergy", "source_record")
    }


def test_a_folder_with_two_sources_is_two_people(tmp_path):
    for name in ("01a-clinic-a.ndjson", "01b-clinic-b.ndjson"):
        (tmp_path / name).write_bytes((CASES / name).read_bytes())
    summary, told = imported(tmp_path)
    assert (summary.counts["AllergyIntolerance"]["created"], told) == (2, [])
    assert count(Patient) == 2


def test_without_a_source_another_person_under_the_same_id_is_refused_by_line(tmp_path):
    allergy = resource_of_patient("AllergyIntolerance", "1", code={"text": "Penicillin"})
    imported(export(tmp_path, patient(birthDate="1951-03-04"), patient("p2"), allergy))
    other = patient(name=[{"family": "Lansana", "given": ["Adama"]}], birthDate="1999-12-30")
    later = export(tmp_path, other, resource_of_patient("AllergyIntolerance", "1", "p2", code={"text": "Latex"}))
    summary, told = imported(later)
    assert [line.partition(": ")[0] for line in told] == [f"{later}:1", f"{later}:2"]
    assert all("--source NAME" in line for line in told)
    assert the(Patient, Patient.external_id == "Patient/p1").family_name == "Kargbo"
    assert the(Allergy).substance == "Penicillin"
    assert by_source(later, "Clinic B")[0].counts["Patient"]["created"] == 1


def test_an_onset_in_words_and_no_problem_are_kept_as_such(desk, tmp_path):
    imported(CASES / "02-problems.ndjson")
    asthma = the(Condition, Condition.title == "Asthma")
    assert (asthma.onset_on, asthma.onset_text) == (None, "as a child")
    assert the(Condition, Condition.title == "No current problems").is_absence
    shown = chart(desk)
    assert "as a child" in shown
    assert f"since {format_date(clock.today())}" not in shown
    assert "No current problems" not in shown
    listed = chart(desk, "/results?kind=conditions")
    assert "Statement" in listed
    assert came_in(tmp_path) == sent("02-problems.ndjson")


def test_only_the_statement_of_no_problem_is_shown_as_a_statement(desk, tmp_path):
    none = resource_of_patient(
        "Condition", "c", code={"coding": [{"system": "http://snomed.info/sct", "code": "160245001"}]}
    )
    imported(export(tmp_path, patient(), none))
    assert "Stated in other records: 160245001" in chart(desk)


@pytest.mark.parametrize(
    "died", [{"deceasedBoolean": True}, {"deceasedDateTime": "2020"}, {"deceasedDateTime": "2020-05"}]
)
def test_a_death_without_a_day_has_none(desk, tmp_path, died):
    imported(export(tmp_path, patient(**died)))
    who = the(Patient)
    assert (who.deceased_on, bool(who.deceased_text)) == (None, True)
    words = died.get("deceasedDateTime", "date not known")
    assert f"Died</span><strong>{words}</strong>" in chart(desk).replace("</span> <strong>", "</span><strong>")
    assert exported(tmp_path / "out")["Patient/p1"] == patient(**died)


def test_a_course_in_steps_has_the_words_of_all_and_no_single_dose(desk, tmp_path):
    imported(CASES / "04-taper.ndjson")
    steps, interval, syrup = (
        the(Prescription, Prescription.external_id == f"MedicationRequest/m{n}") for n in (1, 2, 3)
    )
    assert (steps.dose_amount, steps.dosage, steps.frequency, steps.frequency_code) == (None, "", "", "")
    for words in (
        "6 tablets each morning, days 1-5",
        "3 tablets each morning, days 6-10",
        "1 tablet each morning, days 11-15",
    ):
        assert words in steps.instructions
    assert (interval.frequency, interval.frequency_code) == ("every 6 to 8 hours", "")
    shown = chart(desk)
    assert "1 tablet each morning, days 11-15" in shown
    assert "every 6 to 8 hours" in shown
    assert "supply 200 mL" in shown
    assert came_in(tmp_path) == sent("04-taper.ndjson")


@pytest.mark.parametrize(
    ("repeat", "words"),
    [
        ({"frequency": 3, "frequencyMax": 4, "period": 1, "periodUnit": "d"}, "3 to 4 times in 1 day"),
        ({"frequency": 1, "period": 36, "periodUnit": "h"}, "every 36 hours"),
        ({"frequency": 1, "period": 1, "periodUnit": "d", "when": ["HS"]}, "once in 1 day at bedtime"),
        ({"frequency": 1, "period": 1, "periodUnit": "wk", "dayOfWeek": ["mon"]}, "once in 1 week on Mon"),
        ({"timeOfDay": ["08:00:00", "20:00:00"]}, "at 08:00, 20:00"),
        ({"frequency": 1, "period": 1, "periodUnit": "d", "count": 5}, "once in 1 day 5 times in all"),
    ],
)
def test_a_timing_is_not_made_simpler_than_it_is(tmp_path, repeat, words):
    dose = {"timing": {"repeat": repeat}, "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}]}
    medicine = {"medicationCodeableConcept": {"text": "aspirin"}, "status": "active", "intent": "order"}
    imported(
        export(tmp_path, patient(), resource_of_patient("MedicationRequest", "m", **medicine, dosageInstruction=[dose]))
    )
    assert (the(Prescription).frequency, the(Prescription).frequency_code) == (words, "")


def test_a_patient_without_a_name_is_an_unknown_patient_with_the_number(tmp_path):
    assert imported(CASES / "05-no-name.ndjson")[1] == []
    who = the(Patient)
    assert (who.family_name, who.given_names) == ("UNKNOWN", "EM-0005")
    assert the(Observation).patient_id == who.id
    assert came_in(tmp_path) == sent("05-no-name.ndjson")
    named = export(tmp_path, patient("p5", gender="male", birthDate="1980", identifier=[{"value": "EM-0005"}]))
    assert imported(named)[0].counts["Patient"]["updated"] == 1
    assert the(Patient).family_name == "Kargbo"


def test_a_result_has_its_range_flag_and_parts(desk, tmp_path):
    imported(CASES / "06-results.ndjson")
    shown = chart(desk)
    for words in (
        "6.9 mmol/L",
        "Critical high",
        "3.5–5.1",
        "Coma scale",
        "9 points",
        "Eyes: 2; Verbal: 3; Motor: 4",
        "04-Mar-2025",
    ):
        assert words in shown
    assert "Critical high" in chart(desk, "/results?kind=observations")
    assert came_in(tmp_path) == sent("06-results.ndjson")


def test_a_bundle_with_references_by_its_addresses(tmp_path):
    summary, told = imported(CASES / "07-bundle.json")
    assert (summary.unreadable, told) == (0, [])
    assert (the(Condition).title, the(Condition).patient_id) == ("Malaria", the(Patient).id)
    entries = [entry["resource"] for entry in json.loads((CASES / "07-bundle.json").read_text())["entry"]]
    entries[1]["subject"]["reference"] = "Patient/abc-1"
    assert list(came_in(tmp_path).values()) == [entries[1], entries[0]]


@pytest.mark.parametrize("shape", ["pretty", "one each", "array", "bundle in a line", "gz", "pretty gz", "two pretty"])
def test_every_shape_of_file(tmp_path, shape):
    both = [patient(), resource_of_patient("Condition", "c", code={"text": "Gout"})]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in both]}
    pretty = json.dumps(bundle, indent=1)
    if shape == "one each":
        for number, one in enumerate(both):
            (tmp_path / f"{number}.json").write_text(json.dumps(one, indent=2))
    elif shape.endswith("gz"):
        text = pretty if shape == "pretty gz" else "\n".join(map(json.dumps, both))
        (tmp_path / "some.gz").write_bytes(gzip.compress(text.encode()))
    else:
        texts = {"pretty": pretty, "array": json.dumps(both, indent=2), "bundle in a line": json.dumps(bundle)}
        two = "\n".join(json.dumps(one, indent=2) for one in both)
        (tmp_path / "some.json").write_text("\ufeff" + texts.get(shape, two))
    summary, told = imported(tmp_path)
    assert (told, summary.counts["Condition"]["created"]) == ([], 1)


def test_a_document_that_is_not_json_is_reported_once(tmp_path):
    (tmp_path / "broken.json").write_text('{\n  "resourceType": "Patient",\n  "id": "x",\n')
    summary, told = imported(tmp_path)
    assert (summary.unreadable, len(told)) == (1, 1)


def test_a_vaccine_keeps_lot_expiry_and_a_time_in_words(desk, tmp_path):
    imported(CASES / "12-vaccine.ndjson")
    bcg, measles = (the(Immunization, Immunization.vaccine == name) for name in ("BCG", "Measles"))
    assert (bcg.given_on, bcg.given_text) == (None, "in the first month of life")
    assert (measles.lot_number, measles.expires, measles.is_subpotent) == ("ZZ-9", "01-Apr-2024", True)
    for tab in ("", "/results?kind=immunizations"):
        shown = chart(desk, tab)
        for words in ("in the first month of life", "Lot ZZ-9", "01-Apr-2024", "Subpotent"):
            assert words in shown, (tab, words)
    assert came_in(tmp_path) == sent("12-vaccine.ndjson")


def test_a_visit_without_a_period_has_an_unknown_time(desk, program, tmp_path):
    assert imported(CASES / "18-visit-without-period.ndjson")[1] == []
    visit = the(Encounter)
    assert (visit.started_at, visit.ended_at, visit.signed_at) == (None, None, None)
    assert the(Condition).encounter_id == visit.id
    for address in (
        f"/patients/{the(Patient).id}",
        f"/patients/{the(Patient).id}/encounters",
        f"/encounters/{visit.id}",
    ):
        assert "Not recorded" in page(desk, address), address
    assert "Not signed yet" not in page(desk, f"/encounters/{visit.id}")
    told = program("doctor").get(f"/api/encounters/{visit.id}/").get_json()
    assert told["encounter_date"] is None
    assert came_in(tmp_path) == sent("18-visit-without-period.ndjson")


def test_only_known_parts_of_times_are_shown(desk, tmp_path):
    day = resource_of_patient(
        "Encounter", "e", status="finished", period={"start": "2023-05-01"}, **{"class": {"code": "AMB"}}
    )
    imported(
        export(
            tmp_path, patient(), day, resource_of_patient("Condition", "c", code={"text": "Gout"}, onsetDateTime="2019")
        )
    )
    assert "01-May-2023 00:00" not in chart(desk, "/encounters")
    assert "01-May-2023" in chart(desk, "/encounters")
    shown = chart(desk)
    assert "01-Jan-2019" not in shown
    assert ">2019</span>" in shown


ABSENT = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"


def coded(code, system=ABSENT, **more):
    return {"coding": [{"system": system, "code": code}]} | more


@pytest.mark.parametrize(
    ("resource", "outcome"),
    [
        (resource_of_patient("Immunization", "x", vaccineCode=coded("no-known-immunizations")), "skipped"),
        (
            resource_of_patient("MedicationRequest", "x", medicationCodeableConcept=coded("no-medication-info")),
            "skipped",
        ),
        (resource_of_patient("AllergyIntolerance", "x", code=coded("no-allergy-info")), "skipped"),
        (resource_of_patient("AllergyIntolerance", "x", code=coded("no-known-allergies")), "created"),
        (
            resource_of_patient(
                "Observation", "x", code={"text": "Pulse"}, valueCodeableConcept=coded("unknown", DATA_ABSENT)
            ),
            "skipped",
        ),
    ],
)
def test_why_there_is_no_value_is_no_value(tmp_path, resource, outcome):
    summary, _told = imported(export(tmp_path, patient(), resource))
    assert dict(summary.counts[resource["resourceType"]]) == {outcome: 1}
    assert the(Patient).allergy_status == ("none_known" if outcome == "created" else "not_asked")


def test_numbers_and_unread_parts_go_out_as_they_came_in(tmp_path):
    value = '{"resourceType":"Observation","id":"o","status":"final","code":{"text":"Dose"},"subject":{"reference":"Patient/p1"},'
    value += '"valueQuantity":{"value":1.50,"unit":"mg"},"note":[{"text":"<b>&é ok"}],"method":{"text":"by hand"}}'
    imported(export(tmp_path, patient(), value))
    export_to(tmp_path / "out")
    assert (tmp_path / "out" / "Observation.ndjson").read_text() == value + "\n"


def test_a_change_made_here_goes_out_and_the_rest_stays(tmp_path):
    came = patient(extension=[{"url": "https://a.example/x", "valueString": "y"}], address=[{"text": "Far"}])
    imported(export(tmp_path, came))
    patient_actions.update_patient(the(Patient).id, phone="076 123 476", by=SYSTEM)
    changed = exported(tmp_path / "out")["Patient/p1"]
    assert changed == came | {"telecom": [{"system": "phone", "value": "+23276123476"}]}


def test_what_fhir_requires_and_nobody_sent_is_not_known(tmp_path):
    visit = resource_of_patient("Encounter", "e", status="finished")
    order = resource_of_patient(
        "MedicationRequest", "m", status="active", medicationCodeableConcept={"text": "aspirin"}
    )
    imported(
        export(tmp_path, patient(), visit, order, resource_of_patient("Immunization", "i", vaccineCode={"text": "BCG"}))
    )
    found = exported(tmp_path / "out")
    assert found["Encounter/e"]["class"]["extension"][0]["valueCode"] == "unknown"


def test_all_cases_elsewhere_and_back_are_the_same_and_here_change_nothing(own_work, person, tmp_path):  # noqa: F811
    vitals_actions.record_vitals(
        own_work.id, temperature="38.5", blood_pressure="120/80", pulse="80", is_confirmed=True, by=person("nurse")
    )
    imported(CASES)
    tables = TABLES.replace(" audit_entry", "").split()
    before = fingerprints(tables)
    first = exported(tmp_path / "first")
    own = [one for one in first.values() if one["resourceType"] == "Observation" and "-v" in one["id"]]
    assert {one["code"]["text"] for one in own} == {"Temperature", "Blood pressure panel", "Pulse"}
    again, told = imported(tmp_path / "first")
    assert told == []
    assert {name for counts in again.counts.values() for name, n in counts.items() if n} == {"unchanged"}
    assert fingerprints(tables) == before
    emptied()
    assert imported(tmp_path / "first")[1] == []
    second = exported(tmp_path / "second")
    assert {name: second.get(name) for name in first} == first


NUMBER = {"system": "https://clinic.example/mrn", "value": "A-17"}


def test_the_same_number_under_another_id_is_the_same_person(tmp_path):
    """Also in one file, with records about either id, and at the next import."""
    sneezes = resource_of_patient("AllergyIntolerance", "1", code={"text": "Penicillin"})
    itches = resource_of_patient("AllergyIntolerance", "2", "p2", code={"text": "Latex"})
    later = patient("p2", identifier=[NUMBER], birthDate="1950", telecom=[{"system": "phone", "value": "076123456"}])
    file = export(tmp_path, sneezes, patient(identifier=[NUMBER]), itches, later)
    assert imported(file)[1] == []
    who = the(Patient)
    assert (who.external_id, who.birth_date.year, who.birth_is_estimated) == (
        "Patient/p1 https://clinic.example/mrn",
        1950,
        True,
    )
    assert count(Allergy) == 2
    before = fingerprints()
    summary, told = imported(file)
    assert (told, summary.counts["Patient"]["unchanged"], fingerprints()) == ([], 2, before)
    coughs = resource_of_patient("Condition", "3", "p2", code={"text": "Cough"})
    assert imported(export(tmp_path, coughs, name="more.ndjson"))[1] == []
    assert the(Condition).patient_id == who.id


def test_another_person_with_the_same_number_is_refused_by_line(tmp_path):
    imported(export(tmp_path, patient(identifier=[NUMBER], birthDate="1951-03-04")))
    other = patient("p2", identifier=[NUMBER], birthDate="1999-12-30")
    file = export(tmp_path, other, patient("p3", birthDate="1999-12-30"))
    summary, told = imported(file)
    assert (len(told), count(Patient)) == (1, 2)
    assert told[0].startswith(f"{file}:1: Patient/p2")
    assert "the record with this identifier" in told[0]
    assert (summary.counts["Patient"]["skipped"], summary.counts["Patient"]["created"]) == (1, 1)


def test_parts_that_came_as_codes_only_have_words(tmp_path):
    def part(code, value):
        coded = {"coding": [{"system": "http://loinc.org", "code": code}]}
        return {"code": coded, "valueQuantity": {"value": value, "unit": "mmHg"}}

    parts = [part("8480-6", 120), part("8462-4", 80), part("8478-0", 93)]
    panel = {"code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]}, "component": parts}
    imported(export(tmp_path, patient(), resource_of_patient("Observation", "o", status="final", **panel)))
    found = the(Observation)
    assert (found.title, found.value) == (
        "Blood pressure",
        "Systolic blood pressure: 120 mmHg; Diastolic blood pressure: 80 mmHg; Mean blood pressure: 93 mmHg",
    )


def test_a_visit_of_which_only_the_end_is_known_says_so(desk, tmp_path):
    visit = resource_of_patient("Encounter", "e", status="finished", period={"end": "2023-05-12T10:00:00Z"})
    imported(export(tmp_path, patient(), visit | {"class": {"code": "AMB"}}))
    found = the(Encounter)
    assert (found.started_at, found.started_text, found.signed_at) == (None, "until 12-May-2023", found.ended_at)
    assert "until 12-May-2023" in page(desk, f"/encounters/{found.id}")
    assert exported(tmp_path / "out")["Encounter/e"]["period"] == visit["period"]
