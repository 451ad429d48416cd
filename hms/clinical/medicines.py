"""What the safety checks need of a patient: allergies, other medicines, age, weight, pregnancy."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, cast, func, or_, select

from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.statements import built_once
from hms.formulary import catalogue
from hms.formulary import queries as formulary
from hms.formulary.allergies import AllergyEntry
from hms.formulary.dosing import Dose
from hms.formulary.knowledge import Medicine
from hms.formulary.rules import medicine_from_text
from hms.formulary.safety import Current, Person
from hms.patients import queries as patients
from hms.patients.models import Patient

from . import readings
from .models import Prescription, VitalsReading

PREGNANCY_KNOWN_FOR = timedelta(days=60)
COURSE_DAYS = 30
MOST_CURRENT = 50
ORDERED = ("active", "part_dispensed", "on_hold", "completed")
_ORDER = Prescription.__table__.c
SHOWN = (
    *("id", "encounter_id", "medication_id", "medication_name", "dosage", "frequency", "duration", "instructions"),
    *("dose_amount", "dose_unit", "route", "frequency_code", "as_needed", "max_per_day", "days", "quantity"),
    *("status", "status_reason", "signed_at", "authored_at", "created_at", "checks", "external_id"),
    *("override_code", "override_reason"),
)


def allergies(whom: Patient) -> tuple[AllergyEntry, ...] | None:
    """The recorded allergies as the checks read them; None when nobody has asked."""
    recorded = patients.allergies(whom.id)
    if not recorded and whom.allergy_status == "not_asked":
        return None
    return tuple(
        AllergyEntry(
            text=one.substance,
            code=one.class_code or (one.code if "rxnorm" in one.code_system else ""),
            severity=one.severity,
            reaction=one.reaction,
            category=one.category,
            year=one.recorded_on.year if one.recorded_on else None,
        )
        for one in recorded
    )


def person(whom: Patient) -> Person:
    """Age, sex, last weight (kg) and pregnancy as last recorded."""
    sizes = readings.last_sizes(whom.id)
    return Person(
        age_years=readings.age_years(whom.birth_date),
        sex=whom.sex,
        is_pregnant=_is_pregnant(whom),
        weight_kg=sizes["weight"].value if "weight" in sizes else None,
    )


def _is_pregnant(whom: Patient) -> bool | None:
    if whom.sex == "male":
        return False
    return _last_pregnancy(whom.id, clock.now() - PREGNANCY_KNOWN_FOR).scalar_one_or_none()


@built_once
def _last_pregnancy(patient_id: Any, since: Any) -> Select:
    query = select(VitalsReading.is_pregnant).where(
        VitalsReading.patient_id == patient_id,
        VitalsReading.status == "final",
        VitalsReading.is_pregnant.is_not(None),
        VitalsReading.taken_at > since,
    )
    return query.order_by(VitalsReading.taken_at.desc()).limit(1)


def is_current() -> ColumnElement[bool]:
    """Whether an order is one that the patient may still be taking: its days, else a month, have not passed."""
    lasts = func.make_interval(0, 0, 0, cast(func.coalesce(Prescription.days, COURSE_DAYS), Integer))
    imported = and_(Prescription.external_id.is_not(None), Prescription.status == "active")
    return or_(imported, and_(Prescription.status.in_(ORDERED), Prescription.signed_at + lasts > func.now()))


def current(patient_id: int, encounter_id: int | None = None) -> list[Prescription]:
    """What the patient takes at present, newest first, and the lines of the open encounter."""
    return list(_current(patient_id, encounter_id or 0).scalars())


@built_once
def _current(patient_id: Any, encounter_id: Any) -> Select:
    drafts = and_(Prescription.status == "draft", Prescription.encounter_id == encounter_id)
    query = select(Prescription).where(Prescription.patient_id == patient_id, or_(is_current(), drafts))
    return query.order_by(Prescription.id.desc()).limit(MOST_CURRENT)


def around(patient_id: Any, encounter_id: Any) -> Select:
    """What the patient takes at present and every line of the encounter that was not removed, newest first: all that is
    shown of a line."""
    is_here = Prescription.encounter_id == encounter_id
    shown = or_(is_current(), and_(is_here, Prescription.status != "entered_in_error"))
    query = select(*(_ORDER[name] for name in SHOWN)).where(Prescription.patient_id == patient_id, shown)
    return query.order_by(is_here.desc().nulls_last(), Prescription.id.desc()).limit(MOST_CURRENT)


def as_taken(orders: Iterable[Prescription]) -> list[Current]:
    """Orders as the checks compare them."""
    orders = list(orders)
    products = formulary.medications_by_id(one.medication_id for one in orders if one.medication_id)
    return [Current(medicine_of(one, products), dose_of(one)) for one in orders]


def medicine_of(order: Any, products: dict[int, Any]) -> Medicine:
    """The medicine ordered: the product's facts, else what its name tells."""
    product = products.get(order.medication_id)
    if product is not None:
        return Medicine.on_record(product)
    return medicine_from_text(order.medication_name, catalogue.knowledge())


def dose_of(order: Any) -> Dose | None:
    """The structured dose of an order; None when it was written in words only."""
    if order.dose_amount is None or not order.dose_unit or not order.route:
        return None
    try:
        return Dose.of(
            order.dose_amount.normalize() + 0,
            order.dose_unit,
            order.route,
            order.frequency_code,
            as_needed=order.as_needed,
            max_per_day=order.max_per_day,
            days=order.days,
        )
    except RuleBroken:
        return None
