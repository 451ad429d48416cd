"""The demo hospital before its first patient: people, hours, prices, medicines on the shelf."""

from __future__ import annotations

import datetime as dt
from datetime import timedelta
from random import Random

from sqlalchemy import select

from hms.appointments.availability import actions as appointments
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
from hms.lab import actions as lab_actions
from hms.pharmacy.receiving import actions as pharmacy
from hms.staff import request_user
from hms.staff.accounts import actions as account_actions
from hms.staff.models import Department, User
from hms.staff.roles import actions as role_actions

from .cases import SERVICES, SUPPLIERS, TEMPLATE
from .people import DEPARTMENTS, PASSWORD, STAFF, Colleague

HOURS_BEGAN = timedelta(days=120)
LARGE, SMALL = 600, 40


def hire() -> None:
    """Roles, departments, everybody of the demo with the one password, and the doctors' hours from Monday to Friday."""
    with action_context("demo.hire", SYSTEM):
        role_actions.install_roles(by=SYSTEM)
        settings.change_setting("staff.registration_open", True, by=SYSTEM)
        departments = {name: Department(name=name) for name in DEPARTMENTS}
        db.session.add_all(departments.values())
        db.session.flush()
        for one in STAFF:
            user = _account(one, departments.get(one.department))
            if one.role == Role.DOCTOR:
                _hours(user, one)


def _account(one: Colleague, department: Department | None) -> User:
    return account_actions.add_user(
        username=one.username,
        role=one.role,
        password=PASSWORD,
        title=one.title,
        first_name=one.first_name,
        last_name=one.last_name,
        department=department,
        room=one.room,
        by=SYSTEM,
    )


def _hours(user: User, one: Colleague) -> None:
    """Every day of the week, so that a demo opened on a Sunday is alive too."""
    for weekday in range(7):
        appointments.add_hours(
            user.id,
            weekday=weekday,
            starts=dt.time(one.starts),
            ends=dt.time(one.ends),
            valid_from=clock.today() - HOURS_BEGAN,
            by=SYSTEM,
        )


def set_prices() -> None:
    """The price list of services, the formulary with its prices, and the list of diagnoses."""
    with action_context("demo.set_prices", SYSTEM):
        for code, name, label, price in SERVICES:
            billing.save_price(code=code, name=name, billing_label=label, unit_price=Money(price), by=SYSTEM)
    formulary.load_catalogue(by=SYSTEM)
    clinical.load_codes(by=SYSTEM)
    template_actions.load_starting_list(by=SYSTEM)
    lab_actions.load_prices(by=SYSTEM)


def write_templates() -> None:
    """The doctor's own note template, beside the hospital's."""
    doctor_id = db.session.scalars(select(User.id).filter_by(username="doctor")).one()
    doctor = request_user.load_active_person(doctor_id)
    template_actions.save_template(title=TEMPLATE.title, shortcut="htn", content=TEMPLATE.content, by=doctor)


def stock_shelves(random: Random) -> None:
    """Two lots of most medicines: the older one short and near its expiry, the newer one long; a few are nearly out."""
    medicines = db.session.scalars(select(Medication).order_by(Medication.id)).all()
    for number, supplier in enumerate(SUPPLIERS):
        share = medicines[number :: len(SUPPLIERS)]
        lines = [line for medicine in share for line in _lots(medicine, random)]
        for start in range(0, len(lines), 150):
            invoice = f"{supplier[:2].upper()}-{1000 + number * 100 + start}"
            pharmacy.receive_goods(supplier, invoice, lines[start : start + 150], by=SYSTEM)


def _lots(medicine: Medication, random: Random) -> list[pharmacy.Received]:
    """The lots of one medicine; about one medicine in twelve is below its reorder level, one in thirty has none left."""
    luck, plenty = random.random(), max(medicine.reorder_level, SMALL) * random.randint(1, 3)
    if luck < 0.03:
        return []
    today = clock.today()
    old = today + timedelta(days=random.choice((25, 60, 80, *range(110, 230, 8))))
    new = today + timedelta(days=random.randint(240, 720))
    if luck < 0.11:
        return [_lot(medicine, "A", old, max(medicine.reorder_level // 4, 3), random)]
    return [_lot(medicine, "A", old, max(plenty // 4, 4), random), _lot(medicine, "B", new, min(plenty, 6000), random)]


def _lot(medicine: Medication, letter: str, expires: dt.date, quantity: int, random: Random) -> pharmacy.Received:
    cost = Money(f"{random.randint(10, 400) / 100:.2f}")
    return pharmacy.Received(medicine.id, f"{letter}{100 + medicine.id}", expires, quantity, cost)
