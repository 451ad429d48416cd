"""Drafts of registrations: saved for their author only, restored, discarded."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from hms.core.db.session import db as database
from hms.core.drafts import Draft
from hms.patients.models import Patient
from tests.page import Page, words

FATU = {"first_name": "Fatu", "last_name": "Unfinished", "contact_info": "076 555 123"}


def _form(client, path="/patients/new"):
    page = client.get(path).get_data(as_text=True)
    fields = next(form for form in Page(page).forms if form["action"] == "/patients/new")["fields"]
    return page, fields


def _keep(client, key, typed):
    token = re.search(r'name="csrf-token" content="([^"]+)', client.get("/patients/").get_data(as_text=True))[1]
    return client.post(f"/patients/new/draft/{key}", json=typed, headers={"X-CSRFToken": token})


@pytest.mark.security("D")
def test_a_draft_is_restored_and_deleted_on_registration(db, desk):
    reception = desk("receptionist")
    key = _form(reception)[1]["draft"]
    assert _keep(reception, key, FATU | {"csrf_token": "x", "evil": "y"}).get_json()["saved_at"]
    kept = database.session.scalars(select(Draft)).one()
    assert kept.content == FATU
    for page in ("/", "/patients/new"):
        assert "Fatu Unfinished" in words(reception.get(page).get_data(as_text=True))
        assert "Fatu Unfinished" not in words(desk("nurse").get(page).get_data(as_text=True))
    assert "csrf_token" in reception.get(f"/patients/new/draft/{key}").get_json()
    assert desk("nurse").get(f"/patients/new/draft/{key}").status_code == 404
    assert "Fatu" not in desk("nurse").get(f"/patients/new?draft={key}").get_data(as_text=True)
    _page, fields = _form(reception, f"/patients/new?draft={key}")
    assert {name: fields[name] for name in FATU} == FATU
    typed = fields | {"gender": "female", "date_of_birth": "1 2 1990", "then": "chart"}
    assert reception.post("/patients/new", data=typed).status_code == 303
    assert database.session.scalars(select(Draft)).all() == []
    assert database.session.scalars(select(Patient).filter_by(family_name="Unfinished")).one().given_names == "Fatu"
    assert "was discarded" in reception.get(f"/patients/new?draft={key}").get_data(as_text=True)


def test_a_refused_registration_is_a_draft_that_can_be_discarded(db, desk):
    reception = desk("receptionist")
    assert reception.form("/patients/new", **FATU).status_code == 400
    key = database.session.scalars(select(Draft)).one().form.partition(":")[2]
    page = Page(reception.get("/patients/new").get_data(as_text=True))
    discard = next(form for form in page.forms if form["action"].endswith(f"{key}/discard"))
    assert reception.post(discard["action"], data=discard["fields"]).status_code == 303
    assert database.session.scalars(select(Draft)).all() == []


def test_an_empty_form_is_no_draft_and_odd_input_is_refused(db, desk):
    reception = desk("receptionist")
    key = _form(reception)[1]["draft"]
    assert _keep(reception, key, {"allergies": "not_asked", "first_name": "  "}).status_code == 200
    assert database.session.scalars(select(Draft)).all() == []
    assert _keep(reception, key, ["no"]).status_code == 400
    assert _keep(reception, "Z" * 12, FATU).status_code == 400
    assert _keep(reception, key, {"first_name": ["a"], "address": "\0" + "x" * 9000}).status_code == 200
    assert reception.get("/patients/new?draft=%00").status_code == 200
    assert desk("cashier").post(f"/patients/new/draft/{key}/discard").status_code in (400, 403)
