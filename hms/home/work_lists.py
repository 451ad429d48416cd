"""The work lists of the home page: figures that are links, and the next rows of each list."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, Text, bindparam, case, func, select

from hms.admin.system import queries as admin
from hms.appointments.bookings.rules import LATE_ARRIVAL, late_starts
from hms.appointments.confirmations.queries import Unconfirmed, list_unconfirmed
from hms.appointments.enums import Status
from hms.appointments.models import CALLING_ORDER, Absence, Appointment, QueueEntry
from hms.billing.bills import queries as bill_queries
from hms.billing.corrections import queries as correction_queries
from hms.billing.corrections.queries import CorrectionRequest
from hms.billing.prices import queries as price_queries
from hms.billing.prices.queries import PriceListGaps
from hms.clinical.models import Encounter
from hms.core import clock
from hms.core import drafts as core_drafts
from hms.core.db.fixed_words import fixed_number, fixed_word, fixed_words
from hms.core.db.session import db
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.settings import store as settings
from hms.core.settings.definitions import SETTINGS
from hms.escalations import queries as escalation_queries
from hms.escalations.queries import OpenEscalations
from hms.lab import queries as laboratory
from hms.lab.models import LabOrder
from hms.patients.access import actions
from hms.patients.merging import queries as merge_queries
from hms.patients.models import Patient
from hms.patients.registration import drafts as registration_drafts
from hms.patients.registration.drafts import UnfinishedRegistration
from hms.pharmacy.dispensing import queries as pharmacy
from hms.pharmacy.dispensing.queries import WaitingVisit
from hms.pharmacy.stock import queries as stock_queries
from hms.reports import queries as figures
from hms.reports.period import named_period
from hms.staff.directory import display_name_column
from hms.staff.models import User

MAX_ROWS = 5
_NAMES = (Patient.family_name, Patient.given_names.label("given_name"), Patient.title)
ARRIVALS_PER_PAGE = 25


class Away(NamedTuple):
    """A doctor who is away today: from, to, the reason, and how many patients are still booked in that time."""

    id: int
    doctor_name: str
    starts: datetime
    ends: datetime
    reason: str
    booked: int


@dataclass
class WorkLists:
    """One person's home page. `figures` are (label, value, URL, tone); each list but the arrivals has at most `MAX_ROWS` rows."""

    figures: list[tuple[str, Any, str, str]] = field(default_factory=list)
    critical: OpenEscalations | None = None
    """The critical values that nobody has acknowledged, the oldest first."""
    arriving: list[Any] | None = None
    """A page of those who are booked for today and not checked in, by time: late ones first. `late` holds when those should
    have begun."""
    expected: int = 0
    page: int = 1
    away: list[Away] = field(default_factory=list)
    late: dict[int, datetime] = field(default_factory=dict)
    unconfirmed: list[Unconfirmed] = field(default_factory=list)
    unconfirmed_count: int = 0
    waiting: list[Any] | None = None
    prices: PriceListGaps | None = None
    missing_facts: list[Any] = field(default_factory=list)
    """The labels of the hospital's name, address and phone, where they are not entered yet."""
    prescriptions: list[WaitingVisit] | None = None
    tests: list[LabOrder] | None = None
    bills: list[Any] | None = None
    approvals: list[CorrectionRequest] = field(default_factory=list)
    drafts: list[tuple[Any, Any]] = field(default_factory=list)
    registrations: list[UnfinishedRegistration] = field(default_factory=list)

    @property
    def pages(self) -> int:
        """How many pages of arrivals there are."""
        return max(-(-self.expected // ARRIVALS_PER_PAGE), 1)

    @property
    def people(self) -> int:
        """The number of rows that name a patient, without those of `critical`, which have entries of their own."""
        lists = (
            self.arriving,
            self.unconfirmed,
            self.waiting,
            self.prescriptions,
            self.tests,
            self.bills,
            self.approvals,
            self.drafts,
        )
        return sum(len(rows) for rows in lists if rows)


def load_work_lists(who: Person, page: int = 1) -> WorkLists:
    """The work lists that match the permissions of `who`, for the hospital's today, with this page of the arrivals."""
    home = WorkLists(drafts=_own_drafts(who) if who.may(Permission.WRITE_ENCOUNTER) else [])
    if who.may(Permission.READ_ESCALATIONS):
        _add_critical_values(home, who)
    if who.may(Permission.WRITE_ENCOUNTER) or who.may(Permission.CALL_PATIENT):
        _add_queue(home, who)
    if who.may(Permission.REGISTER_PATIENT):
        home.registrations = registration_drafts.unfinished_registrations(who, MAX_ROWS)
    if who.may(Permission.CHECK_IN):
        _add_arriving(home, page)
        home.away = _doctors_away()
        _add_unconfirmed(home)
    if who.may(Permission.DISPENSE):
        _add_pharmacy(home, who)
    if who.may(Permission.ENTER_RESULT):
        _add_laboratory(home)
    _add_money(home, who)
    if who.may(Permission.ADMINISTER):
        _add_administration(home, who)
    return home


def _own_drafts(who: Person) -> list[tuple[Any, Any]]:
    """The person's encounters with a draft, with the patient's name, and the time of the draft; newest first."""
    drafts = (draft.form.partition(":") + (draft.saved_at,) for draft in core_drafts.recent_drafts(who.id))
    times = {int(number): saved_at for kind, _colon, number, saved_at in drafts if kind == "encounter"}
    if not times:
        return []
    query = select(Encounter.id, Patient.family_name, Patient.given_names).join(
        Patient, Patient.id == Encounter.patient_id
    )
    rows = db.session.execute(query.where(Encounter.id.in_(times), Encounter.doctor_id == who.id)).all()
    return sorted(((row, times[row.id]) for row in rows), key=lambda pair: pair[1], reverse=True)


def _add_critical_values(home: WorkLists, who: Person) -> None:
    home.critical = escalation_queries.list_open(who, MAX_ROWS)
    count = home.critical.count
    home.figures.append((_l("Critical values open"), count, "/escalations", "stop" if count else ""))


def _add_queue(home: WorkLists, who: Person) -> None:
    doctor_id = who.id if who.may(Permission.WRITE_ENCOUNTER) else None
    values = {"day": clock.today(), "doctor_id": doctor_id, "limit": MAX_ROWS}
    home.waiting = list(db.session.execute(_select_waiting(of_doctor=doctor_id is not None), values))
    home.figures.append((_l("Waiting now"), figures.queue_waiting(doctor_id), "/queue/", ""))
    home.figures.append(
        (_l("Appointments today"), figures.appointment_count(clock.today(), doctor_id), "/appointments/", "")
    )


@cache
def _select_waiting(*, of_doctor: bool) -> Select:
    """Waiting queue entries, most urgent and longest waiting first; for a doctor, their own and those without a doctor."""
    query = select(QueueEntry.id).where(
        QueueEntry.service_date == bindparam("day"),
        QueueEntry.status.in_(fixed_words(("waiting", "called"))),
        QueueEntry.held_at.is_(None),
    )
    if of_doctor:
        query = query.where((QueueEntry.doctor_id == bindparam("doctor_id")) | QueueEntry.doctor_id.is_(None))
    # Patients and doctors are joined to the rows that are shown only.
    shown = query.order_by(*CALLING_ORDER).limit(fixed_number("limit")).subquery("shown")
    doctor_name = case((QueueEntry.doctor_id.is_not(None), display_name_column())).label("doctor_name")
    return (
        select(QueueEntry.id, QueueEntry.token, QueueEntry.patient_id, QueueEntry.arrived_at, doctor_name, *_NAMES)
        .join(shown, shown.c.id == QueueEntry.id)
        .join(Patient, Patient.id == QueueEntry.patient_id)
        .outerjoin(User, User.id == QueueEntry.doctor_id)
        .order_by(*CALLING_ORDER)
    )


def _add_arriving(home: WorkLists, page: int) -> None:
    """Add this page of the arrivals, or the first when there are no longer so many."""
    late_since = clock.local(clock.now() - LATE_ARRIVAL).replace(tzinfo=None)
    values = {"day": clock.today(), "late_since": late_since, "limit": ARRIVALS_PER_PAGE}
    rows = db.session.execute(_select_arriving(), values | {"skipped": (page - 1) * ARRIVALS_PER_PAGE}).all()
    if page > 1 and not rows:
        _add_arriving(home, 1)
        return
    home.arriving, home.page = list(rows), page
    home.expected, late = (rows[0].expected, rows[0].late) if rows else (0, 0)
    home.late = late_starts(home.arriving, clock.now())
    home.figures.append(
        (_l("Late arrivals"), late, "/appointments/?view=list&show=expected", "caution" if late else "")
    )


def _add_unconfirmed(home: WorkLists) -> None:
    home.unconfirmed = list_unconfirmed(MAX_ROWS)
    home.unconfirmed_count = home.unconfirmed[0].total if home.unconfirmed else 0


def _doctors_away() -> list[Away]:
    """The doctors with a blocked time today that is not over, by its start."""
    today = clock.today()
    values = {"day": today, "now": clock.now(), "end": clock.day_bounds(today)[1], "zone": clock.zone().key}
    return [Away(*row) for row in db.session.execute(_select_away(), values)]


@cache
def _select_away() -> Select:
    day, zone = bindparam("day"), bindparam("zone", type_=Text)
    at = Appointment.date + Appointment.time
    booked = (
        select(func.count())
        .where(
            Appointment.doctor_id == Absence.doctor_id,
            Appointment.date == day,
            Appointment.status == "scheduled",
            Appointment.withdrawn_at.is_(None),
            at >= func.timezone(zone, Absence.starts),
            at < func.timezone(zone, Absence.ends),
        )
        .scalar_subquery()
    )
    return (
        select(Absence.id, display_name_column(), Absence.starts, Absence.ends, Absence.reason, booked)
        .join(User, User.id == Absence.doctor_id)
        .where(Absence.starts < bindparam("end"), Absence.ends > bindparam("now"), User.is_active)
        .order_by(Absence.starts, Absence.id)
    )


@cache
def _select_arriving() -> Select:
    """Appointments of a day that are not yet checked in, by time, each with the number of all and of all that are late."""
    limit, skipped = fixed_number("limit"), fixed_number("skipped")
    is_late = Appointment.date + Appointment.time < bindparam("late_since")
    counts = (func.count().over().label("expected"), func.count().filter(is_late).over().label("late"))
    is_scheduled = Appointment.status == fixed_word(Status.SCHEDULED.value)
    expected = (Appointment.date == bindparam("day"), is_scheduled, Appointment.withdrawn_at.is_(None))
    order = (Appointment.time, Appointment.id)
    # Patients and doctors are joined to the rows of the page only: a large hospital expects hundreds.
    page = (
        select(Appointment.id, *counts).where(*expected).order_by(*order).limit(limit).offset(skipped).subquery("page")
    )
    columns = (Appointment.id, Appointment.patient_id, Appointment.date, Appointment.time, Appointment.status)
    return (
        select(*columns, display_name_column().label("doctor_name"), *_NAMES, page.c.expected, page.c.late)
        .join(page, page.c.id == Appointment.id)
        .join(Patient, Patient.id == Appointment.patient_id)
        .join(User, User.id == Appointment.doctor_id)
        .order_by(*order)
    )


def _add_approvals(home: WorkLists, who: Person) -> None:
    count = correction_queries.count_waiting(who)
    home.approvals = correction_queries.list_waiting_requests(who, MAX_ROWS) if count else []
    home.figures.append((_l("Waiting for approval"), count, "/billing/approvals", "caution" if count else ""))


def _add_pharmacy(home: WorkLists, who: Person) -> None:
    home.prescriptions = pharmacy.newest_visits(MAX_ROWS, who)
    lines, stock = pharmacy.counts(), stock_queries.counts()
    home.figures += [
        (_l("To dispense"), lines["waiting"], "/pharmacy/", ""),
        (_l("Medicines owing"), lines["owing"], "/pharmacy/?show=owing", ""),
        (_l("Below reorder level"), stock["low"], "/pharmacy/stock?show=low", "caution" if stock["low"] else ""),
        (_l("Near expiry"), stock["expiring"], "/pharmacy/stock?show=expiring", "caution" if stock["expiring"] else ""),
    ]


def _add_money(home: WorkLists, who: Person) -> None:
    if who.may(Permission.WORK_TILL) and not who.may(Permission.ADMINISTER):
        home.bills = bill_queries.bills("to_pay", who=who, limit=MAX_ROWS).rows
    if who.may(Permission.TAKE_PAYMENT):
        home.figures.append((_l("Bills to pay"), figures.bills_to_pay(), "/billing/", ""))
    if who.may(Permission.APPROVE_CORRECTION):
        _add_approvals(home, who)
    if who.may(Permission.READ_REVENUE):
        home.figures.append(
            (_l("Received today"), figures.received(named_period("today", clock.today())), "/reports/?period=today", "")
        )
    if who.may(Permission.MANAGE_PRICES):
        home.prices = price_queries.price_list_gaps()


def _add_laboratory(home: WorkLists) -> None:
    home.tests = laboratory.worklist("waiting", limit=MAX_ROWS)
    waiting, urgent, done = laboratory.count_worklist()
    home.figures += [
        (_l("Tests to do"), waiting, "/lab/", ""),
        (_l("Urgent tests"), urgent, "/lab/", "caution" if urgent else ""),
        (_l("Tests done today"), done, "/lab/?show=done", ""),
    ]


HOSPITAL_FACTS = ("hospital.name", "hospital.address", "hospital.phone")


def _missing_facts() -> list[Any]:
    return [SETTINGS[key].label for key in HOSPITAL_FACTS if not settings.is_entered(key)]


def _add_administration(home: WorkLists, who: Person) -> None:
    home.missing_facts = _missing_facts() if who.may(Permission.MANAGE_SETTINGS) else []
    day, failed = figures.at_a_glance(clock.today()), admin.count_failed_sign_ins()
    health = admin.get_health()
    to_review, late = actions.count_open_reviews() if who.may(Permission.REVIEW_ACCESS) else (0, 0)
    if to_review:
        label = _l("Emergency access to review, some overdue") if late else _l("Emergency access to review")
        home.figures.append((label, to_review, actions.REVIEWS, "stop" if late else "caution"))
    merges = merge_queries.count_waiting(who) if who.may(Permission.APPROVE_MERGE) else 0
    if merges:
        home.figures.append((_l("Merges to decide"), merges, "/patients/merges", "caution"))
    home.figures += [
        (_l("Visits today"), day.visits, "/reports/?period=today", ""),
        (_l("Encounters signed today"), day.signed, "/reports/?period=today", ""),
        (_l("New patients today"), day.registered, "/reports/?period=today", ""),
        (_l("Billed today"), day.billed, "/reports/?period=today", ""),
        (_l("Failed sign-ins today"), failed, "/admin/sign-ins", "caution" if failed else ""),
        (_l("Documents waiting"), health.waiting, "/admin/", "stop" if not health.is_ok else ""),
    ]
