"""The pages of the patients desk, for each role."""

from __future__ import annotations

import re
from datetime import date

import pytest
from sqlalchemy import func, select

from hms.patients.allergies import actions as allergy_actions
from hms.patients.models import Patient
from hms.patients.records import actions as record_actions
from hms.patients.search import queries
from tests.page import Page, words
from tests.patients.factories import a_patient

ISATU = {
    "first_name": "Isatu",
    "last_name": "Jalloh",
    "gender": "female",
    "date_of_birth": "13 3 91",
    "contact_info": "076 123 476",
    "allergies": "not_asked",
}


def text(answer):
    return answer.get_data(as_text=True)


def the_patient(db, **named):
    return db.session.scalars(select(Patient).filter_by(**named)).one()


def count(db):
    return db.session.scalar(select(func.count(Patient.id)))


def test_registering_leads_to_the_queue_or_the_chart(desk, db):
    reception = desk("receptionist")
    to_queue = reception.form("/patients/new", **ISATU, then="queue")
    isatu = the_patient(db, given_names="Isatu")
    assert (to_queue.status_code, to_queue.location) == (307, f"/queue/add?patient={isatu.id}")
    to_chart = reception.form("/patients/new", **(ISATU | {"first_name": "Foday", "gender": "male"}), then="chart")
    assert to_chart.location == f"/patients/{the_patient(db, given_names='Foday').id}"
    assert (isatu.birth_date, isatu.birth_is_estimated, isatu.phone) == (date(1991, 3, 13), False, "+23276123476")


def test_an_age_replaces_an_unknown_birth_date(desk, db):
    desk("receptionist").form("/patients/new", **(ISATU | {"date_of_birth": "", "age": "35"}), then="chart")
    assert the_patient(db, given_names="Isatu").birth_is_estimated


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"first_name": "", "last_name": ""}, "Enter at least one name"),
        ({"date_of_birth": "31 2 91"}, "This date does not exist"),
        ({"date_of_birth": "", "age": ""}, "Enter a date of birth or an age"),
        ({"date_of_birth": "", "age": "old"}, "Enter the age, for example 35"),
        ({"gender": ""}, "Choose Female"),
        ({"first_name": "I" * 101}, "Use at most 100 characters"),
        ({"last_name": "Jal\x00loh"}, "Remove the characters"),
        ({"contact_info": "0" * 256}, "Use at most 255"),
        ({"allergies": "known", "known_allergies": ""}, "Enter the allergies"),
        ({"date_of_birth": "1 1 1901"}, "over 110"),
    ],
)
def test_a_refused_registration_keeps_everything_typed(desk, db, wrong, message):
    before = count(db)
    typed = ISATU | {"address": "9 Kissy Road", "next_of_kin": "Musa Jalloh"} | wrong
    answer = desk("receptionist").form("/patients/new", **typed)
    page = Page(text(answer))
    assert answer.status_code == 400
    assert message in words(text(answer))
    assert page.title.startswith("Error:")
    assert count(db) == before
    sent = next(form for form in page.forms if form["action"] == "/patients/new")["fields"]
    kept = {name: value for name, value in typed.items() if "\x00" not in value and name != "gender"}
    assert {name: sent.get(name) for name in kept} == kept


def test_all_missing_fields_are_reported_at_once(desk):
    message = words(text(desk("receptionist").form("/patients/new")))
    for sentence in ("Enter at least one name", "Choose Female", "Enter a date of birth or an age"):
        assert message.count(sentence) == 2


def test_somebody_over_110_is_registered_once_the_year_is_confirmed(desk, db):
    desk("receptionist").form("/patients/new", **(ISATU | {"date_of_birth": "1 1 1901", "age_is_checked": "y"}))
    assert the_patient(db, given_names="Isatu").birth_date == date(1901, 1, 1)


def test_a_likely_duplicate_is_shown_and_needs_a_second_press(desk, db):
    known = a_patient(given_names="Isatu", family_name="Jalloh", phone="076 123 476")
    reception = desk("receptionist")
    first = reception.form("/patients/new", **(ISATU | {"first_name": "Isata"}), then="queue")
    assert first.status_code == 409
    assert known.hospital_number in words(text(first))
    assert "Save as a different person" in words(text(first))
    assert "reg-use" in Page(text(first)).ux
    form = next(form for form in Page(text(first)).forms if form["action"] == "/patients/new")
    assert form["fields"]["first_name"] == "Isata"
    second = reception.post("/patients/new", data=form["fields"] | {"then": "queue", "gender": "female"})
    assert second.status_code == 307
    assert the_patient(db, given_names="Isata").id != known.id


def test_the_panel_names_lookalikes_and_writes_nothing(desk, db):
    known = a_patient(given_names="Isatu", family_name="Jalloh", phone="076 123 476")
    reception = desk("receptionist")
    token = re.search(r'name="csrf-token" content="([^"]+)', text(reception.get("/patients/new")))[1]
    before = count(db)
    shown = reception.post("/patients/lookalikes", data=ISATU | {"csrf_token": token})
    assert shown.status_code == 200
    assert known.hospital_number in text(shown)
    half_typed = reception.post(
        "/patients/lookalikes", data={"first_name": "Zz", "date_of_birth": "3", "csrf_token": token}
    )
    assert (half_typed.status_code, words(text(half_typed))) == (200, "")
    assert count(db) == before


def test_using_a_known_patient_proposes_what_was_typed(desk):
    known = a_patient(given_names="Isatu", family_name="Jalloh", phone="076 123 476", address="12 Hill Road")
    reception = desk("receptionist")
    token = re.search(r'name="csrf-token" content="([^"]+)', text(reception.get("/patients/new")))[1]
    typed = ISATU | {"contact_info": "077 999 000", "address": "12 Hill Road", "csrf_token": token}
    shown = reception.post(f"/patients/{known.id}/use", data=typed)
    fields = next(form for form in Page(text(shown)).forms if form["action"] == f"/patients/{known.id}/edit")["fields"]
    assert (fields["contact_info"], fields["address"]) == ("077 999 000", "12 Hill Road")
    assert known.phone == "+23276123476"
    same = reception.post(f"/patients/{known.id}/use", data=typed | {"contact_info": "", "then": "queue"})
    assert same.location == f"/queue/add?patient={known.id}"


@pytest.mark.parametrize(
    ("typed", "filled"),
    [
        ("kadiatu kamara 076 123 476", {"first_name": "Kadiatu", "last_name": "Kamara", "contact_info": "076123476"}),
        ("KAMARA, Kadiatu 13/3/91", {"first_name": "Kadiatu", "last_name": "Kamara", "date_of_birth": "13-Mar-1991"}),
        ("foday 76", {"first_name": "Foday", "last_name": "", "contact_info": ""}),
        ("<b>%s", {"contact_info": ""}),
    ],
)
def test_registration_starts_with_the_search_text(desk, typed, filled):
    answer = desk("receptionist").get("/patients/new", query_string={"q": typed})
    fields = next(form for form in Page(text(answer)).forms if form["action"] == "/patients/new")["fields"]
    assert {name: fields[name] for name in filled} == filled


def test_an_unknown_patient_needs_only_the_sex(desk, db):
    reception = desk("receptionist")
    assert reception.form("/patients/unknown").status_code == 400
    assert reception.form("/patients/unknown", gender="male", then="chart").status_code == 303
    assert the_patient(db, family_name="UNKNOWN").sex == "male"


def test_a_correction_is_saved(desk):
    patient = a_patient()
    page = f"/patients/{patient.id}/edit"
    assert desk("nurse").form(page, contact_info="077 000 111").location == f"/patients/{patient.id}"
    assert patient.phone == "+23277000111"
    assert patient.birth_date == date(1991, 3, 13)


def test_an_estimated_birth_date_stays_when_nothing_is_typed(desk):
    patient = a_patient(birth_date=date(1980, 7, 1), birth_is_estimated=True)
    desk("nurse").form(f"/patients/{patient.id}/edit", address="new")
    assert (patient.birth_date, patient.birth_is_estimated, patient.address) == (date(1980, 7, 1), True, "new")


def test_a_stale_correction_shows_both_and_keeps_what_was_typed(desk, person):
    patient = a_patient(address="12 Hill Road")
    reception = desk("receptionist")
    opened = Page(text(reception.get(f"/patients/{patient.id}/edit")))
    fields = next(form for form in opened.forms if form["action"] == f"/patients/{patient.id}/edit")["fields"]
    record_actions.update_patient(patient.id, address="1 Their Street", by=person("nurse"))
    answer = reception.post(f"/patients/{patient.id}/edit", data=fields | {"address": "2 My Street"})
    message = words(text(answer))
    assert answer.status_code == 409
    assert "1 Their Street" in message
    assert "2 My Street" in message
    assert patient.address == "1 Their Street"
    again = next(form for form in Page(text(answer)).forms if form["action"] == f"/patients/{patient.id}/edit")[
        "fields"
    ]
    assert reception.post(f"/patients/{patient.id}/edit", data=again).status_code == 409
    choice = re.search(r'name="keep-address" value="(typed:[^"]+)"', text(answer))[1]
    assert reception.post(f"/patients/{patient.id}/edit", data=again | {"keep-address": choice}).status_code == 303
    assert patient.address == "2 My Street"


def test_allergies_are_recorded_denied_and_withdrawn(desk):
    patient, nurse = a_patient(), desk("nurse")
    page = f"/patients/{patient.id}/allergies"
    assert nurse.form(page, 1, substance="").status_code == 400
    assert nurse.form(page, 1, substance="Penicillin", reaction="rash", severity="severe").status_code == 303
    again = nurse.form(page, 1, substance="penicillin")
    assert again.status_code == 409
    assert "already recorded" in words(text(again))
    assert "penicillin – rash" in words(text(nurse.get(f"/patients/{patient.id}"))).lower()
    withdrawn = nurse.form(page, 0)
    assert withdrawn.status_code == 303
    assert patient.allergy_words == "Allergies not recorded"
    nurse.form(page, 0)
    assert patient.allergy_words == "No known allergies"


@pytest.mark.security("D")
def test_an_allergy_of_another_patient_is_not_found(desk, person):
    mine, other = a_patient(), a_patient()
    allergy = allergy_actions.record_allergy(other.id, substance="Latex", by=person("nurse"))
    nurse = desk("nurse")
    token = re.search(r'name="csrf-token" content="([^"]+)', text(nurse.get("/patients/")))[1]
    answer = nurse.post(f"/patients/{mine.id}/allergies/{allergy.id}/withdraw", data={"csrf_token": token})
    assert (answer.status_code, allergy.status) == (404, "active")


@pytest.mark.parametrize("role", ["receptionist", "cashier", "lab"])
@pytest.mark.security("D")
def test_roles_without_allergies_see_only_the_status(desk, role):
    patient = a_patient(allergies=["Penicillin"])
    shown = text(desk(role).get(f"/patients/{patient.id}"))
    assert "Known allergies" in words(shown)
    assert "enicillin" not in shown
    assert desk(role).get(f"/patients/{patient.id}/allergies").status_code == 403


def test_the_banner_names_the_patient_in_order(desk):
    patient = a_patient(allergies=["Penicillin"])
    shown = text(desk("doctor").get(f"/patients/{patient.id}"))
    order = [ux for ux in Page(shown).ux if ux.startswith("banner-")]
    assert order == ["banner-name", "banner-born", "banner-sex", "banner-id", "banner-allergy"]
    assert "Penicillin" in shown


def test_the_banner_warns_of_a_namesake(desk):
    namesake = a_patient(given_names="Musa", family_name="Sesay")
    a_patient(given_names="Músa", family_name="SESAY", birth_date=date(1970, 1, 1))
    assert "1 other patient has this name" in words(text(desk("receptionist").get(f"/patients/{namesake.id}")))


@pytest.mark.security("D")
def test_phones_are_masked_for_those_who_may_not_see_contacts(desk):
    patient = a_patient(phone="076 123 476")
    html = words(text(desk("lab").get(f"/patients/?q={patient.family_name}")))
    assert "476" in html
    assert "123" not in html


@pytest.mark.parametrize(
    ("role", "page", "status"),
    [
        ("cashier", "/patients/new", 403),
        ("pharmacist", "/patients/unknown", 403),
        ("lab", "/patients/1/edit", 403),
        ("norole", "/patients/", 403),
        ("receptionist", "/patients/999999999/edit", 404),
        ("receptionist", "/patients/99999999999999999999", 404),
        (None, "/patients/", 302),
    ],
)
@pytest.mark.security("D")
def test_the_wrong_role_or_record_is_refused(desk, role, page, status):
    assert desk(role).get(page).status_code == status


@pytest.mark.security("D")
def test_a_withdrawn_patient_has_no_page(desk, person):
    patient = a_patient()
    record_actions.withdraw_patient(patient.id, by=person("admin"))
    for page in ("", "/edit", "/card", "/wrist-band"):
        assert desk("receptionist").get(f"/patients/{patient.id}{page}").status_code == 404


@pytest.mark.security("B")
def test_a_withdrawal_is_undone_by_the_same_right(desk, person):
    """On its pages the record is marked and read only; the receptionist finds it again only when it is restored."""
    patient, admin, front = a_patient(), desk("admin"), desk("receptionist")
    chart = f"/patients/{patient.id}"
    assert "Withdraw record" in text(admin.get(f"{chart}/withdraw"))
    assert admin.form(f"{chart}/withdraw", reason="").status_code == 400
    assert admin.form(f"{chart}/withdraw", reason="registered twice").status_code == 303
    shown = words(text(admin.get(chart)))
    assert "This record was withdrawn." in shown
    assert "registered twice" in shown
    assert "Withdrawn record" in shown
    assert f'href="{chart}/edit"' not in text(admin.get(chart))
    for tab in ("/encounters", "/medicines", "/results", "/appointments", "/bills", "/documents"):
        assert "Withdrawn record" in words(text(admin.get(chart + tab)))
    for page in ("/edit", "/card", "/allergies", "/withdraw", "/restrict"):
        assert admin.get(chart + page).status_code == 404
    assert patient.hospital_number in words(text(admin.get("/patients/withdrawn")))
    assert [front.get(chart).status_code, front.get("/patients/withdrawn").status_code] == [404, 403]
    assert front.post(f"{chart}/restore").status_code in (400, 403)
    assert admin.form(chart).status_code == 303  # the one form of the page: restore
    assert front.get(chart).status_code == 200
    assert patient.hospital_number not in words(text(admin.get("/patients/withdrawn")))


def test_the_card_carries_the_number(desk):
    patient = a_patient()
    assert patient.hospital_number in words(text(desk("receptionist").get(f"/patients/{patient.id}/card")))


def test_the_list_pages_forth_and_back(desk):
    for nth in range(27):
        a_patient(given_names=f"Nr{nth:02d}", family_name="Aaab")
    client = desk("receptionist")
    first = text(client.get("/patients/"))
    after = next(link for link in Page(first).links if "after=" in link)
    second = text(client.get(after))
    before = next(link for link in Page(second).links if "before=" in link)
    assert "Nr00" in first
    assert "Nr25" in second
    assert "Nr24" not in second
    assert words(text(client.get(before))).count("AAAB, Nr") == words(first).count("AAAB, Nr")
    assert client.get("/patients/?after=zzz").status_code == 200
    of_nobody = text(client.get(f"/patients/?before={2**40}"))
    assert "Nr00" in of_nobody
    assert not [link for link in Page(of_nobody).links if "before=" in link]


def test_the_list_needs_as_many_queries_for_a_hundred_as_for_thirty(desk):
    client = desk("receptionist")
    for nth in range(30):
        a_patient(given_names=f"Nr{nth}", family_name="Zzab")
    few = _costs(client)
    for nth in range(90):
        a_patient(given_names=f"Nr{nth}", family_name="Zzab")
    assert _costs(client) == few


def _costs(client):
    """Queries of each page; the least of three, because settings and sessions are read anew every few seconds."""
    pages = ("/patients/", "/patients/?q=zzab nr", "/find?q=zzab nr")
    return [min(int(client.get(page).headers["X-Queries"]) for _ in range(3)) for page in pages]


@pytest.mark.security("J")
def test_typed_text_is_escaped(desk):
    shown = text(desk("receptionist").get("/patients/", query_string={"q": "<script>alert(1)</script>"}))
    assert "<script>alert" not in shown


def test_similar_names_are_listed_below(db, person):
    a_patient(given_names="Kadiatu", family_name="Bangura")
    hits = queries.search_patients("kadijatu", who=person("receptionist"))
    assert [hit.is_similar for hit in hits if hit.family_name == "Bangura"] == [True]
