"""Dispensing on the database: allocation, ledger, line and charge; and every refusal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from hms.billing.models import Bill, BillLine
from hms.core import clock
from hms.core.actions import action_context
from hms.core.errors import Conflict, NotAllowed, NotFound, RuleBroken
from hms.core.person import SYSTEM
from hms.formulary.safety.reasons import question_key
from hms.messages.models import Notification
from hms.patients.records import actions as record_actions
from hms.pharmacy.dispensing import actions, holds, returns
from hms.pharmacy.models import Batch, Dispense, StockMovement
from tests.pharmacy import factories as make


@pytest.fixture
def by(person):
    return person("pharmacist")


def movements(db, dispense):
    rows = select(StockMovement.batch_id, StockMovement.quantity).filter_by(dispense_id=dispense.id)
    return {batch: count for batch, count in db.session.execute(rows.order_by(StockMovement.id))}


def on_hand(db, batch):
    return db.session.execute(select(Batch.quantity).filter_by(id=batch.id)).scalar_one()


def test_all_that_is_owed_leaves_the_soonest_batches(db, by):
    line, later = make.ordered(21, stock=100)
    sooner = make.batch(_medicine(db, line), 8, days=60)
    given = actions.dispense(line.id, by=by)
    assert movements(db, given) == {sooner.id: -8, later.id: -13}
    assert (line.status, line.quantity_dispensed) == ("completed", 21)
    assert on_hand(db, sooner) == 0


def _medicine(db, line):
    from hms.formulary.models import Medication

    return db.session.get(Medication, line.medication_id)


def test_expired_batches_and_those_that_end_before_the_course_stay(db, by):
    line, good = make.ordered(10)
    medicine = _medicine(db, line)
    make.batch(medicine, 50, days=-1)
    make.batch(medicine, 50, days=5)
    given = actions.dispense(line.id, by=by)
    assert movements(db, given) == {good.id: -10}


def test_the_charge_is_on_the_bill_once_at_the_list_price(db, by):
    line, _batch = make.ordered(21)
    given = actions.dispense(line.id, by=by)
    charge = db.session.scalars(select(BillLine).filter_by(source="dispense", source_id=given.id)).one()
    assert (charge.quantity, str(charge.amount)) == (21, "52.50")
    assert str(db.session.get(Bill, charge.bill_id).total) == "52.50"


def test_a_part_leaves_the_rest_owing_and_the_rest_can_follow(db, by):
    line, _batch = make.ordered(21)
    actions.dispense(line.id, 6, by=by)
    assert (line.status, line.quantity_dispensed) == ("part_dispensed", 6)
    actions.dispense(line.id, by=by)
    assert (line.status, line.quantity_dispensed) == ("completed", 21)


def test_dispensing_is_a_new_version_of_the_prescription(db, by):
    line, _batch = make.ordered(21)
    version, updated_at = line.version, line.updated_at
    actions.dispense(line.id, 6, by=by)
    db.session.refresh(line)
    assert line.version == version + 1
    assert line.updated_at > updated_at


@pytest.mark.parametrize("quantity", [0, -1, 22, 100_001])
def test_an_impossible_quantity_is_refused(by, quantity):
    line, _batch = make.ordered(21)
    with pytest.raises(RuleBroken) as refused:
        actions.dispense(line.id, quantity, by=by)
    assert refused.value.field == "quantity"


def test_dispensing_more_than_in_stock_names_the_stock(db, by):
    line, batch = make.ordered(21, stock=4)
    with pytest.raises(Conflict, match="Only 4") as refused:
        actions.dispense(line.id, by=by)
    assert refused.value.code == "out_of_stock"
    assert on_hand(db, batch) == 4


@pytest.mark.parametrize("status", ["draft", "on_hold", "completed", "stopped", "entered_in_error"])
def test_only_a_waiting_line_is_dispensed(by, status):
    line, _batch = make.ordered(21, status=status)
    with pytest.raises(Conflict) as refused:
        actions.dispense(line.id, 1, by=by)
    assert refused.value.code == status


def test_a_medicine_off_the_list_is_not_dispensed(by):
    line = make.prescription(None, make.encounter(make.patient()))
    with pytest.raises(RuleBroken, match="not on the medicine list"):
        actions.dispense(line.id, 1, by=by)


def test_a_line_without_quantity_needs_one_and_is_then_done(by):
    line, _batch = make.ordered(None)
    with pytest.raises(RuleBroken, match="entered no quantity"):
        actions.dispense(line.id, by=by)
    actions.dispense(line.id, 5, by=by)
    assert line.status == "completed"


@pytest.mark.parametrize("role", ["admin", "doctor", "nurse", "receptionist", "cashier", "lab", "patient"])
def test_only_a_pharmacist_dispenses(person, role):
    line, _batch = make.ordered(21)
    with pytest.raises(NotAllowed):
        actions.dispense(line.id, by=person(role))


def test_an_unknown_prescription_is_not_found(by):
    with pytest.raises(NotFound):
        actions.dispense(9**15, by=by)


def test_an_allergy_recorded_after_signing_stops_the_dispensing(db, by):
    line, batch = make.ordered(21)
    from hms.patients.models import Patient

    make.allergy(db.session.get(Patient, line.patient_id))
    with pytest.raises(RuleBroken, match="penicillin") as refused:
        actions.dispense(line.id, by=by)
    assert refused.value.code == "allergy"
    assert on_hand(db, batch) == 100


def test_a_stop_that_the_prescriber_answered_does_not_block(db, by):
    patient, medicine = make.patient(), make.medicine()
    make.allergy(patient)
    later = clock.now() + timedelta(seconds=1)
    line = make.prescription(
        medicine, make.encounter(patient), override_code="tolerated_before", override_reason="", signed_at=later
    )
    make.batch(medicine)
    assert actions.dispense(line.id, by=by).quantity == 21

    def ordered(key):
        reasons = {key: {"code": "tolerated_before", "text": ""}}
        of = {"override_code": "tolerated_before", "reasons": reasons, "signed_at": later}
        return make.prescription(medicine, make.encounter(patient), **of)

    with pytest.raises(RuleBroken, match="penicillin") as unanswered:
        actions.dispense(ordered("0123456789ab").id, by=by)
    alert = unanswered.value.sentence.values["alert"]
    assert actions.dispense(ordered(question_key("stop", str(alert))).id, by=by).quantity == 21


def test_another_batch_needs_a_reason(db, by):
    line, first = make.ordered(21)
    other = make.batch(_medicine(db, line), 50, days=800)
    with pytest.raises(RuleBroken) as refused:
        actions.dispense(line.id, batch_picks=[(other.id, 21)], by=by)
    assert refused.value.field == "reason"
    given = actions.dispense(line.id, batch_picks=[(other.id, 21)], reason="the first pack is torn", by=by)
    assert movements(db, given) == {other.id: -21}
    assert db.session.get(Dispense, given.id).note == "the first pack is torn"
    assert on_hand(db, first) == 100


def test_an_expired_batch_is_never_given_by_hand(db, by):
    line, _first = make.ordered(21)
    expired = make.batch(_medicine(db, line), 50, days=-3)
    with pytest.raises(RuleBroken, match="expired"):
        actions.dispense(line.id, batch_picks=[(expired.id, 21)], reason="no other", by=by)


def test_a_batch_of_another_medicine_is_refused(by):
    line, _first = make.ordered(21)
    _other, foreign = make.ordered(21)
    with pytest.raises(Conflict):
        actions.dispense(line.id, batch_picks=[(foreign.id, 21)], reason="x", by=by)


def visit_of_three():
    visit = make.encounter(make.patient())
    lines = [
        make.prescription(make.medicine(name), visit, 20) for name in ("paracetamol", "zinc sulfate", "metronidazole")
    ]
    return visit, lines


def test_a_visit_is_dispensed_at_once_and_what_is_short_stays_owing(db, by):
    visit, (full, part, none) = visit_of_three()
    make.batch(_medicine(db, full), 50)
    make.batch(_medicine(db, part), 4)
    done = actions.dispense_all(visit.id, by=by)
    assert [one.quantity for one in done] == [20, 4]
    assert [line.status for line in (full, part, none)] == ["completed", "part_dispensed", "active"]
    assert db.session.execute(select(func.count(Bill.id)).filter_by(patient_id=visit.patient_id)).scalar_one() == 1


def test_a_visit_with_one_refused_line_dispenses_nothing(db, by):
    visit, (first, second, _third) = visit_of_three()
    batch = make.batch(_medicine(db, first), 50)
    with pytest.raises(RuleBroken) as refused:
        actions.dispense_all(visit.id, {first.id: 20, second.id: 21}, by=by)
    assert refused.value.field == f"quantity-{second.id}"
    assert (on_hand(db, batch), first.quantity_dispensed) == (50, 0)


def test_two_lines_of_one_medicine_share_its_batches(db, by):
    medicine, visit = make.medicine(), make.encounter(make.patient())
    lines = [make.prescription(medicine, visit, 10) for _ in range(2)]
    sooner, later = make.batch(medicine, 12, days=100), make.batch(medicine, 50, days=300)
    first, second = actions.dispense_all(visit.id, {line.id: 10 for line in lines}, by=by)
    assert movements(db, first) == {sooner.id: -10}
    assert movements(db, second) == {sooner.id: -2, later.id: -8}


def test_other_batches_than_those_shown_are_a_conflict(db, by):
    line, batch = make.ordered(21, stock=100)
    plan = {line.id: [(batch.id, 21)]}
    sooner = make.batch(_medicine(db, line), 30, days=60)
    with pytest.raises(Conflict, match="dispense again") as refused:
        actions.dispense_all(line.encounter_id, {line.id: 21}, plans=plan, by=by)
    assert refused.value.code == "allocation_changed"
    done = actions.dispense_all(line.encounter_id, {line.id: 21}, plans={line.id: [(sooner.id, 21)]}, by=by)
    assert movements(db, done[0]) == {sooner.id: -21}


def test_dispensing_less_than_offered_uses_the_same_batches(db, by):
    line, sooner = make.ordered(21, stock=5)
    later = make.batch(_medicine(db, line), 30, days=900)
    plan = {line.id: [(sooner.id, 5), (later.id, 16)]}
    done = actions.dispense_all(line.encounter_id, {line.id: 7}, plans=plan, by=by)
    assert movements(db, done[0]) == {sooner.id: -5, later.id: -2}


def test_a_line_of_another_visit_is_not_found(by):
    line, _batch = make.ordered(21)
    other, _batch = make.ordered(21)
    with pytest.raises(NotFound):
        actions.dispense_all(line.encounter_id, {line.id: 1, other.id: 1}, by=by)


def test_dispensing_no_line_is_refused(by):
    line, _batch = make.ordered(21)
    with pytest.raises(RuleBroken, match="Nothing dispensed"):
        actions.dispense_all(line.encounter_id, {line.id: 0}, by=by)


def test_a_return_goes_back_to_its_batch_and_off_the_draft_bill(db, by):
    line, batch = make.ordered(21)
    given = actions.dispense(line.id, by=by)
    returns.return_dispensed(given.id, 6, "spilled none, unopened", by=by)
    assert on_hand(db, batch) == 85
    assert (line.status, line.quantity_dispensed) == ("part_dispensed", 15)
    charges = select(BillLine.quantity).filter_by(source="dispense", source_id=given.id, withdrawn_at=None)
    assert db.session.scalars(charges).all() == [15]
    returns.return_dispensed(given.id, 15, "all of it", by=by)
    assert db.session.scalars(charges).all() == []
    assert (on_hand(db, batch), line.status) == (100, "active")


def test_a_return_that_may_not_be_used_again_is_written_off(db, by):
    line, batch = make.ordered(21)
    given = actions.dispense(line.id, by=by)
    returns.return_dispensed(given.id, 21, "opened", goes_back=False, by=by)
    assert on_hand(db, batch) == 79
    with pytest.raises(RuleBroken, match="Only 0"):
        returns.return_dispensed(given.id, 1, "again", by=by)


@pytest.mark.parametrize(
    ("quantity", "reason", "field"), [(22, "x", "quantity"), (0, "x", "quantity"), (1, " ", "reason")]
)
def test_a_wrong_return_is_refused(by, quantity, reason, field):
    line, _batch = make.ordered(21)
    given = actions.dispense(line.id, by=by)
    with pytest.raises(RuleBroken) as refused:
        returns.return_dispensed(given.id, quantity, reason, by=by)
    assert refused.value.field == field


def test_a_return_after_the_bill_was_issued_leaves_the_bill(db, by):
    line, batch = make.ordered(21)
    given = actions.dispense(line.id, by=by)
    with action_context("tests.issue", SYSTEM):
        db.session.execute(text("UPDATE bill SET status = 'issued', number = 'B-1', issued_at = now()"))
    db.session.expire_all()
    returns.return_dispensed(given.id, 21, "not tolerated", by=by)
    standing = select(func.sum(BillLine.quantity)).filter_by(source="dispense", source_id=given.id, withdrawn_at=None)
    assert db.session.execute(standing).scalar_one() == 21
    assert on_hand(db, batch) == 100


def test_hold_query_resume_close(db, person, by):
    doctor = person("doctor")
    medicine = make.medicine()
    line = make.prescription(medicine, make.encounter(make.patient(), doctor.id))
    make.batch(medicine)
    holds.query_prescriber(line.id, reason="dose for a child?", by=by)
    told = db.session.scalars(select(Notification).filter_by(user_id=doctor.id)).one()
    assert (line.status, told.message) == ("on_hold", f"{line.medication_name}: dose for a child?")
    holds.resume(line.id, by=by)
    assert line.status == "active"
    actions.dispense(line.id, 1, by=by)
    holds.hold(line.id, reason="patient went home", by=by)
    holds.resume(line.id, by=by)
    assert line.status == "part_dispensed"
    holds.close(line.id, reason="bought elsewhere", by=by)
    assert (line.status, line.status_reason) == ("completed", "bought elsewhere")


def test_a_hold_needs_a_reason_and_is_resumed_once(by):
    line, _batch = make.ordered(21)
    with pytest.raises(RuleBroken):
        holds.hold(line.id, reason="  ", by=by)
    with pytest.raises(Conflict):
        holds.resume(line.id, by=by)


def test_a_patient_with_medicines_to_dispense_is_not_withdrawn(db, by, person):
    line, _batch = make.ordered(21)
    with pytest.raises(Conflict, match="not dispensed yet"):
        record_actions.withdraw_patient(line.patient_id, by=person("admin"))
    holds.close(line.id, reason="Registered twice", by=by)
    record_actions.withdraw_patient(line.patient_id, by=person("admin"))
