"""Two people save the same form: fields are merged one by one, and the same field is chosen by the second person."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from hms.appointments.bookings import actions as booking_actions
from hms.appointments.models import Appointment
from hms.billing.prices import actions as price_actions
from hms.clinical.encounters import actions as encounter_actions
from hms.clinical.note_templates import actions as template_actions
from hms.core.money import Money
from hms.core.settings import store as settings
from hms.lab import actions as lab_actions
from hms.lab.queries import current_results_by_code
from hms.patients.records import actions as record_actions
from hms.staff.accounts import actions as account_actions
from hms.staff.models import Role
from hms.staff.roles import actions as role_actions
from tests.appointments import factories as appointments
from tests.clinical.factories import a_patient, an_encounter
from tests.page import Page, words


class Opened:
    """A form in an open page; `saves` posts it as the browser holds it then."""

    def __init__(self, client, address):
        self.client, self.address = client, address
        self._read(client.get(address))

    def _read(self, answer):
        html = answer.get_data(as_text=True)
        self.fields = next(form["fields"] for form in Page(html).forms if form["action"] in (self.address, ""))
        self.choices = re.findall(r'name="(keep-[^"]+)" value="([^"]+)"', html)
        self.words = words(html)

    def saves(self, **typed):
        answer = self.client.post(self.address, data=self.fields | typed)
        if answer.status_code in (400, 409):
            self._read(answer)
        return answer.status_code

    def keeps(self, which):
        """Chooses `which` ("saved" or "typed") of each field that both changed, and saves."""
        return self.saves(**{name: value for name, value in self.choices if value.startswith(which)})


def a_record(kind, person):
    """(address, role, the first person's field, the second's, the write of the first, the stored values)."""
    return globals()[f"_{kind}"](person)


def _patient(person):
    row = a_patient(address="12 Hill Road", phone="076000111")
    change = lambda **values: record_actions.update_patient(row.id, **values, by=person("receptionist"))  # noqa: E731
    return f"/patients/{row.id}/edit", "nurse", row, ("address", "occupation"), change


def _encounter(person):
    row = an_encounter(person("doctor"), a_patient())
    change = lambda **values: encounter_actions.save_encounter(row.id, **values, by=person("doctor"))  # noqa: E731
    return f"/encounters/{row.id}", "doctor", row, ("chief_complaint", "plan"), change


def _person(person):
    row = account_actions.add_person(username="fatu.bah", last_name="Bah", by=person("admin")).user
    change = lambda **values: account_actions.change_person(row.id, **values, by=person("admin"))  # noqa: E731
    return f"/admin/users/{row.id}/edit", "admin", row, ("room", "first_name"), change


def _price(person):
    item = {"code": "X-1", "name": "X-ray", "unit_price": Money.parse("90.00")}
    row = price_actions.save_price(**item, by=person("admin"))

    def change(**values):
        price_actions.save_price(row.id, **item | values, by=person("admin"))

    return f"/billing/prices/{row.id}", "admin", row, ("name", "billing_label"), change


def _template(person):
    texts = {"title": "Cough", "shortcut": "cough", "content": "Chest: "}
    row = template_actions.save_hospital_template(**texts, by=person("admin"))

    def change(**values):
        template_actions.save_hospital_template(row.id, **texts | values, by=person("admin"))

    return f"/note-templates/hospital/{row.id}", "admin", row, ("title", "content"), change


def _role(person):
    row = role_actions.add_role(name="Porter", description="Carries", grants=(), by=person("admin"))
    change = lambda **values: role_actions.change_role(row.id, **values, by=person("admin"))  # noqa: E731
    return f"/admin/roles/{row.id}", "admin", row, ("description", "name"), change


KINDS = ["patient", "encounter", "person", "price", "template", "role"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_left_alone_takes_the_saved_value(desk, person, db, kind):
    address, role, row, (theirs, mine), change = a_record(kind, person)
    opened = Opened(desk(role), address)
    change(**{theirs: "Saved first"})
    assert opened.saves(**{mine: "Typed second"}) == 409
    assert "Saved first" in opened.words or "Saved first" in str(opened.fields)
    assert opened.saves() == 303
    db.session.expire_all()
    assert (getattr(row, theirs), getattr(row, mine)) == ("Saved first", "Typed second")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("choice", "kept"), [("saved", "Saved first"), ("typed", "Typed second")])
def test_the_same_field_changed_twice_must_be_chosen(desk, person, db, kind, choice, kept):
    address, role, row, (name, _other), change = a_record(kind, person)
    opened = Opened(desk(role), address)
    change(**{name: "Saved first"})
    assert opened.saves(**{name: "Typed second"}) == 409
    assert ("Saved first" in opened.words, "Typed second" in opened.words) == (True, True)
    assert opened.saves() == 409
    db.session.expire_all()
    assert getattr(row, name) == "Saved first"
    assert opened.keeps(choice) == 303
    db.session.expire_all()
    assert getattr(row, name) == kept


def test_a_page_that_was_refused_for_a_mistake_still_merges(desk, person, db):
    address, role, row, _names, change = a_record("patient", person)
    opened = Opened(desk(role), address)
    change(address="Saved first")
    assert opened.saves(first_name="", last_name="", occupation="Teacher") in (400, 409)
    assert opened.saves(first_name=row.given_names, last_name=row.family_name) in (303, 409)
    if row.occupation != "Teacher":
        assert opened.saves() == 303
    db.session.expire_all()
    assert (row.address, row.occupation) == ("Saved first", "Teacher")


def test_a_value_that_is_changed_after_the_choice_is_shown_again(desk, person, db):
    address, role, row, (name, _other), change = a_record("patient", person)
    opened = Opened(desk(role), address)
    change(**{name: "Saved first"})
    opened.saves(**{name: "Typed second"})
    change(**{name: "Saved third"})
    assert opened.keeps("typed") == 409
    assert "Saved third" in opened.words
    db.session.expire_all()
    assert getattr(row, name) == "Saved third"


def test_old_marks_sent_with_the_new_version_do_not_wipe(desk, person, db):
    address, role, row, (theirs, mine), change = a_record("patient", person)
    opened = Opened(desk(role), address)
    first = dict(opened.fields)
    change(**{theirs: "Saved first"})
    opened.saves(**{mine: "Typed second"})
    again = first | {mine: "Typed second", "version": opened.fields["version"], "once": opened.fields["once"]}
    assert opened.client.post(address, data=again).status_code == 303
    db.session.expire_all()
    assert (getattr(row, theirs), getattr(row, mine)) == ("Saved first", "Typed second")


def test_one_setting_changed_by_two_administrators_is_chosen(desk, person):
    key = "hospital.name"
    opened = Opened(desk("admin"), f"/admin/settings/{key}")
    settings.change_setting(key, "Saved Hospital", by=person("admin"))
    assert opened.saves(new="Typed Hospital") == 409
    assert opened.saves() == 409
    assert opened.keeps("saved") == 303
    assert settings.stored_settings()[key].value == "Saved Hospital"


def test_permissions_ticked_by_two_administrators_are_both_kept(desk, person, db):
    role = role_actions.add_role(name="Porter", description="", grants=(), by=person("admin"))
    client = desk("admin")
    page = Page(client.get("/admin/roles").get_data(as_text=True))
    fields = next(form["fields"] for form in page.forms if form["action"] == "/admin/roles")
    html = client.get("/admin/roles").get_data(as_text=True)
    seen, opened = (re.findall(rf'name="{name}" value="({role.id}:[^"]*)"', html)[0] for name in ("seen", "opened"))
    role_actions.change_role(role.id, grants=["billing.read"], by=person("admin"))
    posted = {"csrf_token": fields["csrf_token"], "seen": seen, "opened": opened, "grant": f"{role.id}:patients.find"}
    review = client.post("/admin/roles", data=posted | {"once": "a"})
    sent = next(f["fields"] for f in Page(review.get_data(as_text=True)).forms if f["action"] == "/admin/roles")
    grants = re.findall(r'name="grant" value="([^"]+)"', review.get_data(as_text=True))
    assert client.post("/admin/roles", data=sent | {"grant": grants}).status_code == 303
    db.session.expire_all()
    assert set(db.session.get(Role, role.id).grants) == {"billing.read", "patients.find"}


def test_a_second_move_of_an_appointment_shows_where_it_is_now(desk, person, db):
    doctor = appointments.doctor()
    appointments.hours(doctor.id)
    where = {"doctor_id": doctor.id, "date": appointments.MONDAY}
    visitor = appointments.patient()
    made = booking_actions.book(patient_id=visitor.id, **where, time=dt.time(9), by=person("receptionist"))
    opened = Opened(desk("receptionist"), f"/appointments/{made.id}/move")
    booking_actions.move(made.id, date=made.date, time=dt.time(10, 0), by=person("receptionist"))
    assert opened.saves(other_time="11:00") == 409
    assert ("10:00" in opened.words, "11:00" in opened.words) == (True, True)
    assert opened.keeps("typed") == 303
    db.session.expire_all()
    assert db.session.get(Appointment, made.id).time == dt.time(11, 0)


def test_results_entered_by_two_people_are_merged_by_value(desk, person, db):
    encounter = an_encounter(person("doctor"), a_patient())
    order = lab_actions.order_test(encounter.id, code="FBC", by=person("doctor"))
    opened = Opened(desk("lab"), f"/lab/orders/{order.id}")
    first, second = [name for name in opened.fields if name.startswith("value_")][:2]
    lab_actions.enter_results(order.id, {first.removeprefix("value_"): "6"}, by=person("lab"))
    assert opened.saves(**{second: "5"}) == 409
    assert opened.saves() == 303
    assert {first.removeprefix("value_"), second.removeprefix("value_")} <= set(current_results_by_code(order.id))


@pytest.mark.parametrize(
    ("kind", "address"),
    [("patient", "/api/patients/{}/"), ("encounter", "/api/encounters/{}/"), ("person", "/api/users/{}/")],
)
def test_put_with_an_old_tag_is_412_and_without_changes_only_what_it_sends(program, person, db, kind, address):
    _page, role, row, (theirs, mine), change = a_record(kind, person)
    client, address = program(role), address.format(row.id)
    tag = client.get(address).headers["ETag"]
    change(**{theirs: "Saved first"})
    body = {"plan": "treatment_plan", "occupation": "first_name"}.get(mine, mine)
    payload = {body: "Typed second"} | ({"date_of_birth": None} if kind == "patient" else {})
    payload |= {"last_name": "Kamara", "gender": "F", "contact_info": "076000111"} if kind == "patient" else {}
    if kind == "patient":
        payload["date_of_birth"] = client.get(address).json["date_of_birth"]
    stale = client.put(address, json=payload, headers={"If-Match": tag})
    assert stale.status_code == 412
    assert stale.headers["ETag"] == client.get(address).headers["ETag"]
    assert client.put(address, json=payload).status_code == 200
    db.session.expire_all()
    assert getattr(row, theirs) == "Saved first"


def test_put_of_a_prescription_keeps_what_it_does_not_send(program, person, db):
    encounter = an_encounter(person("doctor"), a_patient())
    client = program("doctor")
    body = {"encounter": encounter.id, "medication_name": "Zinc syrup", "dosage": "10 mg", "frequency": "bd"}
    made = client.post("/api/prescriptions/", json=body | {"instructions": "After food", "quantity": 7}).json
    address = f"/api/prescriptions/{made['id']}/"
    before = client.get(address).json
    assert client.put(address, json={"instructions": "Before food"}).status_code == 200
    after = client.get(address).json
    assert after["instructions"] == "Before food"
    kept = ("medication_name", "dosage", "frequency", "duration", "quantity")
    assert [after[name] for name in kept] == [before[name] for name in kept]
