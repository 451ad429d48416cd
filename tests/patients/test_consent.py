"""Consent: texts that do not change, decisions, their end, the form to sign, and merges."""

from __future__ import annotations

import datetime as dt

import pytest

from hms.core.db.session import db as database
from hms.core.errors import Conflict
from hms.patients.consent import actions, jobs, queries
from hms.patients.merging import actions as merging
from hms.patients.models import ConsentForm, ConsentText
from tests.patients.factories import a_patient

DAY = dt.date(2026, 1, 5)


def _a_text(person, name: str = "Treatment") -> ConsentText:
    kind = actions.save_kind(name=name, by=person("admin"))
    return actions.write_text(kind.id, language="en", title="Treatment", body="I agree.", by=person("admin"))


def test_programs_write_texts_and_record_decisions(program, db):
    admin, clerk, lab, patient = program("admin"), program("receptionist"), program("lab"), a_patient()
    assert clerk.post("/api/consent-kinds/", json={"name": "Treatment"}).status_code == 403
    kind = admin.post("/api/consent-kinds/", json={"name": "Treatment"}).json["id"]
    assert admin.post("/api/consent-kinds/", json={"name": "treatment"}).status_code == 409
    written = {"kind": kind, "language": "en", "title": "Treatment", "body": "I agree."}
    for wrong in ({"body": ""}, {"language": "xx"}, {"kind": 10**30}, {"kind": 999_999}):
        assert admin.post("/api/consent-texts/", json=written | wrong).status_code in (400, 404), wrong
    first, second = (admin.post("/api/consent-texts/", json=written).json for _nth in range(2))
    assert (first["number"], second["number"]) == (1, 2)
    url = f"/api/patients/{patient.id}/consents/"
    assert (lab.get(url).status_code, clerk.get(url).json) == (403, [])
    given = {"text": second["id"], "decision": "given", "decided_on": "2026-01-05"}
    guardian = {"decided_by": "guardian", "guardian_name": "Musa"}
    for wrong in ({"decision": "x"}, {"decided_on": "2999-01-01"}, {"decided_by": "x"}, guardian, {"text": 10**30}):
        assert clerk.post(url, json=given | wrong).status_code == 400, wrong
    made = clerk.post(url, json=given | guardian | {"guardian_relation": "father"})
    assert (made.status_code, made.json["status"], made.json["guardian_name"]) == (201, "given", "Musa")
    one, ends = f"{url}{made.json['id']}/", {"ended_on": "2026-01-06", "reason": "Changed his mind"}
    assert clerk.post(f"{one}withdraw/", json=ends | {"ended_on": "2026-01-04"}).status_code == 400
    assert clerk.post(f"{one}withdraw/", json=ends).json["status"] == "withdrawn"
    assert clerk.post(f"{one}withdraw/", json=ends).status_code == 409
    assert clerk.post(f"{one}error/", json={"reason": "Another patient"}).json["status"] == "entered_in_error"
    assert clerk.get(f"{url}?status=given").json == []
    assert clerk.get(f"/api/patients/{a_patient().id}/consents/{made.json['id']}/").status_code == 404
    assert admin.put(f"/api/consent-kinds/{kind}/", json={"name": "Treatment", "is_open": False}).status_code == 200
    assert clerk.post(url, json=given).status_code == 400


def test_never_asked_is_not_refused_and_a_merge_takes_decisions_along(person):
    kept, gone, form_text = a_patient(), a_patient(), _a_text(person)
    clerk = person("receptionist")
    assert [(one.kind.name, one.decision) for one in queries.states([])] == [("Treatment", None)]
    decided = {"text_id": form_text.id, "decided_on": DAY, "by": clerk}
    actions.record_consent(gone.id, decision="refused", **decided)
    row = actions.record_consent(gone.id, decision="given", **decided)
    (state,) = queries.states(queries.list_consents(gone.id))
    assert state.decision.id == row.id
    request = merging.request_merge(kept.id, gone.id, reason="Registered twice", by=clerk)
    merging.approve(request.id, by=person("admin"))
    assert [one.status for one in queries.list_consents(kept.id)] == ["given", "refused"]
    actions.mark_as_error(kept.id, row.id, reason="Wrong", by=clerk)
    with pytest.raises(Conflict):
        actions.mark_as_error(kept.id, row.id, reason="Wrong", by=clerk)
    (state,) = queries.states(queries.list_consents(kept.id))
    assert state.decision.status == "refused"


def test_the_form_to_sign_is_a_paper_with_the_patients_name(person, desk):
    patient, form_text, clerk = a_patient(), _a_text(person), desk("receptionist")
    form = actions.ask_for_form(patient.id, text_id=form_text.id, by=person("receptionist"))
    page = f"/patients/{patient.id}/consents/forms/{form.id}"
    assert clerk.get(page).status_code == 202
    jobs.make_form(form.id)
    database.session.commit()
    paper = clerk.get(page)
    assert (paper.status_code, paper.mimetype, paper.data[:5]) == (200, "application/pdf", b"%PDF-")
    assert database.session.get(ConsentForm, form.id).content == paper.data
