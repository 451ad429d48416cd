"""The clock finds records that may be one patient; people decide, and what they decided is remembered."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from hms.core.actions import action_context
from hms.core.audit.models import AuditEntry
from hms.core.db.session import db as database
from hms.core.errors import Conflict, RuleBroken
from hms.core.person import SYSTEM
from hms.patients.contacts import actions as contacts
from hms.patients.duplicates import actions, jobs, queries
from hms.patients.enums import PairStatus
from hms.patients.merging import actions as merge_actions
from hms.patients.models import DuplicatePair, PatientToCompare
from hms.patients.records import actions as record_actions
from hms.patients.search import duplicates
from hms.patients.search.match_scoring import ComparedPerson
from tests.patients.factories import a_patient

PERSON: dict[str, Any] = {"given_names": "Mariama", "family_name": "Conteh", "birth_date": date(1988, 4, 5)}


@pytest.fixture(autouse=True)
def nobody_waits(db):
    with action_context("tests.seed", SYSTEM):
        database.session.execute(delete(PatientToCompare))


def _listed(status: PairStatus = PairStatus.OPEN) -> list[set[int]]:
    return [{row.first.id, row.second.id} for row in queries.list_pairs(status).rows]


def _waiting() -> int:
    return database.session.execute(select(func.count()).select_from(PatientToCompare)).scalar_one()


def test_new_and_changed_records_are_compared_a_few_at_a_time(person):
    first, second = a_patient(**PERSON).id, a_patient(**(PERSON | {"family_name": "Konteh"})).id
    others = [a_patient(given_names=name, family_name=name, phone="").id for name in ("Sorie", "Tamba", "Yeabu")]
    assert _waiting() == 5
    assert (jobs.compare_some(limit=2), _waiting()) == (2, 3)
    assert (jobs.compare_pending(), _waiting()) == (3, 0)
    (row,) = queries.list_pairs(PairStatus.OPEN).rows
    assert ({row.first.id, row.second.id}, row.pair.percent > 90) == ({first, second}, True)
    assert {"similar name", "same date of birth", "same phone"} <= {str(reason) for reason in row.reasons}
    record_actions.update_patient(others[0], occupation="Teacher", by=person("nurse"))
    assert _waiting() == 0, "nothing that is compared has changed"
    other_person = {"given_names": "Zainab", "family_name": "Bah", "birth_date": date(1950, 1, 1), "phone": ""}
    record_actions.update_patient(second, **other_person, by=person("nurse"))
    assert (_waiting(), jobs.compare_pending(), _listed()) == (1, 1, [])


def test_a_further_phone_in_common_makes_a_pair_and_a_neighbours_does_not(person):
    same, nurse = PERSON | {"birth_date": None}, person("nurse")
    first = a_patient(**same, phone="076 111 222").id
    second = a_patient(**same, phone="077 333 444").id
    jobs.compare_pending()
    assert _listed() == []
    neighbours = contacts.save_phone(second, number="076 111 222", owner="neighbour", by=nurse)
    assert (_waiting(), jobs.compare_pending(), _listed()) == (1, 1, [])
    contacts.remove_phone(second, neighbours.id, by=nurse)
    contacts.save_phone(second, number="076 111 222", owner="work", by=nurse)
    assert (_waiting(), jobs.compare_pending(), _listed()) == (1, 1, [{first, second}])
    (row,) = queries.list_pairs(PairStatus.OPEN).rows
    assert "same phone" in {str(reason) for reason in row.reasons}
    typed = ComparedPerson("Mariama", "Conteh", sex="female", other_phones=("076 111 222",))
    for is_quick in (False, True):
        found = duplicates.duplicate_candidates(typed, who=nurse, is_quick=is_quick)
        assert {candidate.hit.id for candidate in found} == {first, second}


def test_what_people_decided_is_remembered(person):
    first, second = a_patient(**PERSON).id, a_patient(**PERSON).id
    jobs.compare_pending()
    pair = database.session.scalars(select(DuplicatePair)).one()
    nurse = person("nurse")
    with pytest.raises(RuleBroken):
        actions.dismiss(pair.id, reason=" ", by=nurse)
    actions.dismiss(pair.id, reason="Twins, both were asked", by=nurse)
    with pytest.raises(Conflict):
        actions.dismiss(pair.id, reason="Twins", by=nurse)
    record_actions.update_patient(first, address="5 New Road", by=nurse)
    jobs.compare_pending()
    assert (_listed(), _listed(PairStatus.DISMISSED)) == ([], [{first, second}])
    actions.reopen(pair.id, reason="The family says it is one person", by=nurse)
    assert _listed() == [{first, second}]
    asked = merge_actions.request_merge(first, second, reason="One person", by=nurse)
    merge_actions.approve(asked.id, by=person("admin"))
    jobs.compare_pending()
    assert _listed() == []


def test_the_list_is_read_page_by_page_and_over_the_api(desk, program, monkeypatch):
    monkeypatch.setattr(queries, "PAGE", 2)
    for _nth in range(4):
        a_patient(**PERSON)
    jobs.compare_pending()
    seen, after = [], None
    while True:
        page = queries.list_pairs(PairStatus.OPEN, after=after)
        seen += [row.pair.id for row in page.rows]
        if page.after is None:
            break
        after = page.after
    assert (len(seen), len(set(seen))) == (6, 6)
    back = queries.list_pairs(PairStatus.OPEN, before=page.before)
    assert [row.pair.id for row in back.rows] == seen[2:4]
    clerk, api = desk("receptionist"), program("receptionist")
    listed = api.get("/api/patient-duplicates/?status=open&ordering=-percent").json
    assert (len(listed), "same name" in listed[0]["reasons"]) == (6, True)
    read = select(AuditEntry.patient_id).filter_by(entity="duplicate_pair", action="patients.read_list")
    assert {row[name] for row in listed for name in ("first", "second")} <= set(database.session.scalars(read))
    address = f"/api/patient-duplicates/{listed[0]['id']}"
    assert api.post(f"{address}/dismiss/", json={"reason": "Twins"}).json["status"] == "dismissed"
    assert api.post(f"{address}/dismiss/", json={"reason": "Twins"}).status_code == 409
    assert api.post(f"{address}/reopen/", json={"reason": "One person"}).json["status"] == "open"
    assert "Compare" in clerk.get("/patients/duplicates").text
    assert program("cashier").get("/api/patient-duplicates/").status_code == 403
    assert clerk.get("/patients/duplicates/999999").status_code == 404
