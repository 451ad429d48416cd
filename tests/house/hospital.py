"""A patient with something at every desk, and the staff around; written through the desks' own tables in one action."""

from __future__ import annotations

import datetime as dt
from itertools import count

from sqlalchemy import select

from hms.appointments.models import (
    Absence,
    Appointment,
    AppointmentSeries,
    Holiday,
    PointEntry,
    QueueEntry,
    ServicePoint,
    VisitType,
    WaitingListEntry,
    WallScreen,
    WorkingHours,
)
from hms.appointments.reminders.kinds import BOOKED
from hms.billing.models import Bill, BillLine, CashShift, Correction, CreditLine, Payment, PriceItem
from hms.clinical.models import (
    Addendum,
    Condition,
    Encounter,
    Immunization,
    IssuedDocument,
    NoteTemplate,
    Observation,
    Prescription,
    SaturationScale,
    VitalsReading,
)
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.escalations.models import Escalation, EscalationAlert, EscalationStep
from hms.formulary.models import Medication, RuleChange, RuleChangeLine
from hms.interop.models import ImportBatch, ImportRow
from hms.lab.models import LabOrder, LabResult
from hms.messages.models import MessagePreference, MessageText, Notification, OutgoingMessage
from hms.patients.access.actions import OPEN_FOR
from hms.patients.identity.hospital_numbers import format_hospital_number
from hms.patients.models import (
    AddressArea,
    Allergy,
    BreakGlass,
    Consent,
    ConsentForm,
    ConsentKind,
    ConsentText,
    Death,
    DuplicatePair,
    OtherPhone,
    Patient,
    PatientMerge,
    RecordDocument,
    Relative,
)
from hms.pharmacy.models import Batch, Dispense, GoodsReceipt, StockMovement, Supplier
from hms.staff import request_user
from hms.staff.models import Department, Role, RoleChangeRequest, User

_next = count(810_000)

CLINICAL = ("Canarynote", "Canarycomplaint", "Canarydiagnosis", "Canaryvital", "Canaryaddendum")
ON_THE_LIST = "Canaryformulary"
"""The name of the medicine in the formulary: stock and audit trail may show it, no record of the patient may."""
REASON = "Collapsed in the ward, medicines needed"
MEDICINES = ("Canarycillin",)
ALLERGIES = ("Canarypollen", "Canaryrash")
TESTS = ("Canarytest", "Canaryvalue")


def add(row, by: str | None = None):
    """`row`, saved by the hospital itself or by the person of that account."""
    with action_context("tests.seed", request_user.load_active_person(_id(by)) if by else SYSTEM):
        db.session.add(row)
        db.session.flush()
    return row


def somebody(username: str, role: str, **more: object) -> User:
    """One more account."""
    of = db.session.scalars(select(Role).filter_by(code=role)).one()
    return add(User(username=username, role=of, last_name=username.title(), **more))


def _id(username: str) -> int:
    return db.session.scalars(select(User.id).filter_by(username=username)).one()


def whole_record(family_name: str = "Kamara", *, doctor: str = "doctor", days_ago: int = 0) -> dict[str, int]:
    """Ids of a patient that `doctor` saw and of the records of the visit, by the names of URL arguments.

    What is written in the record has the words of `CLINICAL`, `MEDICINES`, `ALLERGIES` and `TESTS` in it.
    """
    number, by = next(_next), _id(doctor)
    now = clock.now() - dt.timedelta(days=days_ago)
    patient = add(
        Patient(
            number=number,
            hospital_number=format_hospital_number(number),
            given_names="Kadiatu",
            family_name=family_name,
            birth_date=dt.date(1991, 3, 13),
            phone="+23276123476",
            allergy_status="known",
        )
    )
    ids = {"patient_id": patient.id}
    ids["allergy_id"] = add(Allergy(patient_id=patient.id, substance=ALLERGIES[0], reaction=ALLERGIES[1])).id
    ids |= _similar_record(patient.id) | _reached_by(patient.id)
    return ids | _visit(patient.id, by, now, number) | _money(patient.id, now, number) | _kept_by_desks(by, number)


def _reached_by(patient_id: int) -> dict[str, int]:
    """A further phone, a relative and a consent of the patient."""
    phone = {"number": "+23276555111", "is_checked": True, "owner": "neighbour", "label": "Mr Sesay"}
    relative = {"name": "Aminata Kamara", "relation": "sibling", "phone": "+23276555222"}
    ids = {"phone_id": add(OtherPhone(patient_id=patient_id, **phone)).id}
    area = {"level": 1, "level_name": "District", "path": f"District {next(_next)}"}
    ids["area_id"] = add(AddressArea(**area)).id
    paper = {"category": "result", "title": CLINICAL[2], "mimetype": "application/pdf", "size": 9, "scan": "clean"}
    paper |= {"content": b"%PDF-1.4\n", "digest": "0" * 64}
    ids["document_id"] = add(RecordDocument(patient_id=patient_id, **paper)).id
    kind = add(ConsentKind(name=f"Treatment {next(_next)}"))
    text = add(ConsentText(kind_id=kind.id, language="en", number=1, title="Treatment", body="I agree."))
    about = {"patient_id": patient_id, "text_id": text.id}
    given = {"decided_by": "guardian", "guardian_name": "Musa", "guardian_relation": "father", "reason": "Moved away"}
    consent = add(Consent(**about, **given, status="withdrawn", decided_on=clock.today(), ended_on=clock.today()))
    ids |= {"kind_id": kind.id, "text_id": text.id, "consent_id": consent.id}
    ids |= {"form_id": add(ConsentForm(**about, asked_at=clock.now())).id}
    return ids | {"relative_id": add(Relative(patient_id=patient_id, **relative)).id}


def _similar_record(patient_id: int) -> dict[str, int]:
    """A request to merge the patient's record with one that was withdrawn, and is in no list; and the pair of the two."""
    number = next(_next)
    values = {"number": number, "hospital_number": format_hospital_number(number), "status": "withdrawn"}
    other = add(Patient(given_names="Kadi", family_name="Withdrawn", **values))
    request = {"kind": "merge", "kept_id": patient_id, "merged_id": other.id, "reason": "Registered twice"}
    asked = add(PatientMerge(**request, requested_by_id=_id("receptionist")), by="receptionist")
    return {"merge_id": asked.id, "pair_id": add(DuplicatePair(first_id=patient_id, second_id=other.id, percent=90)).id}


def one_more_visit(patient_id: int, *, doctor: str = "doctor") -> dict[str, int]:
    """Ids of a further visit of a patient, with something at every desk, as in `whole_record`."""
    number, by, now = next(_next), _id(doctor), clock.now()
    ids = _visit(patient_id, by, now, number)
    inside = {"patient_id": patient_id, "encounter_id": ids["encounter_id"]}
    add(Observation(code="8310-5", title="Temperature", value="37", taken_at=now, **inside))
    add(Immunization(vaccine="BCG", given_on=clock.today(), **inside))
    add(Allergy(patient_id=patient_id, substance=f"{ALLERGIES[0]} {number}"))
    bill = add(Bill(patient_id=patient_id, encounter_id=ids["encounter_id"], collects=False))
    charged = {"source": "dispense", "source_id": ids["dispense_id"], "description": "Tablets", "amount": Money("0.00")}
    add(BillLine(bill_id=bill.id, unit_price=Money("0.00"), **charged))
    return ids | {"bill_id": bill.id}


def _visit(patient_id: int, by: int, now: dt.datetime, number: int) -> dict[str, int]:
    day, n = clock.local(now).date(), number % 1000
    booked = add(
        Appointment(
            patient_id=patient_id,
            doctor_id=by,
            date=day,
            time=dt.time(n // 60 % 24, n % 60),
            duration_minutes=5,
            status="completed",
        )
    )
    place = {"service_date": day, "token": number, "arrived_at": now, "status": "done", "ended_at": now}
    entry = add(QueueEntry(patient_id=patient_id, appointment_id=booked.id, doctor_id=by, **place))
    after = add(
        PointEntry(patient_id=patient_id, queue_entry_id=entry.id, point_id=_point(number).id, prefix="L", **place)
    )
    about = {"patient_id": patient_id, "doctor_id": by, "appointment_id": booked.id, "queue_entry_id": entry.id}
    texts = {"notes": CLINICAL[0], "chief_complaint": CLINICAL[1], "diagnosis": CLINICAL[2]}
    visit = add(Encounter(started_at=now, status="signed", signed_at=now, signed_by_id=by, **about, **texts))
    inside = {"patient_id": patient_id, "encounter_id": visit.id}
    condition = add(Condition(title=CLINICAL[2], code="B54", **inside))
    problem = add(Condition(title=CLINICAL[2], patient_id=patient_id, is_problem=True))
    reading = add(VitalsReading(taken_at=now, taken_by_id=_id("nurse"), pulse=70, note=CLINICAL[3], **inside))
    add(Addendum(encounter_id=visit.id, author_id=by, text=CLINICAL[4]))
    add(SaturationScale(patient_id=patient_id, scale=1, reason=CLINICAL[0], ordered_by_id=by))
    ids = {"appointment_id": booked.id, "entry_id": entry.id, "encounter_id": visit.id, "point_entry_id": after.id}
    ids |= _test(inside, by, now) | {"message_id": _told(booked, now)}
    words = {"addressee": CLINICAL[2], "body": CLINICAL[0], "code": f"TEST-TEST-{number:04}", "language": "en"}
    issued = add(IssuedDocument(encounter_id=visit.id, kind="referral_letter", issued_by_id=by, **words))
    ids |= {"issued_id": issued.id}
    ids |= {"condition_id": condition.id, "problem_id": problem.id, "reading_id": reading.id}
    return ids | _medicine(inside, by, now, number)


def _point(number: int) -> ServicePoint:
    known = db.session.scalars(select(ServicePoint).filter_by(code=f"LAB{number}")).one_or_none()
    return known or add(ServicePoint(code=f"LAB{number}", name=f"Laboratory {number}", kind="laboratory", prefix="L"))


def _told(booked: Appointment, now: dt.datetime) -> int:
    about = {"patient_id": booked.patient_id, "appointment_id": booked.id, "kind": "appointment.booked"}
    said = {"channel": "sms", "language": "en", "address": "+23276123476", "body": "Your appointment is booked."}
    times = {"about_at": now, "due_at": now, "valid_until": now, "sent_at": now, "delivered_at": now}
    return add(OutgoingMessage(**about, **said, **times, occurrence="version 1", status="delivered", attempts=1)).id


def _test(inside: dict[str, int], by: int, now: dt.datetime) -> dict[str, int]:
    asked = {"test_code": "FBC", "test_name": TESTS[0], "ordered_by_id": by, "ordered_at": now}
    order = add(LabOrder(**inside, **asked, status="done", done_at=now))
    entered = {"entered_by_id": _id("lab"), "entered_at": now, "code": "HB", "title": "Haemoglobin"}
    result = add(LabResult(order_id=order.id, value=TESTS[1], **entered))
    return {"order_id": order.id, "escalation_id": _escalated(inside, result, by, now)}


def _escalated(inside: dict[str, int], result: LabResult, by: int, now: dt.datetime) -> int:
    measured = {"subject": TESTS[0], "value": TESTS[1], "lab_result_id": result.id, "doctor_id": by}
    escalation = add(Escalation(**inside, **measured, began_at=now))
    step = {"position": 1, "who": "responsible", "channels": "page", "minutes": 0, "due_at": now}
    step = add(EscalationStep(escalation_id=escalation.id, **step, status="done", done_at=now))
    alert = add(Notification(user_id=by, title="A value", url=f"/escalations/{escalation.id}"))
    add(EscalationAlert(step_id=step.id, user_id=by, notification_id=alert.id))
    return escalation.id


def _medicine(inside: dict[str, int], by: int, now: dt.datetime, number: int) -> dict[str, int]:
    drug = add(
        Medication(name=f"paracetamol {number}", generic_name=f"paracetamol {number}", unit="tablet", reorder_level=9)
    )
    batch = add(Batch(medication_id=drug.id, lot_number=f"L{number}", expires_on=clock.today() + dt.timedelta(400)))
    move = {"batch_id": batch.id, "medication_id": drug.id, "moved_at": now}
    add(StockMovement(kind="receipt", quantity=50, **move))
    order = {"medication_id": drug.id, "medication_name": MEDICINES[0], "quantity": 9, "quantity_dispensed": 1}
    signed = {"status": "part_dispensed", "signed_at": now, "authored_at": now, "prescriber_id": by}
    line = add(Prescription(**inside, **order, **signed))
    given = {"patient_id": inside["patient_id"], "medication_id": drug.id, "quantity": 1, "dispensed_at": now}
    handed = add(Dispense(prescription_id=line.id, dispensed_by_id=_id("pharmacist"), **given))
    add(StockMovement(kind="dispense", quantity=-1, dispense_id=handed.id, **move))
    ids = {"prescription_id": line.id, "dispense_id": handed.id}
    return ids | {"medication_id": drug.id, "batch_id": batch.id}


def _money(patient_id: int, now: dt.datetime, number: int) -> dict[str, int]:
    item = add(PriceItem(code=f"X{number}", name=f"Dressing {number}", unit_price=Money("10.00")))
    bill = add(Bill(patient_id=patient_id, total=Money("10.00")))
    price = {"unit_price": Money("10.00"), "amount": Money("10.00")}
    line = add(BillLine(bill_id=bill.id, description="Dressing", price_item_id=item.id, **price))
    with action_context("tests.seed", SYSTEM):
        bill.status, bill.number, bill.issued_at, bill.paid = "part_paid", f"B-2026-{number}", now, Money("4.00")
    payment = paid(bill.id, number, now)
    shift = db.session.get(CashShift, payment.shift_id)
    with action_context("tests.seed", request_user.load_active_person(shift.cashier_id)):
        shift.counted, shift.closed_at = {"methods": {"Cash": "4.00"}}, now
        shift.expected = {"Cash": "4.00"}
    ask = {"kind": "refund", "payment_id": payment.id, "amount": Money("1.00"), "method": "Cash", "reason": "Not done"}
    asked = add(Correction(bill_id=bill.id, proposed_by_id=_id("cashier"), **ask), by="cashier")
    credit = {"kind": "write_off", "amount": Money("1.00"), "reason": "Not done"}
    credit = add(Correction(bill_id=bill.id, proposed_by_id=_id("cashier"), **credit), by="cashier")
    add(CreditLine(correction_id=credit.id, bill_line_id=line.id, quantity=1, amount=Money("1.00")), by="cashier")
    ids = {"bill_id": bill.id, "line_id": line.id, "payment_id": payment.id, "shift_id": shift.id}
    ids |= {"correction_id": asked.id}
    return ids | {"item_id": item.id, "billing_api.bill_item:item_id": line.id}


def paid(bill_id: int, number: int, now: dt.datetime, by: str = "cashier") -> Payment:
    """A payment of 4.00 in cash, which opens a till of that person."""
    shift = add(CashShift(cashier_id=_id(by), opened_at=now), by=by)
    row = {"kind": "payment", "amount": Money("4.00"), "method": "Cash", "received_at": now, "shift_id": shift.id}
    return add(Payment(number=f"R-2026-{number}", bill_id=bill_id, received_by_id=shift.cashier_id, **row), by=by)


def _import() -> ImportBatch:
    """A file of the administrator, with a row that was refused."""
    owner = db.session.scalars(select(User.id).filter_by(username="admin")).one()
    read = {
        "headings": ["sexe"],
        "encoding": "utf-8",
        "separator": "comma",
        "decimal_sign": ".",
        "columns": {"gender": 0},
    }
    batch = add(ImportBatch(user_id=owner, kind="patients", file_name="list.csv", state="checked", row_count=1, **read))
    problem = {"field": "gender", "message": "This is needed. Fill in the cell.", "values": {}}
    add(ImportRow(batch_id=batch.id, number=2, cells=["?"], state="refused", problems=[problem]))
    return batch


def _kept_by_desks(doctor_id: int, number: int) -> dict[str, int]:
    start = clock.now() + dt.timedelta(days=number % 100_000)
    week = add(
        WorkingHours(doctor_id=doctor_id, weekday=1, starts=dt.time(8), ends=dt.time(12), valid_from=clock.today())
    )
    away = add(Absence(doctor_id=doctor_id, starts=start, ends=start + dt.timedelta(hours=1)))
    told = add(Notification(user_id=doctor_id, title="A result"))
    note = add(NoteTemplate(owner_id=doctor_id, shortcut=f"n{number}", title="Note", content="Seen and well."))
    supplier = add(Supplier(name=f"Medstore {number}"))
    receipt = add(GoodsReceipt(number=f"G-{number}", supplier_id=supplier.id, received_at=clock.now()))
    day = clock.today() + dt.timedelta(days=300 + number % 1000)
    feast = add(Holiday(day=day, name="Feast"))
    kind = add(VisitType(name=f"Visit {number}", mark=f"{number % 1000}", colour="blue", minutes=15))
    screen = add(WallScreen(name="Hall", spoken=[], secret_hash=f"screen {number}".encode()))
    ids = {"holiday_id": feast.id, "visit_type_id": kind.id, "screen_id": screen.id}
    ids |= {"point_id": _point(number).id, "import_id": _import().id, "row_number": 2}
    ids |= {"hours_id": week.id, "absence_id": away.id, "notification_id": told.id, "receipt_id": receipt.id}
    role_id = db.session.scalars(select(Role.id).order_by(Role.id).limit(1)).one()
    asker = add(User(username=f"asker{number}"))
    asked = add(RoleChangeRequest(user_id=asker.id, requested_role_id=role_id, reason="Covering December"))
    shared = add(NoteTemplate(shortcut=f"h{number}", title="For everybody", content="Seen and well."))
    change = add(
        RuleChange(reason="Not in the guideline", source="Guideline", proposed_by_id=_id("pharmacist")), by="pharmacist"
    )
    line = {"list_name": "substances", "key": f"{number}", "after": {"name": f"x{number}", "aliases": "", "rxnorm": ""}}
    add(RuleChangeLine(change_id=change.id, **line), by="pharmacist")
    ids["change_id"] = change.id
    ids["department_id"] = add(Department(name=f"Ward {number}")).id
    ids |= {"template_id": note.id, "hospital_template_id": shared.id}
    return ids | {"user_id": doctor_id, "role_id": role_id, "request_id": asked.id}


def every_record(family_name: str) -> dict[str, int]:
    """`whole_record`, and an id for every other kind of record that an address names."""
    ids = whole_record(family_name)
    lab = db.session.scalars(select(Role.id).filter_by(code="lab")).one()
    asked = add(RoleChangeRequest(user_id=_id("patient"), requested_role_id=lab, reason="Covering"))
    ask = {"kind": "void", "bill_id": ids["bill_id"], "reason": "Written twice"}
    void = add(Correction(**ask, proposed_by_id=_id("cashier")), by="cashier")
    now = clock.now()
    about = {
        "user_id": _id("doctor"),
        "patient_id": ids["patient_id"],
        "role": "doctor",
        "reason": "Collapsed in the ward",
    }
    opened = add(BreakGlass(**about, opened_at=now, expires_at=now + OPEN_FOR), by="doctor")
    add(MessagePreference(patient_id=ids["patient_id"], sms="agreed"))
    days = {"first_day": clock.today(), "last_day": clock.today()}
    add(WaitingListEntry(patient_id=ids["patient_id"], doctor_id=_id("doctor"), **days, notes="Any morning"))
    add(AppointmentSeries(every=1, unit="weeks", made_by_id=_id("receptionist")))
    wrong = {"died_text": "unknown", "cause": CLINICAL[2], "status": "taken_back", "reason": "Another patient"}
    add(Death(patient_id=ids["patient_id"], **wrong))
    add(MessageText(kind=BOOKED.name, channel="sms", language="en", body="Come on {{ day }}."))
    return ids | {"request_id": asked.id, "correction_id": void.id, "access_id": opened.id, "session_id": 1}
