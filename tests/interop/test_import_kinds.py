"""Each kind of list: what its rows become, what is refused with which sentence, and what undoing takes back."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select, update

from hms.appointments.bookings import actions as bookings
from hms.appointments.models import Appointment
from hms.billing.exports import PRICES
from hms.billing.models import BillLine, PriceItem
from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.errors import RuleBroken
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.formulary.exports import MEDICINES
from hms.formulary.models import Medication
from hms.interop.imports.fields import guess_columns, whole_above_zero
from hms.interop.imports.kinds import KINDS
from hms.messages.models import OutgoingMessage
from hms.patients.exports import PATIENTS
from hms.patients.identity.hospital_numbers import format_hospital_number
from hms.staff.models import OneTimeLink, User
from tests.appointments import factories
from tests.billing import factories as billing
from tests.house.hospital import add
from tests.interop.lists import do, states, upload
from tests.page import words

AMBIGUOUS = {"formulation"}
"""The export calls it "Form", which an import reads as the form in words."""


def _values(*columns, where) -> list[tuple]:
    return [tuple(row) for row in database.session.execute(select(*columns).where(where).order_by(columns[0]))]


def test_the_headings_of_exported_lists_are_known(app) -> None:
    """A list that was exported, corrected in a spreadsheet and imported has its columns guessed."""
    for name, table in {"patients": PATIENTS, "prices": PRICES, "medicines": MEDICINES}.items():
        fields = KINDS[name].fields
        guessed = guess_columns(fields, [column.label for column in table.columns])
        both = {field.name for field in fields} & {column.field for column in table.columns} - AMBIGUOUS
        kept = {field: table.columns[place].field for field, place in guessed.items() if field in both}
        assert kept == {field: field for field in both}, name


def test_numbers_that_must_be_above_zero() -> None:
    assert whole_above_zero("15") == 15
    with pytest.raises(RuleBroken, match="above zero"):
        whole_above_zero("0")


def test_prices(desk, db) -> None:
    """Amounts with the decimal sign that was chosen; a code that is there is named, and one on a bill stays."""
    billing.price("CONS", "Consultation", "150.00")
    admin = desk("admin")
    address = upload(
        admin,
        "prices",
        "Code;Libellé;Tarif;Catégorie\ndress;Dressing, small;1.025,50;acte\nCONS;Visit;20;service\nDRESS;Again;10;\n"
        "XRAY;X-ray;-5;test\nLAB;Lab;abc;cake\nBED;Bed;300;lit\n",
    )
    shown = do(admin, address, "check", decimal_sign=",")
    assert states(address) == {2: "ready", 3: "duplicate", 4: "duplicate", 5: "refused", 6: "refused", 7: "ready"}
    for sentence in (
        "The price list has CONS already: Consultation, 150.00.",
        "This is the same as row 2 of this file.",
        "Enter a price of zero or more.",
        "Price “abc”: Enter an amount of money, for example 1250.00.",
        "Category “cake”: Enter service, test, medicine, supply or bed.",
    ):
        assert sentence in shown
    do(admin, address, "run")
    columns = (PriceItem.code, PriceItem.unit_price, PriceItem.category, PriceItem.is_active)
    made = PriceItem.code.in_(("DRESS", "BED"))
    assert _values(*columns, where=made) == [
        ("BED", Money("300.00"), "bed", True),
        ("DRESS", Money("1025.50"), "service", True),
    ]
    item_id = db.session.scalars(select(PriceItem.id).filter_by(code="BED")).one()
    bill = billing.draft(factories.patient().id, "10.00")
    price = {"unit_price": Money("300.00"), "amount": Money("300.00")}
    add(BillLine(bill_id=bill.id, price_item_id=item_id, description="Bed", **price))
    shown = do(admin, address, "undo")
    assert "It is used since the import" in shown
    assert _values(PriceItem.code, PriceItem.is_active, where=made) == [("BED", True), ("DRESS", False)]
    _change_prices(admin)


def _change_prices(admin) -> None:
    """A list of new prices: what changes is said before, and undone to what it was unless somebody changed it since."""
    address = upload(admin, "prices", "Code,Name,Price\ncons,Consultation,175\nBED,Bed,300.00\nNEW,New,5\n")
    do(admin, address, "check", changes_existing="y")
    assert set(states(address).values()) == {"ready"}
    ready = words(admin.get(f"{address}?show=ready").text)
    assert "The price changes from 150.00 to 175.00." in ready
    assert "The price stays 300.00." in ready
    do(admin, address, "run")
    prices, three = (PriceItem.code, PriceItem.unit_price), PriceItem.code.in_(("CONS", "BED", "NEW"))
    assert [str(price) for _code, price in _values(*prices, where=three)] == ["300.00", "175.00", "5.00"]
    do(admin, address, "undo")
    assert [str(price) for _code, price in _values(*prices, where=three)] == ["300.00", "150.00", "5.00"]
    assert _values(PriceItem.code, where=three & PriceItem.is_active) == [("BED",), ("CONS",)]


def test_medicines(desk, db) -> None:
    """Another strength is another medicine; the same product is named, also when it is written in capitals."""
    admin = desk("admin")
    address = upload(
        admin,
        "medicines",
        "DCI\tDosage\tForme\tForme galénique\tSeuil\tStupéfiant\nAmoxicillin\t250 mg\tgélule\tgélule\t100\tnon\n"
        "Amoxicillin\t500 mg\tgélule\tGélule\t1.5\tperhaps\nAMOXICILLIN\t250 MG\tGélule\t\t\t\nMorphine\t10 mg\t\tcake\t\toui\n"
        "Morphine\t10 mg\t\tinjection\t5\toui\n",
    )
    shown = do(admin, address, "check")
    assert states(address) == {2: "ready", 3: "refused", 4: "duplicate", 5: "refused", 6: "ready"}
    for sentence in (
        "Reorder level “1.5”: Enter a whole number.",
        "Controlled substance “perhaps”: Enter yes or no.",
        "Formulation “cake”: Enter tablet, syrup, injection, capsule or other.",
    ):
        assert sentence in shown
    do(admin, address, "run")
    columns = (Medication.generic_name, Medication.formulation, Medication.reorder_level, Medication.is_active)
    made = Medication.generic_name.in_(("Amoxicillin", "Morphine"))
    assert _values(*columns, where=made) == [("Amoxicillin", "Capsule", 100, True), ("Morphine", "Injection", 5, True)]
    again = upload(admin, "medicines", "Generic name,Strength,Form\nmorphine,10 MG,\n")
    assert "This medicine is on the list already: Morphine 10 mg" in do(admin, again, "check")
    with action_context("tests.seed", SYSTEM):
        morphine = db.session.scalars(select(Medication).filter_by(generic_name="Morphine")).one()
        morphine.reorder_level = 7
    assert "It was changed since the import." in do(admin, address, "undo")
    assert _values(*columns, where=made) == [("Amoxicillin", "Capsule", 100, False), ("Morphine", "Injection", 7, True)]


def test_staff(desk, db) -> None:
    """Nobody gets a password from a file: each account has an open link. One whose owner chose a password stays."""
    admin = desk("admin")
    address = upload(
        admin,
        "staff",
        "Identifiant,Prénom,Nom,Courriel,Fonction\nk.kamara,Kadiatu,Kamara,k@example.org,Nurse\nADMIN,A,B,,\n"
        "f.sesay,Foday,Sesay,not an address,Doctor\nm.koroma,Mohamed,Koroma,,Wizard\nK.Kamara,Karim,Kamara,,\n"
        "i.bangura,Isatu,Bangura,,receptionist\n",
    )
    shown = do(admin, address, "check")
    assert states(address) == {2: "ready", 3: "duplicate", 4: "refused", 5: "refused", 6: "duplicate", 7: "ready"}
    for sentence in (
        "There is an account with this username already: ADMIN.",
        "E-mail “not an address”: Enter the e-mail address like name@example.org.",
        "There is no role “Wizard”. Enter the name of a role.",
    ):
        assert sentence in shown
    do(admin, address, "run")
    made = User.username.in_(("k.kamara", "i.bangura"))
    assert _values(User.username, User.password_hash, where=made) == [("i.bangura", None), ("k.kamara", None)]
    links = select(OneTimeLink.id).join(User, OneTimeLink.user_id == User.id).where(made)
    assert len(db.session.scalars(links).all()) == 2
    with action_context("tests.seed", SYSTEM):
        db.session.execute(update(User).where(User.username == "i.bangura").values(password_hash="x"))
    shown = do(admin, address, "undo")
    assert "changed since the import" in shown or "chosen a password already" in shown
    assert _values(User.username, User.is_active, where=made) == [("i.bangura", True), ("k.kamara", False)]


def test_appointments(desk, db, person) -> None:
    """Reception imports appointments and nothing else; places and clinic hours count, and nobody is told."""
    patient, other = factories.patient(phone="+23276123476"), factories.patient("Foday", "Sesay")
    doctor, day = factories.doctor(), factories.MONDAY
    factories.hours(doctor.id)
    taken = {"date": day, "time": dt.time(9), "duration_minutes": 15}
    bookings.book(patient_id=other.id, doctor_id=doctor.id, **taken, by=SYSTEM)
    theirs = format_hospital_number(other.number)
    number, month_first = format_hospital_number(patient.number), f"{day:%m/%d/%Y}"
    clerk = desk("receptionist")
    address = upload(
        clerk,
        "appointments",
        f"Hospital number,Doctor,Date,Time,Reason\n{number},dr.bah,{month_first},09:00,Cough\n"
        f"{number},Dr Amadu Bah,{month_first},9h30,Cough\n{number},nobody,{month_first},25:00,\n"
        f"HMS-000482-1,dr.bah,{month_first},10:00,\n{number},dr.bah,{month_first},0930,\n{number},dr.bah,{month_first},18:00,\n"
        f"{theirs},dr.bah,{month_first},09:40,\n",
    )
    shown = do(clerk, address, "check", date_order="month_first")
    ready, refused, taken = "ready", "refused", "duplicate"
    assert states(address) == {2: taken, 3: ready, 4: refused, 5: refused, 6: taken, 7: refused, 8: taken}
    for sentence in (
        "Row 3 of this file has this time already, with the same doctor or the same patient.",
        "This time was just taken. The next free time is 09:15.",
        "There is no doctor “nobody”. Enter the username or the whole name.",
        "Time “25:00”: Enter the time like 09:30.",
        "This is no hospital number: check its digits.",
        "The doctor has no clinic hours at that time.",
    ):
        assert sentence in shown
    do(clerk, address, "run")
    made = Appointment.patient_id == patient.id
    columns = (Appointment.date, Appointment.time, Appointment.status, Appointment.booked_by_id)
    assert _values(*columns, where=made) == [(day, dt.time(9, 30), "scheduled", person("receptionist").id)]
    do(clerk, address, "undo")
    assert _values(Appointment.status, where=made) == [("cancelled",)]
    assert db.session.scalars(select(OutgoingMessage).where(OutgoingMessage.patient_id == patient.id)).all() == []
    page = clerk.get("/imports/").text
    assert "Price list" not in page
    refused = clerk.form("/imports/", kind="patients")
    assert refused.status_code in (400, 403)
