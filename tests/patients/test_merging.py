"""Two records of one patient are merged and separated again: every row comes back, and nobody does it alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import select, text

from hms.appointments.bookings import actions as booking_actions
from hms.appointments.models import Appointment
from hms.billing.models import Bill
from hms.clinical.models import Encounter
from hms.core import clock
from hms.core.actions import action_context
from hms.core.audit.models import AuditEntry
from hms.core.db.session import db as database
from hms.core.errors import Conflict, DomainError, NotFound, RuleBroken
from hms.core.person import SYSTEM
from hms.patients import lookup
from hms.patients.access import actions as access_actions
from hms.patients.merging import actions, forms, moved_rows, rules
from hms.patients.merging.moved_rows import Row
from hms.patients.models import Allergy, Patient, PatientMerge
from hms.patients.records import actions as record_actions
from hms.patients.search import queries as search_queries
from hms.staff import request_user
from hms.staff.models import User
from tests.appointments import factories as booking_factories
from tests.concurrency import at_once
from tests.house.hospital import add, one_more_visit, whole_record
from tests.patients.factories import a_patient

pytestmark = pytest.mark.security("D")

NOT_COMPARED = {
    "audit_entry",
    "audit_seal",
    "patient_merge",
    "patient_merge_row",
    "patient_to_compare",
    "notification",
    "outbox",
}
"""The trail, the requests themselves, and the message to the person who asked."""
STAMPS = {"patient": {"updated_at", "version"}}

Rows = dict[tuple[str, int], dict[str, Any]]


def everything() -> Rows:
    """Every row of the hospital, by table and key."""
    database.session.flush()
    database.session.expire_all()
    tables = [table for table in database.metadata.sorted_tables if table.name not in NOT_COMPARED]
    return {
        (table.name, *(row[column.name] for column in table.primary_key)): {
            name: value for name, value in row.items() if name not in STAMPS.get(table.name, ())
        }
        for table in tables
        for row in database.session.execute(select(table)).mappings()
    }


def merge(kept_id: int, merged_id: int, person: Any, **values: Any) -> PatientMerge:
    asked = actions.request_merge(kept_id, merged_id, reason="Registered twice", by=person("receptionist"), **values)
    return actions.approve(asked.id, by=person("admin"))


def separate(done: PatientMerge, person: Any, rows: Iterable[Row] = ()) -> PatientMerge:
    asked = actions.request_separation(done.id, reason="Two people", rows=tuple(rows), by=person("receptionist"))
    return actions.approve(asked.id, by=person("admin"))


@pytest.mark.parametrize("visits", [0, 1, 6])
def test_a_separation_gives_back_what_was_there_and_the_chosen_rows(db, person, visits):
    kept_id, merged_id = whole_record("Kamara")["patient_id"], whole_record("Kamarah")["patient_id"]
    before = everything()
    done = merge(kept_id, merged_id, person, choices={"name": "merged"})
    assert lookup.patient(kept_id).family_name == "Kamarah"
    assert not moved_rows._rows_of(merged_id)
    for _visit in range(visits):
        one_more_visit(kept_id)
    if visits:
        add(Allergy(patient_id=kept_id, substance="Latex"))
    with_later = everything()
    plan = moved_rows.plan_separation(done)
    assert len([row for group in plan.groups for row in group]) >= 12 * visits + bool(visits)
    chosen = {group[0] for group in plan.groups[::2]}
    separate(done, person, chosen)
    after = everything()
    assert {key: row for key, row in after.items() if key in before} == before
    taken = {row for group in plan.groups[::2] for row in group}
    for key in after.keys() - before.keys():
        owner = merged_id if Row(*key) in taken else kept_id
        expected = with_later[key] | ({"patient_id": owner} if "patient_id" in with_later[key] else {})
        assert after[key] == expected, key
    assert after.keys() == with_later.keys()


def test_the_old_number_finds_the_new_record_and_takes_nothing(db, person, program, desk):
    kept_id, merged_id = whole_record("Kamara")["patient_id"], whole_record("Sesay")["patient_id"]
    old = lookup.patient(merged_id)
    old_number, old_version = old.hospital_number, old.version
    merge(kept_id, merged_id, person)
    kept_number = lookup.patient(kept_id).hospital_number
    for typed in (old_number, kept_number):
        assert [(hit.id, hit.is_similar) for hit in search_queries.search_patients(typed, who=person("nurse"))] == [
            (kept_id, False)
        ]
    assert not search_queries.search_patients("Sesay", who=person("nurse"))
    assert [row["id"] for row in program("nurse").get(f"/api/patients/?search={old_number}").json] == [kept_id]
    answer = program("nurse").get(f"/api/patients/{merged_id}/")
    assert (answer.status_code, answer.json["code"], answer.json["merged_into"]) == (410, "merged", kept_id)
    assert program("patient").get(f"/api/patients/{merged_id}/").status_code == 404
    page = desk("nurse").get(f"/patients/{merged_id}")
    assert (page.status_code, kept_number in page.text) == (410, True)
    assert f"/patients/{kept_id}" in page.text
    for act in (
        lambda: lookup.access_facts(merged_id),
        lambda: record_actions.update_patient(merged_id, phone="1", by=person("nurse")),
        lambda: record_actions.withdraw_patient(merged_id, by=person("admin")),
        lambda: record_actions.restore_patient(merged_id, by=person("admin")),
        lambda: booking_actions.book(
            patient_id=merged_id, doctor_id=1, date=clock.today(), time=dt.time(9), by=person("receptionist")
        ),
    ):
        with pytest.raises(DomainError) as refused:
            act()
        assert (refused.value.code, kept_number in str(refused.value)) == ("merged", True)
    with pytest.raises(Conflict, match="merged into another one"):
        add(Bill(patient_id=merged_id))
    with pytest.raises(Conflict, match="merged into another one"), action_context("tests.seed", SYSTEM):
        database.session.execute(text("UPDATE patient SET phone = '1' WHERE id = :id"), {"id": merged_id})
    gone = database.session.get(Patient, merged_id)
    assert (gone.family_name, gone.version) == ("Sesay", old_version + 1)
    trail = select(AuditEntry.patient_id).filter_by(action="patients.approve_merge", entity="encounter")
    assert database.session.scalars(trail).all() == [kept_id]


def test_an_unsafe_merge_is_refused(db, person):
    kept_id = a_patient().id
    born = dt.date(1991, 3, 13)

    def with_row(row: Any) -> int:
        return add(row).patient_id

    def in_queue() -> int:
        patient = a_patient()
        booking_factories.waiting(patient.id)
        return patient.id

    def restricted() -> int:
        patient = a_patient()
        access_actions.restrict(patient.id, reason="Known in the town", by=person("admin"))
        return patient.id

    def withdrawn() -> int:
        patient = a_patient()
        record_actions.withdraw_patient(patient.id, by=person("admin"))
        return patient.id

    visit = {"doctor_id": booking_factories.doctor().id, "started_at": clock.now(), "status": "in_progress"}
    cases = {
        "itself": (lambda: kept_id, "invalid"),
        "in the queue": (in_queue, "in_queue"),
        "draft bill": (lambda: with_row(Bill(patient_id=a_patient().id)), "draft_bill"),
        "open encounter": (lambda: with_row(Encounter(patient_id=a_patient().id, **visit)), "open_encounter"),
        "another sex": (lambda: a_patient(sex="male").id, "sex_differs"),
        "another birth date": (lambda: a_patient(birth_date=born.replace(day=14)).id, "birth_date_differs"),
        "restricted": (restricted, "restricted"),
        "withdrawn": (withdrawn, "not_found"),
    }
    for name, (other, code) in cases.items():
        for pair in ((kept_id, other()), (other(), kept_id)):
            with pytest.raises(DomainError) as refused:
                actions.request_merge(*pair, reason="Registered twice", by=person("receptionist"))
            assert refused.value.code == code, name
    for choices in ({"number": "merged"}, {"name": "mine"}):
        with pytest.raises(RuleBroken):
            actions.request_merge(kept_id, a_patient().id, reason="Twice", choices=choices, by=person("receptionist"))
    other_id = a_patient(sex="male").id
    done = merge(kept_id, other_id, person, confirmed=["sex"], choices={"sex": "merged"})
    assert (lookup.patient(kept_id).sex, done.confirmed) == ("male", ["sex"])


def test_what_became_unsafe_after_the_request_is_refused_at_the_approval(db, person):
    kept_id, merged_id = a_patient().id, a_patient().id
    asked = actions.request_merge(kept_id, merged_id, reason="Twice", by=person("receptionist"))
    record_actions.update_patient(merged_id, sex="male", by=person("receptionist"))
    with pytest.raises(RuleBroken) as refused:
        actions.approve(asked.id, by=person("admin"))
    assert refused.value.code == "sex_differs"
    record_actions.update_patient(merged_id, sex="female", by=person("receptionist"))
    add(Bill(patient_id=kept_id))
    with pytest.raises(Conflict, match="draft"):
        actions.approve(asked.id, by=person("admin"))


def test_nobody_merges_alone(db, person):
    """One person with every right tries by the action and by SQL."""
    kept_id, merged_id = whole_record("Kamara")["patient_id"], whole_record("Kamarah")["patient_id"]
    admin = person("admin")
    asked = actions.request_merge(kept_id, merged_id, reason="Twice", by=admin)
    for act in (actions.approve, lambda number, by: actions.decline(number, reason="No", by=by)):
        with pytest.raises(RuleBroken, match="someone else must decide"):
            act(asked.id, by=admin)
    with pytest.raises(Conflict) as refused:
        actions.request_merge(merged_id, kept_id, reason="Twice", by=person("nurse"))
    assert refused.value.code == "asked_already"
    values = {"kept": kept_id, "gone": merged_id, "asked": asked.id, "admin": admin.id}
    alone = {
        "needs_approval": (
            "UPDATE patient SET status = 'merged', merged_into_id = :kept WHERE id = :gone",
            "UPDATE patient_merge SET status = 'approved', decided_at = now(), decided_by_id = :admin WHERE id = :asked",
            "INSERT INTO patient_merge_row (merge_id, table_name, column_name, row_id, is_moved)"
            " SELECT :asked, 'bill', 'patient_id', id, true FROM bill WHERE patient_id = :gone",
        ),
        "not_acting": (
            "UPDATE patient_merge SET status = 'approved', decided_at = now(), decided_by_id = :admin + 1"
            " WHERE id = :asked",
        ),
        "permanent": (
            "UPDATE bill SET patient_id = :kept WHERE patient_id = :gone",
            "UPDATE encounter SET patient_id = :kept WHERE patient_id = :gone",
            "UPDATE dispense SET patient_id = :kept WHERE patient_id = :gone",
            "UPDATE patient_merge SET kept_id = :gone, merged_id = :kept WHERE id = :asked",
            "DELETE FROM patient_merge WHERE id = :asked",
        ),
    }
    for code, statements in alone.items():
        for statement in statements:
            with pytest.raises(Conflict) as refused:
                _try(statement, values, asked, admin)
            assert refused.value.code == code, statement
    with pytest.raises(NotFound):
        actions.withdraw_request(asked.id, by=person("receptionist"))
    assert actions.withdraw_request(asked.id, by=admin).status == "withdrawn"
    with pytest.raises(Conflict, match="already decided"):
        actions.approve(asked.id, by=person("admin"))


def test_the_second_person_moves_noted_rows_only(db, person):
    """While a request is approved, a row moves if it is noted, as a whole, and to the other record of the request."""
    kept_id, merged_id, third = (whole_record(name)["patient_id"] for name in ("Kamara", "Kamarah", "Sesay"))
    asked = actions.request_merge(kept_id, merged_id, reason="Twice", by=person("receptionist"))
    values = {"kept": kept_id, "gone": merged_id, "third": third}
    for change in (
        "UPDATE encounter SET patient_id = :kept, notes = 'x' WHERE patient_id = :gone",
        "UPDATE encounter SET patient_id = :third WHERE patient_id = :gone",
        "UPDATE encounter SET patient_id = :kept WHERE patient_id = :third",
    ):
        with pytest.raises(Conflict) as refused:
            _try(change, values, asked, person("admin"), is_noted=True)
        assert refused.value.code == "permanent", change
    noted = "INSERT INTO patient_merge_row (merge_id, table_name, column_name, row_id, is_moved)"
    with pytest.raises(DomainError):
        _try(f"{noted} VALUES (:asked, 'audit_entry', 'patient_id', 1, true)", values, asked, person("admin"))


def _try(statement: str, values: dict[str, int], asked: PatientMerge, by: Any, *, is_noted: bool = False) -> None:
    with action_context("tests.tries", by):
        database.session.execute(text("SELECT set_config('hms.merge', :asked, true)"), {"asked": str(asked.id)})
        if is_noted:
            moved_rows.note_rows_of_both(asked)
        database.session.execute(text(statement), values | {"asked": asked.id})


def test_several_merges_are_undone_from_the_last_one_and_changes_since_stay(db, person):
    kept, first, second = (a_patient(phone="", address="", email="").id for _n in range(3))
    with action_context("tests.seed", SYSTEM):
        for patient_id, phone in ((first, "+23276000001"), (second, "+23276000002")):
            database.session.get(Patient, patient_id).phone = phone
        database.session.get(Patient, first).address = "1 Hill Road"
    one, two = merge(kept, first, person), merge(kept, second, person, choices={"phone": "merged"})
    assert lookup.patient(kept).phone == "+23276000002"
    with pytest.raises(Conflict) as refused:
        actions.request_separation(one.id, reason="Two", by=person("nurse"))
    assert refused.value.code == "merged_later"
    with pytest.raises(lookup.RecordMerged):
        merge(first, kept, person)
    record_actions.update_patient(kept, address="5 New Road", by=person("nurse"))
    separate(two, person)
    assert lookup.patient(kept).phone == "+23276000001"
    separate(one, person)
    assert (lookup.patient(kept).phone, lookup.patient(kept).address) == ("", "5 New Road")
    assert lookup.patient(first).address == "1 Hill Road"
    with pytest.raises(Conflict) as refused:
        actions.request_separation(one.id, reason="Two", by=person("nurse"))
    assert refused.value.code == "separated"


def test_the_first_number_finds_the_last_record_of_a_chain(db, person):
    kept, first, second = (a_patient().id for _n in range(3))
    one, two = merge(kept, first, person), merge(second, kept, person)
    old = database.session.get(Patient, first).hospital_number
    assert [hit.id for hit in search_queries.search_patients(old, who=person("nurse"))] == [second]
    with pytest.raises(DomainError):
        actions.request_separation(one.id, reason="Two", by=person("nurse"))
    separate(two, person)
    separate(one, person)


def test_allergies_of_both_are_known_and_go_back(db, person):
    kept, gone = a_patient().id, a_patient().id
    with action_context("tests.seed", SYSTEM):
        database.session.get(Patient, kept).allergy_status = "none_known"
        database.session.get(Patient, gone).allergy_status = "known"
    add(Allergy(patient_id=gone, substance="Penicillin"))
    done = merge(kept, gone, person)
    assert lookup.patient(kept).allergy_status == "known"
    latex = add(Allergy(patient_id=kept, substance="Latex"))
    separate(done, person, [Row("allergy", latex.id)])
    assert (lookup.patient(kept).allergy_status, lookup.patient(gone).allergy_status) == ("none_known", "known")
    done = merge(kept, gone, person)
    add(Allergy(patient_id=kept, substance="Dust"))
    separate(done, person)
    assert lookup.patient(kept).allergy_status == "known"


def test_a_restriction_since_the_merge_is_given_to_the_separated_record_too(db, person):
    kept, other = a_patient(), a_patient()
    for is_restricted in (False, True):
        done = merge(kept.id, other.id, person)
        asked = actions.request_separation(done.id, reason="Two people", by=person("receptionist"))
        if is_restricted:
            kept.is_restricted, kept.restriction_reason = True, "Works in this hospital"
            add(kept)
        actions.approve(asked.id, by=person("admin"))
        assert [lookup.patient(row.id).is_restricted for row in (kept, other)] == [is_restricted] * 2


def test_a_bill_with_charges_of_both_is_corrected_before_a_separation(db, person):
    kept, gone = whole_record("Kamara"), whole_record("Kamarah")
    done = merge(kept["patient_id"], gone["patient_id"], person)
    bill = add(Bill(patient_id=kept["patient_id"]))
    line = {"bill_id": bill.id, "kind": "lab_order", "kept": kept["order_id"], "gone": gone["order_id"]}
    with action_context("tests.seed", SYSTEM):
        database.session.execute(
            text(
                "INSERT INTO bill_line (bill_id, description, quantity, unit_price, amount, source, source_id,"
                " withdrawn_reason) SELECT :bill_id, 'Test', 1, 0, 0, :kind, o, '' FROM unnest(ARRAY[:kept, :gone]) o"
            ),
            line,
        )
    with pytest.raises(Conflict) as refused:
        actions.request_separation(done.id, reason="Two", by=person("nurse"))
    assert (refused.value.code, str(bill.id) in str(refused.value)) == ("tangled", True)


def test_one_of_two_approvals_and_bookings_at_once_win_or_move(real_app):
    """Two people approve, while bookings of the merged record come in: nothing is left behind or done twice."""
    kept_id, merged_id = a_patient().id, a_patient().id
    booked = {"patient_id": merged_id, "doctor_id": booking_factories.doctor().id, "date": booking_factories.MONDAY}
    booking_factories.hours(booked["doctor_id"])
    of_name = dict(database.session.execute(select(User.username, User.id)).all())
    people = {name: request_user.load_active_person(of_name[name]) for name in ("receptionist", "admin", "nurse")}
    asked = actions.request_merge(kept_id, merged_id, reason="Twice", by=people["receptionist"]).id
    database.session.remove()

    def act(number: int) -> str:
        with real_app.app_context():
            try:
                if number % 2:
                    actions.approve(asked, by=people["admin"])
                else:
                    booking_actions.book(**booked, time=dt.time(9, 15 * (number // 2)), by=people["nurse"])
            except DomainError as error:
                return error.code
            finally:
                database.session.remove()
            return "done"

    answers = at_once(6, act)
    assert answers[1::2].count("done") == 1
    assert set(answers[1::2]) <= {"done", "decided", "merged"}
    assert set(answers[::2]) <= {"done", "merged"}
    owners = database.session.scalars(select(Appointment.patient_id)).all()
    assert owners == [kept_id] * answers[::2].count("done")


def test_the_pages_show_what_is_chosen_to_those_who_may_see_it(db, person, desk, program):
    assert forms.FIELD_LABELS.keys() == rules.FIELDS.keys()
    columns = dict.fromkeys(rules.COLUMNS, "")
    assert "given_names" in rules.values_to_restore(columns, columns, columns)
    older = {name: value for name, value in columns.items() if name != "other_numbers"}
    assert "other_numbers" not in rules.values_to_restore(columns, older, columns), "merged before the field existed"
    kept = a_patient(other_names="Zmaiden", other_numbers="CONN-123456")
    other = a_patient(family_name="Zother", phone="076 555 777")
    kept_id, other_id, at = kept.id, other.id, desk("nurse")
    address = f"/patients/{kept_id}/merge?other={other_id}"
    page = at.get(address)
    assert (page.status_code, "Zmaiden" in page.text, "Other numbers" in page.text) == (200, True, True)
    asked_id = actions.request_merge(kept_id, other_id, reason="Twice", by=person("receptionist")).id
    assert "Zmaiden" in at.get(f"/patients/merges/{asked_id}").text
    assert program("nurse").get("/api/patient-merges/").status_code == 200
    trail = select(AuditEntry.patient_id).filter_by(entity="patient_merge", action="patients.read_list")
    assert {kept_id, other_id} <= set(database.session.scalars(trail))
    other = database.session.get(Patient, other_id)
    other.is_restricted, other.restriction_reason = True, "Works in this hospital"
    add(other)
    for closed in (address, f"/patients/{other_id}/merge", f"/patients/merges/{asked_id}"):
        page = at.get(closed)
        assert (page.status_code, "Zother" in page.text) == (403, False), closed
    actions.withdraw_request(asked_id, by=person("receptionist"))
    record_actions.withdraw_patient(other_id, by=person("admin"))
    page = at.get(f"/patients/merges/{asked_id}")
    assert (page.status_code, "Zother" in page.text) == (404, False)
