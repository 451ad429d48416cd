"""A proposed change of the safety rules is tried on the prescriptions of the last month before it counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hms.clinical import signing
from hms.clinical.prescriptions import actions as prescriptions
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.errors import Conflict
from hms.core.person import SYSTEM
from hms.formulary.rule_book import actions, queries
from hms.formulary.rule_book.actions import ProposedLine
from hms.patients.access import actions as access
from hms.pharmacy.models import RuleTrial
from hms.pharmacy.safety_rules import jobs
from hms.pharmacy.safety_rules.actions import start_trial
from tests.clinical.factories import a_patient, an_encounter
from tests.formulary.factories import load, medicine
from tests.page import words
from tests.staff import factories as staff

WHY = {"reason": "Too many alerts", "source": "National guideline 2026, section 4"}


def visit(doctor: Any, *keys: str) -> Any:
    patient = a_patient()
    encounter = an_encounter(doctor, patient, notes="n", no_diagnosis_reason="check")
    for key in keys:
        why = {"override_code": "no_alternative"}
        prescriptions.prescribe(encounter.id, medication_id=medicine(key).id, **why, by=doctor)
    signing.sign(encounter.id, override_code="checked_by_hand", by=doctor)
    return patient


def tried(lines: list[ProposedLine], by: Any) -> tuple[int, dict[str, Any]]:
    change = actions.propose(lines, **WHY, by=by)
    trial = start_trial(change.id, by=by)
    with action_context("tests.job", SYSTEM):
        jobs.try_rules(trial.id)
        jobs.try_rules(trial.id)
    return change.id, database.session.get(RuleTrial, trial.id).result


@pytest.fixture
def pair(db: Any, person: Any) -> Any:
    """Three patients took both medicines of a pair, one of them restricted; one took them two months ago, another only one."""
    load()
    doctor = person("doctor")
    keys = ("simvastatin-20-mg-tablet", "clarithromycin-500-mg-tablet")
    with clock.frozen_at(clock.now() - timedelta(days=60)):
        visit(doctor, *keys)
    patients = [visit(doctor, *keys) for _ in range(3)]
    visit(doctor, keys[0])
    access.restrict(patients[2].id, reason="Works at this hospital", by=SYSTEM)
    names = {"simvastatin", "clarithromycin"}
    return next(
        rule for rule in queries.list_rules("", rule_list="interactions", tier="stop") if names <= rule.substances
    )


def test_what_a_change_would_have_done(pair, desk, program):
    pharmacist, key = staff.who("pharmacist"), pair.line.key
    less = dict(pair.line.shown) | {"tier": "info"}
    change_id, result = tried([ProposedLine("interactions", key, less)], pharmacist)
    assert result["compared"] == 7
    assert (result["tiers"]["stop"], result["tiers"]["info"]["more"]) == ({"more": 0, "less": 6}, 6)
    assert {each["change"] for each in result["examples"]} == {"more", "less"}
    page = words(desk("pharmacist").get(f"/pharmacy/rules/changes/{change_id}").get_data(as_text=True))
    assert "7 prescriptions of the last 30 days" in page
    assert "Kamara" not in page
    found = program("pharmacist").get(f"/api/safety-rule-changes/{change_id}/trial/").get_json()
    assert (found["status"], found["severities"]["stop"]["less"], len(found["examples"])) == ("done", 6, 8)
    assert program("doctor").post(f"/api/safety-rule-changes/{change_id}/trial/").status_code == 403
    answer = desk("pharmacist").form(f"/pharmacy/rules/changes/{change_id}", 1)
    assert answer.status_code == 303
    assert "Being tried" in words(desk("pharmacist").get(answer.location).get_data(as_text=True))
    assert 'data-state="waiting"' in desk("doctor").get(answer.location.split("#")[0] + "/trial").get_data(as_text=True)
    assert queries.get_rule(key).tier == "stop"
    actions.withdraw(change_id, by=pharmacist)
    with pytest.raises(Conflict):
        start_trial(change_id, by=pharmacist)
    words_only = dict(pair.line.shown) | {"advice": "Other words."}
    assert tried([ProposedLine("interactions", key, words_only)], pharmacist)[1]["tiers"]["stop"] == {
        "more": 0,
        "less": 0,
    }
