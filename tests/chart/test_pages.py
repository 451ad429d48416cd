"""The chart: tabs of each role, access, paging, number of queries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from hms.billing.models import Bill
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
def patient(db):
    return a_patient()


def text(answer) -> str:
    return words(answer.get_data(as_text=True)).replace("\u00a0", " ")


@pytest.fixture
def imported(db, patient):
    """A patient with records of another hospital."""
    with action_context("tests.import", SYSTEM):
        begun = clock.now() - timedelta(days=400)
        encounter = Encounter(
            patient_id=patient.id,
            status="signed",
            signed_at=begun,
            started_at=begun,
            performer_name="Dr Elsewhere",
            kind="Check-up",
        )
        db.session.add(encounter)
        db.session.flush()
        both = {"patient_id": patient.id, "encounter_id": encounter.id}
        snomed = "http://snomed.info/sct"
        db.session.add_all(
            [
                Condition(
                    **both,
                    code="59621000",
                    code_system=snomed,
                    title="Hypertension",
                    certainty="confirmed",
                    is_problem=True,
                ),
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
    return patient


def test_clinical_staff_see_all_records(desk, imported):
    client = desk("doctor")
    page = text(client.get(f"/patients/{imported.id}"))
    for message in ("Hypertension", "SNOMED CT", "Lisinopril 10 MG Oral Tablet", "Influenza, seasonal", "Dr Elsewhere"):
        assert message in page
    assert "Hypertension" in text(client.get(f"/patients/{imported.id}/encounters"))
    assert "171.2 cm" in text(client.get(f"/patients/{imported.id}/results?kind=observations"))
    assert "CVX" in text(client.get(f"/patients/{imported.id}/results?kind=immunizations"))
    assert "59621000" in text(client.get(f"/patients/{imported.id}/results?kind=conditions"))


def test_opening_the_chart_is_in_the_audit_trail(desk, patient, db):
    desk("nurse").get(f"/patients/{patient.id}")
    seen = db.session.scalars(select(AuditEntry).filter_by(patient_id=patient.id, actor_name="nurse")).all()
    assert any("chart" in entry.action for entry in seen)


@pytest.mark.parametrize("role", ["receptionist", "cashier"])
def test_receptionist_and_cashier_see_no_clinical_content(desk, patient, person, role):
    allergic(patient, "penicillin")
    signed(person("doctor"), patient)
    client = desk(role)
    page = client.get(f"/patients/{patient.id}")
    seen = text(page)
    assert "Known allergies" in seen
    for hidden in ("penicillin", "anaphylaxis", "Fever"):
        assert hidden not in seen
    ux = page.get_data(as_text=True)
    assert "tab-bills" in ux
    assert "tab-encounters" not in ux
    for tab in CLINICAL_TABS:
        assert client.get(f"/patients/{patient.id}{tab}").status_code == 403


@pytest.mark.parametrize("role", ["pharmacist", "lab"])
def test_other_roles_see_only_the_patients_details(desk, patient, role):
    client = desk(role)
    assert "KAMARA" in text(client.get(f"/patients/{patient.id}"))
    assert client.get(f"/patients/{patient.id}/bills").status_code == 403
    assert client.get(f"/patients/{patient.id}/encounters").status_code == 403


@pytest.mark.parametrize("role", ["doctor", "nurse", "admin", "receptionist", "cashier", "pharmacist", "lab"])
def test_every_tab_that_is_shown_opens(desk, patient, role, person):
    signed(person("doctor"), patient)
    client = desk(role)
    shown = client.get(f"/patients/{patient.id}").get_data(as_text=True)
    for tab in TABS[1:]:
        is_shown = f"tab-{tab[1:]}" in shown
        assert client.get(f"/patients/{patient.id}{tab}").status_code == (200 if is_shown else 403)


def test_starting_an_encounter_from_the_chart(desk, patient):
    begun = desk("doctor").form(f"/patients/{patient.id}")
    assert begun.status_code == 303
    assert begun.headers["Location"].startswith("/encounters/")


@pytest.mark.parametrize(
    "address", ["/results?kind=x", "/encounters?before=x", "/encounters?before=-1", "/bills?before=1.5"]
)
def test_a_wrong_parameter_is_400(desk, patient, address):
    assert desk("admin").get(f"/patients/{patient.id}{address}").status_code == 400


def test_an_unknown_patient_is_404(desk, db):
    for tab in TABS:
        assert desk("admin").get(f"/patients/999999999{tab}").status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_record(desk, patient, db, person):
    visit, honey = signed(person("doctor"), patient), {"medication_name": "Honey", "override_code": "checked_by_hand"}
    prescription_actions.prescribe(visit.id, **honey, by=person("doctor"))
    client = desk("doctor")
    tabs = ("", "/encounters", "/medicines", "/results", "/results?kind=conditions")

    def costs() -> dict[str, str]:
        client.get(f"/patients/{patient.id}")
        return {tab: client.get(f"/patients/{patient.id}{tab}").headers["X-Queries"] for tab in tabs}

    few = costs()
    with action_context("tests.story", SYSTEM):
        begun = clock.now() - timedelta(days=2000)
        visits = [
            {"patient_id": patient.id, "status": "signed", "signed_at": begun, "started_at": begun + timedelta(days=n)}
            | {"doctor_id": person("doctor").id, "notes": "n"}
            for n in range(700)
        ]
        ids = db.session.scalars(insert(Encounter).returning(Encounter.id), visits).all()
        db.session.execute(
            insert(Condition), [{"patient_id": patient.id, "encounter_id": i, "title": f"Problem {i}"} for i in ids]
        )
        orders = {"patient_id": patient.id, "status": "completed", "signed_at": begun, "medication_name": "Honey"}
        db.session.execute(insert(Prescription), [orders | {"encounter_id": i} for i in ids])
    assert costs() == few


def test_the_next_page_has_no_gap_and_no_repeated_row(desk, patient, db, person):
    doctor = person("doctor")
    for n in range(30):
        encounter = encounter_actions.start_encounter_with_texts(
            patient_id=patient.id, notes="n", diagnosis=f"Visit {n:02d}.", by=doctor
        )
        signing.sign(encounter.id, by=doctor)
    client = desk("doctor")
    first = client.get(f"/patients/{patient.id}/encounters")
    link = next(line for line in first.get_data(as_text=True).split('"') if "before=" in line)
    second = text(client.get(link))
    shown = [f"Visit {n:02d}." for n in range(30) if f"Visit {n:02d}." in text(first)]
    older = [f"Visit {n:02d}." for n in range(30) if f"Visit {n:02d}." in second]
    assert (len(shown), len(older)) == (25, 5)
    assert set(shown) & set(older) == set()


def test_the_bills_tab_offers_a_new_bill_and_shows_zero_as_money(desk, patient, db):
    cashier, address = desk("cashier"), f"/patients/{patient.id}/bills"
    page = cashier.get(address).get_data(as_text=True)
    assert "bill-new" in page
    made = cashier.form(address, 0)
    assert made.location.startswith("/billing/bills/")
    with action_context("tests.void", SYSTEM):
        db.session.execute(update(Bill).where(Bill.patient_id == patient.id).values(status="void", void_reason="x"))
    assert "Void SLE 0.00 SLE 0.00 SLE 0.00" in text(cashier.get(address))
    assert "bill-new" not in desk("nurse").get(f"/patients/{patient.id}/bills").get_data(as_text=True)
