"""Typed text is not lost: two open pages, signing on another page, an expired session, refused values."""

from __future__ import annotations

import re

import pytest

from hms.clinical import signing
from hms.clinical.encounters import actions
from hms.clinical.encounters import drafts as encounter_drafts
from hms.clinical.models import Encounter
from hms.core import drafts as core_drafts
from tests.clinical.factories import a_patient, an_encounter, unsaved_texts
from tests.page import Page, words


@pytest.fixture
def opened(db, person):
    return an_encounter(person("doctor"), a_patient())


class OpenPage:
    """The encounter page in one browser tab."""

    def __init__(self, client, encounter):
        self.client, self.address = client, f"/encounters/{encounter.id}"
        html = client.get(self.address).get_data(as_text=True)
        self.token = re.search(r'name="csrf-token" content="([^"]+)"', html)[1]
        self.fields = next(form["fields"] for form in Page(html).forms if form["action"] == self.address)

    def types(self, **typed):
        """Type text, which the page saves as a draft."""
        self.fields |= typed
        return self.client.post(self.address + "/draft", json=self.fields, headers={"X-CSRFToken": self.token})

    def presses(self, do="draft", **typed):
        return self.client.post(self.address, data=self.fields | typed | {"do": do})


def html(client, encounter) -> str:
    return client.get(f"/encounters/{encounter.id}").get_data(as_text=True)


def test_the_texts_of_two_open_pages_are_kept(desk, opened, person):
    client = desk("doctor")
    first, second = OpenPage(client, opened), OpenPage(client, opened)
    first.types(notes="Fever since Friday")
    response = second.types(notes="Cough since Monday")
    assert "another page" in response.json["notice"]
    first.types(notes="Fever since Friday, chills")
    texts = [text.fields["notes"] for text in unsaved_texts(opened.id, person("doctor"))]
    assert texts == ["Fever since Friday, chills", "Cough since Monday"]


def test_saving_one_page_leaves_the_text_of_the_other(desk, opened, db):
    client = desk("doctor")
    first, second = OpenPage(client, opened), OpenPage(client, opened)
    first.types(notes="Fever since Friday")
    second.types(notes="Cough since Monday")
    assert second.presses(notes="Cough since Monday.").status_code == 303
    assert first.types(notes="Fever since Friday!").json["notice"].startswith("This encounter was saved")
    stale = first.presses()
    seen = words(stale.get_data(as_text=True))
    assert stale.status_code == 409
    assert "Someone else saved this encounter" in seen
    assert "Cough since Monday." in seen
    assert first.fields["notes"] in stale.get_data(as_text=True)
    again = html(client, opened)
    assert "Fever since Friday!" in again
    assert "Cough since Monday." in words(again)


def test_text_of_another_page_is_used_or_discarded_by_a_button(desk, opened, person):
    client = desk("doctor")
    OpenPage(client, opened).types(notes="Fever since Friday")
    here = OpenPage(client, opened)
    here.fields["came"] = ""
    here.types(notes="Cough since Monday")
    page = html(client, opened)
    assert "Fever since Friday" in words(page)
    other = re.search(r'value="use:([^"]+)"', page)[1]
    taken = here.presses(f"use:{other}")
    assert "Fever since Friday</textarea>" in client.get(taken.headers["Location"]).get_data(as_text=True)
    here.presses(f"forget:{other}")
    assert [text.fields["notes"] for text in unsaved_texts(opened.id, person("doctor"))] == ["Cough since Monday"]


def test_a_page_opened_with_a_draft_replaces_it(desk, opened, person):
    client = desk("doctor")
    OpenPage(client, opened).types(notes="Fever")
    OpenPage(client, opened).types(notes="Fever since Friday")
    assert [text.fields["notes"] for text in unsaved_texts(opened.id, person("doctor"))] == ["Fever since Friday"]


@pytest.mark.parametrize("do", ["draft", "add_dx", "sign"])
def test_text_typed_after_signing_elsewhere_is_kept_as_a_draft(desk, opened, person, do):
    client = desk("doctor")
    late = OpenPage(client, opened)
    actions.save_encounter(opened.id, notes="n", no_diagnosis_reason="check-up", by=person("doctor"))
    signing.sign(opened.id, by=person("doctor"))
    assert late.types(notes="Also a rash").status_code == 409
    assert late.presses(do, notes="Also a rash on both arms").status_code == 409
    seen = html(client, opened)
    assert "Also a rash on both arms" in words(seen)
    assert client.form(f"/encounters/{opened.id}").status_code == 303
    assert "Also a rash" not in words(html(client, opened))


def test_signing_removes_only_drafts_that_are_in_the_record(desk, opened, person):
    client = desk("doctor")
    page = OpenPage(client, opened)
    page.types(notes="Fever")
    assert page.presses("sign", no_diagnosis_reason="check-up").status_code == 303
    assert unsaved_texts(opened.id, person("doctor")) == ()


def test_a_reason_being_typed_is_kept_when_another_section_is_saved(desk, opened):
    client = desk("doctor")
    box = "why-order-0123456789ab"
    begun = {"rx": "honey", "rx_instructions": "in tea", f"{box}-code": "other", f"{box}-text": "has no other"}
    assert OpenPage(client, opened).presses("add_dx", dx="Cough", **begun).status_code == 303
    seen = html(client, opened)
    assert 'value="in tea"' in seen
    assert "Cough" in words(seen)


def test_a_too_long_note_comes_back_complete(desk, opened):
    note = "x" * 120_000 + "end"
    answer = OpenPage(desk("doctor"), opened).presses(notes=note)
    assert answer.status_code == 400
    assert note in answer.get_data(as_text=True)


def test_only_the_encounters_doctor_gets_a_new_form_token(desk, opened):
    assert desk("doctor").get(f"/encounters/{opened.id}/draft").json["csrf_token"]
    assert desk("nurse").get(f"/encounters/{opened.id}/draft").status_code == 403


def test_the_page_script_gets_the_next_address(desk, opened, db):
    page = OpenPage(desk("doctor"), opened)
    sent = page.fields | {"notes": "n", "no_diagnosis_reason": "check-up", "do": "sign"}
    answer = page.client.post(page.address, data=sent, headers={"X-Requested-With": "fetch"})
    assert answer.json == {"goto": page.address}
    again = page.client.post(page.address, data=sent, headers={"X-Requested-With": "fetch"})
    assert again.json == {"goto": page.address}
    assert db.session.get(Encounter, opened.id).status == "signed"


def test_characters_that_the_database_refuses_are_removed_from_drafts(desk, opened, person):
    page = OpenPage(desk("doctor"), opened)
    assert page.presses(notes="one\0two").status_code == 400
    assert unsaved_texts(opened.id, person("doctor"))[0].fields["notes"] == "onetwo"
    assert page.types(why="{oops").status_code == 200
    assert "why" not in unsaved_texts(opened.id, person("doctor"))[0].fields
    for broken in ("{oops", "[" * 100_000, "{" * 100_000, "3"):
        encounter_drafts.save(opened.id, person("doctor"), {"why": broken}, encounter_drafts.PageState("another"))
        assert page.client.get(page.address).status_code == 200


def test_a_draft_keeps_the_texts_of_the_last_pages(db, person):
    doctor = person("doctor")
    for number in range(12):
        encounter_drafts.save(7, doctor, {"notes": f"text {number}"}, encounter_drafts.PageState(f"page {number}"))
    assert [text.fields["notes"] for text in unsaved_texts(7, doctor)] == [f"text {n}" for n in range(11, 3, -1)]
    assert core_drafts.get_draft(doctor.id, "encounter:7").version == 13
