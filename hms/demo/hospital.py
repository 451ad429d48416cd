"""The demo hospital before its first patient: staff, clinic hours, prices and stock."""

from __future__ import annotations

import datetime as dt
from datetime import timedelta
from random import Random

from sqlalchemy import select

from hms.appointments.availability import actions as appointments
from hms.appointments.enums import PointKind
from hms.appointments.points import actions as points
from hms.billing.prices import actions as billing
from hms.clinical.diagnoses import codes as clinical
from hms.clinical.note_templates import actions as template_actions
from hms.core import clock
from hms.core.actions import action_context
from hms.core.db.session import db
from hms.core.money import Money
from hms.core.permissions import Role
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.formulary.medicines import actions as formulary
from hms.formulary.models import Medication
from hms.formulary.rule_book import actions as rule_actions
from hms.formulary.rule_book import queries as rule_queries
from hms.lab import actions as lab_actions
from hms.pharmacy.receiving import actions as pharmacy
from hms.staff import request_user
from hms.staff.accounts import actions as account_actions
from hms.staff.models import Department, User
from hms.staff.roles import actions as role_actions

from .cases import ORDER_SET, SERVICES, SUPPLIERS, TEMPLATE
from .people import DEPARTMENTS, PASSWORD, STAFF, StaffMember

HOSPITAL = {
    "hospital.name": "St Mary's Hospital",
    "hospital.address": "12 Hill Road, Freetown",
    "hospital.phone": "022 123 456",
}
POINTS = (
    ("TRIAGE", "Triage", PointKind.TRIAGE, "T"),
    ("LAB", "Laboratory", PointKind.LABORATORY, "L"),
    ("PHARM", "Pharmacy", PointKind.PHARMACY, "P"),
    ("CASH", "Cash desk", PointKind.CASH_DESK, "C"),
)
"""Code, name, kind and letters of the tokens of each service point."""
HOURS_BEGAN = timedelta(days=120)
SMALLEST_FULL_STOCK = 40


def add_staff() -> None:
    """Add the hospital's name, roles, departments, staff accounts (all with `PASSWORD`), the doctors' clinic hours, and the
    service points."""
    with action_context("demo.hire", SYSTEM):
        role_actions.install_roles(by=SYSTEM)
        settings.change_setting("staff.registration_open", True, by=SYSTEM)
        for key, value in HOSPITAL.items():
            settings.change_setting(key, value, by=SYSTEM)
        departments = {name: Department(name=name) for name in DEPARTMENTS}
        db.session.add_all(departments.values())
        db.session.flush()
        for member in STAFF:
            user = _add_account(member, departments.get(member.department))
            if member.role == Role.DOCTOR:
                _add_hours(user, member)
        for code, name, kind, prefix in POINTS:
            points.save_service_point(code=code, name=name, kind=kind, prefix=prefix, by=SYSTEM)


def _add_account(member: StaffMember, department: Department | None) -> User:
    return account_actions.add_user(
        username=member.username,
        role=member.role,
        password=PASSWORD,
        title=member.title,
        first_name=member.first_name,
        last_name=member.last_name,
        department=department,
        room=member.room,
        by=SYSTEM,
    )


def _add_hours(user: User, member: StaffMember) -> None:
    """Clinic hours on every day of the week, so that the demo also works on a Sunday."""
    for weekday in range(7):
        appointments.add_hours(
            user.id,
            weekday=weekday,
            starts=dt.time(member.starts),
            ends=dt.time(member.ends),
            valid_from=clock.today() - HOURS_BEGAN,
            by=SYSTEM,
        )


def set_prices() -> None:
    """Load the prices of services and laboratory tests, the formulary, the diagnosis codes and the note templates."""
    with action_context("demo.set_prices", SYSTEM):
        for code, name, label, price in SERVICES:
            billing.save_price(code=code, name=name, billing_label=label, unit_price=Money(price), by=SYSTEM)
    formulary.load_catalogue(with_prices=True, by=SYSTEM)
    clinical.load_codes(by=SYSTEM)
    template_actions.load_starting_list(by=SYSTEM)
    lab_actions.load_prices(with_prices=True, by=SYSTEM)


def add_note_template() -> None:
    """Add a note template and an order set of the doctor's own."""
    doctor_id = db.session.scalars(select(User.id).filter_by(username="doctor")).one()
    doctor = request_user.load_active_person(doctor_id)
    template_actions.save_template(title=TEMPLATE.title, shortcut="htn", content=TEMPLATE.content, by=doctor)
    template_actions.save_template(
        title=ORDER_SET.title, shortcut="malaria", content=ORDER_SET.content, kind=template_actions.ORDERS, by=doctor
    )


def propose_rule() -> None:
    """The pharmacist proposes clearer words for a safety rule; it waits for a second pharmacist."""
    pharmacist_id = db.session.scalars(select(User.id).filter_by(username="pharmacist")).one()
    rule = next(rule for rule in rule_queries.list_rules("simvastatin rifampicin") if rule.tier == "info")
    cells = {**rule.line.shown, "advice": "Check the cholesterol after six weeks."}
    line = rule_actions.ProposedLine(rule.line.rule_list.name, rule.line.key, cells)
    rule_actions.propose([line], reason="Says when", by=request_user.load_active_person(pharmacist_id))


def add_stock(random: Random) -> None:
    """Receive two batches of most medicines: a small one that expires soon and a large one; of some nearly nothing."""
    medicines = db.session.scalars(select(Medication).order_by(Medication.id)).all()
    for number, supplier in enumerate(SUPPLIERS):
        share = medicines[number :: len(SUPPLIERS)]
        lines = [line for medicine in share for line in _batches(medicine, random)]
        for start in range(0, len(lines), 150):
            invoice = f"{supplier[:2].upper()}-{1000 + number * 100 + start}"
            pharmacy.receive_goods(supplier, invoice, lines[start : start + 150], by=SYSTEM)


def _batches(medicine: Medication, random: Random) -> list[pharmacy.Received]:
    """The batches of one medicine. About one medicine in twelve is below its reorder level, one in thirty has no stock."""
    chance, full_stock = random.random(), max(medicine.reorder_level, SMALLEST_FULL_STOCK) * random.randint(1, 3)
    if chance < 0.03:
        return []
    today = clock.today()
    old = today + timedelta(days=random.choice((25, 60, 80, *range(110, 230, 8))))
    new = today + timedelta(days=random.randint(240, 720))
    if chance < 0.11:
        return [_batch(medicine, "A", old, max(medicine.reorder_level // 4, 3), random)]
    return [
        _batch(medicine, "A", old, max(full_stock // 4, 4), random),
        _batch(medicine, "B", new, min(full_stock, 6000), random),
    ]


def _batch(medicine: Medication, letter: str, expires: dt.date, quantity: int, random: Random) -> pharmacy.Received:
    cost = Money(f"{random.randint(10, 400) / 100:.2f}")
    return pharmacy.Received(medicine.id, f"{letter}{100 + medicine.id}", expires, quantity, cost)
