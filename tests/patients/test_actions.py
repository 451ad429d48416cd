"""Registering, correcting and withdrawing patients, and their allergies."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from hms.core import clock
from hms.core.audit.models import AuditEntry
from hms.core.errors import Conflict, NotAllowed, NotFound, RuleBroken, StaleVersion
from hms.patients import lookup
from hms.patients.allergies import actions as allergy_actions
from hms.patients.allergies import queries as allergy_queries
from hms.patients.identity import hospital_numbers
from hms.patients.models import Patient
from hms.patients.records import actions as record_actions
from hms.patients.registration import actions as registration_actions
from hms.patients.search import queries as search_queries
from tests.patients.factories import a_patient

KADIATU = {"given_names": "Kadiatu", "family_name": "Kamara", "sex": "female", "birth_date": date(1991, 3, 13)}


def register(by, **values):
    return registration_actions.register_patient(**(KADIATU | values), by=by)


def test_the_server_issues_a_number_with_a_check_digit(person):
    first, second = register(person("receptionist")), register(person("receptionist"), given_names="Isatu")
    assert hospital_numbers.parse_hospital_number(first.hospital_number) == first.number
    assert second.number == first.number + 1


def test_names_and_phones_are_kept_as_the_hospital_writes_them(person):
    kept = register(person("receptionist"), given_names="  Marie-Claire ", family_name="N'Diaye", phone="076 123 476")
    assert (kept.given_names, kept.family_name) == ("Marie-Claire", "N'Diaye")
    assert (kept.phone, kept.phone_is_checked) == ("+23276123476", True)


def test_text_that_is_not_a_phone_number_is_kept_as_typed(person):
    kept = register(person("receptionist"), phone="ask the chief")
    assert (kept.phone, kept.phone_is_checked) == ("ask the chief", False)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"given_names": "", "family_name": " "}, "first_name"),
        ({"given_names": "K" * 101}, "first_name"),
        ({"family_name": "Ka\x00mara"}, "last_name"),
        ({"sex": "X"}, "gender"),
        ({"birth_date": date(1700, 1, 1)}, "date_of_birth"),
        ({"birth_date": clock.today() + timedelta(days=1)}, "date_of_birth"),
        ({"phone": "0" * 256}, "contact_info"),
        ({"address": "x" * 256}, "address"),
    ],
)
def test_impossible_values_are_refused_at_their_field(person, wrong, field):
    with pytest.raises(RuleBroken) as refused:
        register(person("receptionist"), **wrong)
    assert refused.value.field == field


def test_registering_needs_the_permission(person):
    with pytest.raises(NotAllowed):
        register(person("cashier"))


def test_a_likely_duplicate_needs_a_second_press(person, db):
    desk = person("receptionist")
    known = register(desk, phone="076 123 476")
    with pytest.raises(registration_actions.PossibleDuplicate) as asked:
        register(desk, given_names="Kadijatu", phone="076 123 476", must_confirm_duplicate=True)
    assert asked.value.match.hit.id == known.id
    assert known.hospital_number in str(asked.value)
    again = register(
        desk, given_names="Kadijatu", phone="076 123 476", must_confirm_duplicate=True, overridden_match_id=known.id
    )
    noted = db.session.scalars(select(AuditEntry).filter_by(action="patients.override_match", entity_id=again.id)).one()
    assert noted.new["match"] == known.id


def test_a_different_person_is_saved_at_once(person):
    desk = person("receptionist")
    register(desk)
    other = register(desk, given_names="Foday", sex="male", birth_date=date(1980, 5, 2), must_confirm_duplicate=True)
    assert other.id


def test_unknown_patients_of_one_day_are_told_apart(person):
    first = registration_actions.register_unknown(sex="male", by=person("receptionist"))
    second = registration_actions.register_unknown(sex="male", by=person("receptionist"))
    woman = registration_actions.register_unknown(sex="female", by=person("receptionist"))
    assert first.family_name == "UNKNOWN"
    assert first.given_names.endswith(" A")
    assert second.given_names.endswith(" B")
    assert woman.given_names.startswith("Female")
    assert woman.given_names.endswith(" A")


def test_a_correction_is_a_new_version_and_an_old_one_is_stale(person):
    patient = register(person("receptionist"))
    opened = patient.version
    record_actions.update_patient(patient.id, version=opened, phone="077 000 111", by=person("nurse"))
    assert patient.phone == "+23277000111"
    with pytest.raises(StaleVersion):
        record_actions.update_patient(patient.id, version=opened, address="Hill Road", by=person("receptionist"))


def test_saving_the_same_values_changes_nothing(person):
    patient = register(person("receptionist"), address="Hill Road")
    before = patient.version
    record_actions.update_patient(patient.id, address="Hill Road", sex="F", by=person("receptionist"))
    assert patient.version == before


def test_a_withdrawn_record_is_kept_but_not_found(person, db):
    patient = a_patient()
    record_actions.withdraw_patient(patient.id, reason="made twice", by=person("admin"))
    with pytest.raises(NotFound):
        lookup.patient(patient.id)
    with pytest.raises(NotFound):
        record_actions.update_patient(patient.id, address="x", by=person("admin"))
    assert db.session.get(Patient, patient.id).withdrawn_reason == "made twice"
    assert search_queries.search_patients(patient.family_name, who=person("admin")) == []


def test_a_record_is_restored_unless_another_one_took_its_place(person, db):
    admin, patient, twin = person("admin"), a_patient(), a_patient()
    for row in (patient, twin):
        record_actions.update_patient(row.id, national_id="SL-1", by=admin)
    record_actions.withdraw_patient(patient.id, reason="made twice", by=admin)
    with pytest.raises(NotAllowed):
        record_actions.restore_patient(patient.id, by=person("doctor"))
    with pytest.raises(Conflict, match=twin.hospital_number):
        record_actions.restore_patient(patient.id, by=admin)
    record_actions.withdraw_patient(twin.id, by=admin)
    assert record_actions.restore_patient(patient.id, by=admin).status == "active"
    assert lookup.patient(patient.id).withdrawn_reason == ""
    entries = select(AuditEntry.action).where(AuditEntry.patient_id == patient.id, AuditEntry.actor_id == admin.id)
    assert "patients.restore_patient" in db.session.scalars(entries).all()


def test_opening_a_chart_is_in_the_trail(person, db):
    patient = a_patient()
    record_actions.open_chart(patient.id, by=person("doctor"))
    record_actions.look_up(patient.id, by=person("receptionist"))
    seen = db.session.scalars(
        select(AuditEntry.action)
        .where(AuditEntry.patient_id == patient.id, AuditEntry.old.is_(None))
        .order_by(AuditEntry.id)
    ).all()
    assert seen[-2:] == ["clinical.open_chart", "patients.read"]


def test_an_allergy_is_recorded_once(person):
    patient, nurse = a_patient(), person("nurse")
    allergy_actions.record_allergy(
        patient.id, substance="Penicillin", reaction="anaphylaxis", severity="severe", by=nurse
    )
    with pytest.raises(Conflict):
        allergy_actions.record_allergy(patient.id, substance="pénicillin", by=nurse)
    assert patient.allergy_words == "Known allergies"
    assert [allergy.recorded_by_id for allergy in allergy_queries.allergies(patient.id)] == [nurse.id]


def test_no_allergies_can_be_confirmed_only_while_none_is_recorded(person):
    patient, nurse = a_patient(), person("nurse")
    assert patient.allergy_words == "Allergies not recorded"
    allergy_actions.confirm_no_allergies(patient.id, by=nurse)
    assert (patient.allergy_words, patient.allergy_status_by_id) == ("No known allergies", nurse.id)
    allergy = allergy_actions.record_allergy(patient.id, substance="Latex", by=nurse)
    with pytest.raises(Conflict):
        allergy_actions.confirm_no_allergies(patient.id, by=nurse)
    allergy_actions.withdraw_allergy(allergy.id, by=nurse)
    assert patient.allergy_words == "Allergies not recorded"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"substance": " "}, "substance"),
        ({"substance": "x" * 201}, "substance"),
        ({"severity": "awful"}, "severity"),
        ({"reaction": "\x07"}, "reaction"),
    ],
)
def test_a_wrong_allergy_is_refused_at_its_field(person, wrong, field):
    patient = a_patient()
    with pytest.raises(RuleBroken) as refused:
        allergy_actions.record_allergy(patient.id, **({"substance": "Latex"} | wrong), by=person("nurse"))
    assert refused.value.field == field


def test_registration_answers_the_allergy_question_for_any_role_that_registers(person):
    named = register(person("receptionist"), allergies=["Penicillin", "Latex"])
    denied = register(person("receptionist"), allergies=[])
    unasked = register(person("receptionist"))
    assert [row.allergy_status for row in (named, denied, unasked)] == ["known", "none_known", "not_asked"]
    assert [row.substance for row in allergy_queries.allergies(named.id)] == ["Penicillin", "Latex"]


def test_the_text_of_allergies_replaces_what_is_recorded(person):
    patient = register(person("receptionist"), allergies=["Penicillin", "Latex"])
    record_actions.update_patient(patient.id, allergies="latex; Peanuts", by=person("doctor"))
    assert [row.substance for row in allergy_queries.allergies(patient.id)] == ["Latex", "Peanuts"]
    record_actions.update_patient(patient.id, allergies="NKDA", by=person("doctor"))
    assert (allergy_queries.allergies(patient.id), patient.allergy_status) == ([], "none_known")
    record_actions.update_patient(patient.id, allergies="", by=person("doctor"))
    assert patient.allergy_status == "not_asked"


def test_those_who_may_not_record_allergies_may_only_repeat_them(person):
    patient = register(person("receptionist"), allergies=["Penicillin"])
    record_actions.update_patient(patient.id, allergies="penicillin", by=person("receptionist"))
    with pytest.raises(NotAllowed) as refused:
        record_actions.update_patient(patient.id, allergies="", address="new", by=person("receptionist"))
    assert "known_allergies" in str(refused.value)


def test_fifty_desks_at_once_get_fifty_numbers(real_app):
    from concurrent.futures import ThreadPoolExecutor

    from hms.core.db.session import db
    from hms.core.person import SYSTEM

    def register_nth(nth: int) -> int:
        with real_app.app_context():
            made = registration_actions.register_patient(given_names=f"Nr {nth}", sex="unknown", by=SYSTEM).number
            db.session.remove()
            return made

    with ThreadPoolExecutor(50) as desks:
        numbers = list(desks.map(register_nth, range(50)))
    assert sorted(numbers) == list(range(1, 51))
