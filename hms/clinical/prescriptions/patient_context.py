"""The facts of a patient for the safety checks: allergies, current medicines, age, weight, pregnancy."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache, cached_property
from typing import Any

from sqlalchemy import ColumnElement, Integer, Row, Select, and_, bindparam, cast, func, or_, select

from hms.clinical.models import Prescription, VitalsReading
from hms.clinical.vitals import readings
from hms.core import clock
from hms.core.db.session import db
from hms.core.errors import RuleBroken
from hms.formulary.dosing.doses import Dose
from hms.formulary.models import Medication
from hms.formulary.rule_book import current_rules
from hms.formulary.safety.allergy_check import AllergyEntry
from hms.formulary.safety.checks import medicine_from_text
from hms.formulary.safety.illness_check import Illness
from hms.formulary.safety.kidney_function import KidneyFacts
from hms.formulary.safety.medicine_facts import Medicine, MedicineRecord
from hms.formulary.safety.other_checks import CurrentMedicine, PatientFacts
from hms.patients.allergies import queries as patients
from hms.patients.models import Patient

from .illness_facts import load_illnesses
from .kidney_facts import load_kidneys

PREGNANCY_KNOWN_FOR = timedelta(days=60)
COURSE_DAYS = 30
MAX_CURRENT = 50
SIGNED_STATUSES = ("active", "part_dispensed", "on_hold", "completed")
_ORDER = Prescription.__table__.c
LINE_COLUMNS = (
    *("id", "encounter_id", "medication_id", "medication_name", "dosage", "frequency", "duration", "instructions"),
    *(
        "indication",
        "dose_amount",
        "dose_unit",
        "route",
        "frequency_code",
        "as_needed",
        "max_per_day",
        "days",
        "quantity",
    ),
    *("supply_text", "status", "status_reason", "signed_at", "authored_at", "created_at", "checks", "external_id"),
    *("override_code", "override_reason", "reasons"),
)


def allergy_entries(patient: Patient) -> tuple[AllergyEntry, ...] | None:
    """The recorded allergies for the checks; None when the patient was not asked."""
    return _to_entries(patients.allergies(patient.id), patient.allergy_status)


def _to_entries(recorded: Iterable[Any], status: str) -> tuple[AllergyEntry, ...] | None:
    entries = tuple(AllergyEntry.from_record(allergy) for allergy in recorded)
    return entries if entries or status != "not_asked" else None


@dataclass(frozen=True)
class SafetyContext:
    """The patient's facts for the checks. `running` are current and drafted orders, each with its medicine and dose.

    `dose_facts` decide which usual doses are offered: an old weight may not fit a child any more, so only a recent one
    counts.
    """

    patient_id: int
    encounter_id: int | None
    person: PatientFacts
    dose_facts: PatientFacts
    allergies: tuple[AllergyEntry, ...] | None
    running: list[tuple[Any, CurrentMedicine]]

    @cached_property
    def kidneys(self) -> KidneyFacts:
        """What is known of the kidneys; read when the first medicine needs it."""
        return load_kidneys(self.patient_id)

    @cached_property
    def illnesses(self) -> tuple[Illness, ...]:
        """The problems and the diagnoses of the encounter; read when the first medicine needs them."""
        return load_illnesses(self.patient_id, self.encounter_id)


def load_safety_context(patient_id: int, encounter_id: int | None) -> SafetyContext:
    """Load the context once for the checks of one or more orders; drafts of the encounter count as current."""
    values = _facts_values(patient_id) | {"encounter_id": encounter_id or 0}
    rows = db.session.execute(_facts_with_orders(), values).all()
    patient, person = rows[0], _to_person(rows[0])
    recorded = _to_entries(patients.read_allergies_column(patient.allergies), patient.allergy_status)
    orders = [order for order in rows if order.id is not None]
    dose_facts = replace(person, weight_kg=patient.recent_weight)
    return SafetyContext(patient_id, encounter_id, person, dose_facts, recorded, _to_current(orders))


def load_dose_facts(patient_id: int) -> PatientFacts:
    """The `dose_facts` of the patient alone, for the doses that are offered while the medicine is typed."""
    patient = _load_facts(patient_id)
    return replace(_to_person(patient), weight_kg=patient.recent_weight)


def _load_facts(patient_id: int) -> Row:
    return db.session.execute(_patient_facts(), _facts_values(patient_id)).one()


def _facts_values(patient_id: int) -> dict[str, Any]:
    return readings.recent_weight_values(patient_id) | {"since": clock.now() - PREGNANCY_KNOWN_FOR}


def _to_person(patient: Row) -> PatientFacts:
    return PatientFacts(
        age_years=readings.age_years(patient.birth_date),
        sex=patient.sex,
        is_pregnant=False if patient.sex == "male" else patient.is_pregnant,
        weight_kg=patient.weight,
    )


@cache
def _patient_facts() -> Select:
    """The patient with the last recorded weight, a recent weight and the pregnancy status."""
    patient_id, since = bindparam("patient_id"), bindparam("since")
    patient, reading = Patient.__table__.c, VitalsReading.__table__.c

    def last(value: Any, *conditions: Any) -> Any:
        of_patient = select(value).where(reading.patient_id == patient_id, reading.status == "final", *conditions)
        recorded = of_patient.where(value.is_not(None)).order_by(reading.taken_at.desc())
        return recorded.limit(1).scalar_subquery().label(value.name)

    measured = (last(reading.weight), last(reading.is_pregnant, reading.taken_at > since))
    columns = (
        patient.sex,
        patient.birth_date,
        patient.allergy_status,
        *measured,
        readings.recent_weight().scalar_subquery().label("recent_weight"),
        patients.allergies_column(patient.id).label("allergies"),
    )
    return select(*columns).where(patient.id == patient_id)


def is_current() -> ColumnElement[bool]:
    """Condition: the patient may still take the medicine, because its days (else `COURSE_DAYS`) have not passed."""
    lasts = func.make_interval(0, 0, 0, cast(func.coalesce(Prescription.days, COURSE_DAYS), Integer))
    imported = and_(Prescription.external_id.is_not(None), Prescription.status == "active")
    return or_(imported, and_(Prescription.status.in_(SIGNED_STATUSES), Prescription.signed_at + lasts > func.now()))


def current_prescriptions(patient_id: int, encounter_id: int | None = None) -> list[Prescription]:
    """The patient's current medicines, newest first, and the draft lines of the encounter."""
    return list(
        db.session.execute(
            _current_prescriptions(), {"patient_id": patient_id, "encounter_id": encounter_id or 0}
        ).scalars()
    )


@cache
def _current_prescriptions() -> Select:
    patient_id, encounter_id = bindparam("patient_id"), bindparam("encounter_id")
    query = select(Prescription).where(*_is_taken(patient_id, encounter_id))
    return query.order_by(Prescription.id.desc()).limit(MAX_CURRENT)


def _is_taken(patient_id: Any, encounter_id: Any) -> tuple[ColumnElement[bool], ...]:
    drafts = and_(Prescription.status == "draft", Prescription.encounter_id == encounter_id)
    return Prescription.patient_id == patient_id, or_(is_current(), drafts)


def load_line_rows(patient_id: int, encounter_id: int) -> Sequence[Row]:
    """Current medicines of the patient and all lines of the encounter that were not removed, newest first (`LINE_COLUMNS`)."""
    return db.session.execute(_line_rows(), {"patient_id": patient_id, "encounter_id": encounter_id}).all()


@cache
def _line_rows() -> Select:
    patient_id, encounter_id = bindparam("patient_id"), bindparam("encounter_id")
    is_here = Prescription.encounter_id == encounter_id
    shown = or_(is_current(), and_(is_here, Prescription.status != "entered_in_error"))
    query = select(*(_ORDER[name] for name in LINE_COLUMNS)).where(Prescription.patient_id == patient_id, shown)
    return query.order_by(is_here.desc().nulls_last(), Prescription.id.desc()).limit(MAX_CURRENT)


_ORDER_COLUMNS = (
    *("id", "encounter_id", "medication_id", "medication_name", "signed_at", "days"),
    *("dose_amount", "dose_unit", "route", "frequency_code", "as_needed", "max_per_day"),
)
_Product = namedtuple("_Product", tuple(MedicineRecord.__annotations__))


@cache
def _facts_with_orders() -> Select:
    """A row for each order of `_current_prescriptions`, or one without an order: columns of the orders, of their medicines, and
    the patient's facts."""
    facts = _patient_facts().cte("facts").prefix_with("MATERIALIZED")  # once, and not for each order
    patient_id, encounter_id = bindparam("patient_id"), bindparam("encounter_id")
    order, product = Prescription.__table__, Medication.__table__
    of_product = (product.c[name].label(f"product_{name}") for name in _Product._fields)
    orders = facts.outerjoin(order, and_(*_is_taken(patient_id, encounter_id)))
    query = select(*(order.c[name] for name in _ORDER_COLUMNS), *of_product, *facts.c)
    query = query.select_from(orders.outerjoin(product, product.c.id == order.c.medication_id))
    return query.order_by(order.c.id.desc()).limit(MAX_CURRENT)


def _to_current(orders: Iterable[Any]) -> list[tuple[Any, CurrentMedicine]]:
    """Each order with its medicine and dose for the checks."""
    current, medicines = [], {}
    for order in orders:
        key = order.medication_id or order.medication_name
        if key not in medicines:
            medicines[key] = _medicine(order)
        current.append((order, CurrentMedicine(medicines[key], dose_of(order))))
    return current


def _medicine(order: Any) -> Medicine:
    """The ordered medicine: from the formulary, else from its name."""
    if order.medication_id is not None:
        return Medicine.from_record(_Product._make(order[len(_ORDER_COLUMNS) :][: len(_Product._fields)]))
    return medicine_from_text(order.medication_name, current_rules.load_knowledge())


def dose_of(order: Any) -> Dose | None:
    """The structured dose of an order; None when the order has only texts."""
    if order.dose_amount is None or not order.dose_unit or not order.route:
        return None
    try:
        return Dose.from_frequency(
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
