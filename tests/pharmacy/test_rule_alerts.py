"""What the safety rules did in a month: alerts shown and overridden, and which rules are proposed for demotion."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from hms.clinical import signing
from hms.clinical.models import Prescription, RefusedAlert
from hms.clinical.prescriptions import actions
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.formulary.rule_book import queries
from hms.pharmacy.safety_rules import alert_counts
from hms.pharmacy.safety_rules.alert_counts import Month
from tests.clinical.factories import a_patient, allergic, an_encounter
from tests.formulary.factories import load, medicine
from tests.page import words

BETA_BLOCKER = {"list": "illnesses"}


def order(encounter: Any, name: str, **more: Any) -> dict[str, Any]:
    dose = {"dosage": "500 mg", "frequency": "three times a day", "duration": "5 days"}
    return {"encounter": encounter.id, "medication": medicine(name).id} | dose | more


def test_who_desists_counts_and_who_goes_on_counts_once(db, program, desk, person):
    load()
    doctor, client = person("doctor"), program("doctor")
    for goes_on in (True, True, False):
        patient = a_patient()
        allergic(patient)
        encounter = an_encounter(doctor, patient, notes="n", no_diagnosis_reason="check")
        for _twice in range(2):
            assert (
                client.post("/api/prescriptions/", json=order(encounter, "amoxicillin-500-mg-capsule")).status_code
                == 400
            )
        if goes_on:
            why = {"override_code": "tolerated_before"}
            made = client.post("/api/prescriptions/", json=order(encounter, "amoxicillin-500-mg-capsule", **why))
            assert made.json["alerts"][0]["line"]
            signing.sign(encounter.id, by=doctor)
    assert database.session.scalar(select(func.count(RefusedAlert.id))) == 3
    (count,) = [each for each in alert_counts.count_alerts(alert_counts.read_month(None)) if each.check == "allergy"]
    assert (count.shown, count.overridden, count.share, count.rule.title) == (3, 2, 66, "penicillin")
    assert dict(count.reasons) == {"tolerated_before": 2}
    listed = program("pharmacist").get("/api/safety-rule-alerts/").get_json()
    assert [(row["title"], row["shown"], row["is_demotable"]) for row in listed if row["check"] == "allergy"] == [
        ("penicillin", 3, False)
    ]
    page = words(desk("pharmacist").get("/pharmacy/rules/alerts?months=3").get_data(as_text=True))
    assert "Taken before without harm (2)" in page
    for month in ("2026-13", "9999-12", "0001-01", "2026-1", "x" * 7):
        assert program("pharmacist").get(f"/api/safety-rule-alerts/?month={month}&months=12").status_code == 400
    assert program("pharmacist").get("/api/safety-rule-alerts/?month=2000-01&months=12").get_json() == []
    assert desk("pharmacist").get("/pharmacy/rules/alerts?month=x&months=99&from=-4").status_code == 200
    removed = an_encounter(doctor, a_patient())
    line = actions.prescribe(removed.id, medication_id=medicine("amoxicillin-500-mg-capsule").id, by=doctor)
    actions.remove_prescription(line.id, by=doctor)


def fired(rule: Any, shown: int, overridden: int, *, days_ago: int = 0) -> None:
    at = clock.now() - timedelta(days=days_ago)
    with action_context("tests.seed", SYSTEM):
        for number in range(shown):
            alert = {"tier": rule.tier, "message": f"{rule.title} {number}", "line": rule.line.key, "key": f"k{number}"}
            checks = {"version": "x", "checks": [{"rule": "interaction", "outcome": "fired", "alerts": [alert]}]}
            is_signed = number < overridden
            state = (
                {"status": "active", "signed_at": at} if is_signed else {"status": "entered_in_error", "created_at": at}
            )
            reasons = {f"k{number}": {"code": "no_alternative", "text": ""}} if is_signed else {}
            database.session.add(
                Prescription(patient_id=a_patient().id, medication_name="x", checks=checks, reasons=reasons, **state)
            )
        database.session.flush()


def test_only_what_nobody_follows_and_what_may_be_less_is_proposed(db, desk):
    known = alert_counts.current_rules.load_knowledge()
    high = alert_counts._high_alert_substances(known)
    pairs = [rule for rule in queries.list_rules(rule_list="interactions", tier="caution")]
    harmless = [rule for rule in pairs if not rule.substances & high]
    dangerous = next(rule for rule in pairs if rule.substances & high)
    stop = next(
        rule for rule in queries.list_rules(rule_list="interactions", tier="stop") if not rule.substances & high
    )
    often, seldom, followed = harmless[:3]
    fired(often, 22, 21)
    fired(seldom, 19, 19)
    fired(followed, 20, 18)
    fired(dangerous, 20, 20)
    fired(stop, 20, 20)
    fired(harmless[3], 20, 20, days_ago=70)
    month = Month.of(clock.today())
    assert [each.rule for each in alert_counts.find_demotable(alert_counts.count_alerts(month))] == [often]
    page = desk("pharmacist").get("/pharmacy/rules/alerts").get_data(as_text=True)
    assert f"/pharmacy/rules/{often.line.key}/change?tier=info" in page
    assert "There is no alternative (21)" in words(page)
    changed = desk("pharmacist").get(f"/pharmacy/rules/{often.line.key}/change?tier=info").get_data(as_text=True)
    assert '<option value="info" selected>' in changed
    wide = alert_counts.find_demotable(alert_counts.count_alerts(month, 12))
    assert {each.rule.line.key for each in wide} == {often.line.key, harmless[3].line.key}


def test_months_are_the_hospitals():
    assert str(Month(2026, 1).back(1)) == "2025-12"
    assert str(Month(2026, 12).back(-1)) == "2027-01"
