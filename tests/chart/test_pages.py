"""The chart: each role its tabs, each tab its own address, long stories as fast as short ones."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from hms.clinical import signing
from hms.clinical.encounters import actions as encounter_actions
from hms.clinical.models import Condition, Encounter, Immunization, Observation, Prescription
from hms.clinical.prescriptions import actions as prescription_actions
from hms.core import clock
from hms.core.actions import action_context
from hms.core.audit.models import AuditEntry
from hms.core.person import SYSTEM
from tests.clinical.factories import a_patient, allergic, signed
from tests.page import words

TABS = ("", "/encounters", "/medicines", "/results", "/appointments", "/bills", "/documents")
CLINICAL_TABS = ("/encounters", "/medicines", "/results")
KINDS = ("vitals", "observations", "immunizations", "conditions")


@pytest.fixture
def whom(db):
    return a_patient()


def text(answer) -> str:
    return words(answer.get_data(as_text=True)).replace("\u00a0", " ")


@pytest.fixture
def imported(db, whom):
    """A patient with records of another hospital."""
    with action_context("tests.import", SYSTEM):
        begun = clock.now() - timedelta(days=400)
        encounter = Encounter(
            patient_id=whom.id,
            status="signed",
            signed_at=begun,
            started_at=begun,
            performer_name="Dr Elsewhere",
            kind="Check-up",
        )
        db.session.add(encounter)
        db.session.flush()
        both = {"patient_id": whom.id, "encounter_id": encounter.id}
        snomed = "http://snomed.info/sct"
        db.session.add_all(
            [
                Condition(**both, code="59621000", code_system=snomed, title="Hypertension", certainty="confirmed"),
                Observation(
                    **both, code="8302-2", code_system="http://loinc.org", title="Body Height", value="171.2", unit="cm"
                ),
                Immunization(
                    **both, vaccine="Influenza, seasonal", code="140", code_system="http://hl7.org/fhir/sid/cvx"
                ),
                Prescription(
                    **both,
                    medication_name="Lisinopril 10 MG Oral Tablet",
                    status="active",
                    authored_at=begun,
                    external_id="rx-1",
                ),
            ]
        )
    return whom


def test_a_carer_sees_the_whole_story(desk, imported):
    client = desk("doctor")
    page = text(client.get(f"/patients/{imported.id}"))
    for said in ("Hypertension", "SNOMED CT", "Lisinopril 10 MG Oral Tablet", "Influenza, seasonal", "Dr Elsewhere"):
        assert said in page
    assert "Hypertension" in text(client.get(f"/patients/{imported.id}/encounters"))
    assert "171.2 cm" in text(client.get(f"/patients/{imported.id}/results?kind=observations"))
    assert "CVX" in text(client.get(f"/patients/{imported.id}/results?kind=immunizations"))
    assert "59621000" in text(client.get(f"/patients/{imported.id}/results?kind=conditions"))


def test_opening_the_chart_is_in_the_trail(desk, whom, db):
    desk("nurse").get(f"/patients/{whom.id}")
    seen = db.session.scalars(select(AuditEntry).filter_by(patient_id=whom.id, actor_name="nurse")).all()
    assert any("chart" in entry.action for entry in seen)


@pytest.mark.parametrize("role", ["receptionist", "cashier"])
def test_the_front_desk_and_the_till_see_no_clinical_word(desk, whom, person, role):
    allergic(whom, "penicillin")
    signed(person("doctor"), whom)
    client = desk(role)
    page = client.get(f"/patients/{whom.id}")
    seen = text(page)
    assert "Known allergies" in seen
    for hidden in ("penicillin", "anaphylaxis", "Fever"):
        assert hidden not in seen
    ux = page.get_data(as_text=True)
    assert "tab-bills" in ux
    assert "tab-encounters" not in ux
    for tab in CLINICAL_TABS:
        assert client.get(f"/patients/{whom.id}{tab}").status_code == 403


@pytest.mark.parametrize("role", ["pharmacist", "lab"])
def test_others_see_who_the_patient_is(desk, whom, role):
    client = desk(role)
    assert "KAMARA" in text(client.get(f"/patients/{whom.id}"))
    assert client.get(f"/patients/{whom.id}/bills").status_code == 403
    assert client.get(f"/patients/{whom.id}/encounters").status_code == 403


@pytest.mark.parametrize("role", ["doctor", "nurse", "admin", "receptionist", "cashier", "pharmacist", "lab"])
def test_every_tab_that_is_shown_opens(desk, whom, role, person):
    signed(person("doctor"), whom)
    client = desk(role)
    shown = client.get(f"/patients/{whom.id}").get_data(as_text=True)
    for tab in TABS[1:]:
        is_shown = f"tab-{tab[1:]}" in shown
        assert client.get(f"/patients/{whom.id}{tab}").status_code == (200 if is_shown else 403)


def test_starting_an_encounter_from_the_chart(desk, whom):
    begun = desk("doctor").form(f"/patients/{whom.id}")
    assert begun.status_code == 303
    assert begun.headers["Location"].startswith("/encounters/")


@pytest.mark.parametrize(
    "address", ["/results?kind=x", "/encounters?before=x", "/encounters?before=-1", "/bills?before=1.5"]
)
def test_an_unusable_address_is_400(desk, whom, address):
    assert desk("admin").get(f"/patients/{whom.id}{address}").status_code == 400


def test_nobody_is_nowhere(desk, db):
    for tab in TABS:
        assert desk("admin").get(f"/patients/999999999{tab}").status_code == 404


def test_a_long_story_costs_what_a_short_one_does(desk, whom, db, person):
    prescription_actions.prescribe(signed(person("doctor"), whom).id, medication_name="Honey", by=person("doctor"))
    client = desk("doctor")
    tabs = ("", "/encounters", "/medicines", "/results", "/results?kind=conditions")

    def costs() -> dict[str, str]:
        client.get(f"/patients/{whom.id}")
        return {tab: client.get(f"/patients/{whom.id}{tab}").headers["X-Queries"] for tab in tabs}

    few = costs()
    with action_context("tests.story", SYSTEM):
        begun = clock.now() - timedelta(days=2000)
        visits = [
            {"patient_id": whom.id, "status": "signed", "signed_at": begun, "started_at": begun + timedelta(days=n)}
            | {"doctor_id": person("doctor").id, "notes": "n"}
            for n in range(700)
        ]
        ids = db.session.scalars(insert(Encounter).returning(Encounter.id), visits).all()
        db.session.execute(
            insert(Condition), [{"patient_id": whom.id, "encounter_id": i, "title": f"Problem {i}"} for i in ids]
        )
        orders = {"patient_id": whom.id, "status": "completed", "signed_at": begun, "medication_name": "Honey"}
        db.session.execute(insert(Prescription), [orders | {"encounter_id": i} for i in ids])
    assert costs() == few


def test_older_rows_follow_without_gap_or_repeat(desk, whom, db, person):
    doctor = person("doctor")
    for n in range(30):
        encounter = encounter_actions.start_encounter_with_texts(
            patient_id=whom.id, notes="n", diagnosis=f"Visit {n:02d}.", by=doctor
        )
        signing.sign(encounter.id, by=doctor)
    client = desk("doctor")
    first = client.get(f"/patients/{whom.id}/encounters")
    link = next(line for line in first.get_data(as_text=True).split('"') if "before=" in line)
    second = text(client.get(link))
    shown = [f"Visit {n:02d}." for n in range(30) if f"Visit {n:02d}." in text(first)]
    older = [f"Visit {n:02d}." for n in range(30) if f"Visit {n:02d}." in second]
    assert (len(shown), len(older)) == (25, 5)
    assert set(shown) & set(older) == set()
