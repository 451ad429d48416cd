"""Readings of vital signs as pages and the API show them; ages; last weight and height."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import CompoundSelect, Row, Select, bindparam, literal, select, union_all

from hms.clinical.labels import VITAL_SIGNS
from hms.clinical.models import VitalsReading
from hms.clinical.reference_ranges import ReferenceRange
from hms.core import clock
from hms.core.db.session import db
from hms.core.text.formatting import NBSP
from hms.core.text.translation import Sentence

from . import child_bands, news2, rules, usual_ranges
from .plausibility import WEIGHT_CHANGE_DAYS, EarlierValue, bmi, bmi_text

_READING = VitalsReading.__table__.c
_SHOWN = (
    "id",
    "taken_at",
    "taken_by_id",
    *VITAL_SIGNS,
    "is_pregnant",
    "consciousness",
    "on_oxygen",
    "note",
    "saturation_scale",
)
COLUMNS = tuple(_READING[name] for name in _SHOWN)
"""The columns that `to_reading` needs."""
PRESSURES = ("systolic", "diastolic")
DAYS_PER_YEAR = Decimal("365.25")
SHORT_LABELS = {
    "temperature": _l("T"),
    rules.BLOOD_PRESSURE: _l("BP"),
    "pulse": _l("Pulse"),
    "respiratory_rate": _l("RR"),
    "oxygen_saturation": _l("SpO₂"),
    "weight": _l("Weight"),
    "height": _l("Height"),
    "pain": _l("Pain"),
    "glucose": _l("Glucose"),
}


@dataclass(frozen=True)
class Measure:
    """One value to show: short label, value with unit, and a flag when it is unusual.

    `is_normal` is whether it lies within a usual range: False for a value that has none.
    """

    key: str
    label: str
    text: str
    flag: rules.Flag | None
    is_normal: bool = False

    @property
    def level(self) -> str:
        """The level of the flag for the `flag` macro: normal, low, high or critical."""
        if self.flag is None:
            return "normal"
        if self.flag.is_critical:
            return "critical"
        return self.flag.code


@dataclass(frozen=True)
class Reading:
    """One set of vital signs to show. `news2_gap` is the reason when there is no score, `child` the bands of a child, who has
    none."""

    id: int
    taken_at: datetime
    taken_by: str
    taken_by_id: int | None
    measures: tuple[Measure, ...]
    bmi: str
    news2: news2.Score | None
    news2_gap: Sentence | None
    child: child_bands.ChildBands | None
    note: str
    on_oxygen: bool | None
    consciousness: str
    is_pregnant: bool | None
    saturation_scale: int

    @property
    def is_compared(self) -> bool:
        """Whether the values were compared with usual ranges."""
        return usual_ranges.are_readable()

    @property
    def flagged(self) -> list[Measure]:
        return [measure for measure in self.measures if measure.flag]


def age_years(birth_date: date | None, on: date | None = None) -> Decimal | None:
    """Age in years on a day (today in hospital time), with decimals under 18; None when the date of birth is unknown."""
    if birth_date is None:
        return None
    on = on or clock.today()
    whole = on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))
    if whole >= 18:
        return Decimal(whole)
    return max(Decimal((on - birth_date).days) / DAYS_PER_YEAR, Decimal(0))


def values(row: Any) -> dict[str, Decimal]:
    """The values of a reading by key."""
    columns = {key: getattr(row, key) for key in rules.vitals()}
    return {key: Decimal(value) for key, value in columns.items() if value is not None}


def to_reading(row: Any, birth_date: date | None, taken_by: str = "") -> Reading:
    """A reading to show, with flags for the patient's age at that time."""
    by_key = values(row)
    age = age_years(birth_date, clock.local(row.taken_at).date())
    circumstances = {
        "age_years": age,
        "is_pregnant": row.is_pregnant,
        "consciousness": row.consciousness or None,
        "on_oxygen": row.on_oxygen,
    }
    saturation = usual_ranges.saturation_range(row.saturation_scale, on_oxygen=row.on_oxygen)
    bmi_value = bmi(by_key.get("weight"), by_key.get("height"), age)
    return Reading(
        id=row.id,
        taken_at=row.taken_at,
        taken_by=taken_by,
        taken_by_id=row.taken_by_id,
        measures=tuple(_measures(by_key, age, saturation)),
        bmi="" if bmi_value is None else bmi_text(bmi_value, age),
        news2=news2.calculate_news2(by_key, **circumstances, scale=row.saturation_scale),
        news2_gap=news2.reason_not_scored(by_key, **circumstances),
        child=child_bands.find_bands(by_key, age),
        note=row.note,
        on_oxygen=row.on_oxygen,
        consciousness=row.consciousness,
        is_pregnant=row.is_pregnant,
        saturation_scale=row.saturation_scale,
    )


def _measures(known: dict[str, Decimal], age: Decimal | None, saturation: ReferenceRange | None) -> Iterable[Measure]:
    for key, label in SHORT_LABELS.items():
        if key == rules.BLOOD_PRESSURE:
            if "systolic" in known:
                yield _pressure(known, age)
        elif key in known:
            found = rules.find_flag(key, known[key], age, saturation=saturation)
            is_normal = found is None and rules.usual_range(key, age) is not None
            yield Measure(key, label, rules.vitals()[key].format_value(known[key]), found, is_normal)


def _pressure(known: dict[str, Decimal], age: Decimal | None) -> Measure:
    low = known.get("diastolic")
    flags = [
        reading_flag for key in PRESSURES if key in known and (reading_flag := rules.find_flag(key, known[key], age))
    ]
    worst = next((reading_flag for reading_flag in flags if reading_flag.is_critical), flags[0] if flags else None)
    is_normal = worst is None and all(rules.usual_range(key, age) for key in PRESSURES if key in known)
    text = f"{known['systolic']:f}/{'–' if low is None else f'{low:f}'}{NBSP}mmHg"
    return Measure(rules.BLOOD_PRESSURE, SHORT_LABELS[rules.BLOOD_PRESSURE], text, worst, is_normal)


def last_sizes(patient_id: int) -> dict[str, EarlierValue]:
    """The last weight (kg) and height (cm) of a patient by key, with the date in hospital time."""
    return {
        key: EarlierValue(value, clock.local(taken_at).date())
        for key, value, taken_at in db.session.execute(_last_sizes(), {"patient_id": patient_id})
    }


@cache
def _last_sizes() -> CompoundSelect:
    patient_id = bindparam("patient_id")

    def last(key: str) -> Select:
        value = _READING[key]
        of_patient = select(literal(key), value, _READING.taken_at).where(
            _READING.patient_id == patient_id, _READING.status == "final", value.is_not(None)
        )
        return select(of_patient.order_by(_READING.taken_at.desc()).limit(1).subquery())

    return union_all(last("weight"), last("height"))


def recent_weight() -> Select:
    """The last weight of the parameters `patient_id` that was measured after `weighed_since`. An older one may not fit a
    child any more."""
    columns = VitalsReading.__table__.c
    measured = (columns.status == "final", columns.weight.is_not(None), columns.taken_at > bindparam("weighed_since"))
    of_patient = select(columns.weight).where(columns.patient_id == bindparam("patient_id"), *measured)
    return of_patient.order_by(columns.taken_at.desc()).limit(1)


def recent_weight_values(patient_id: int) -> dict[str, Any]:
    """The values of the parameters in `recent_weight`."""
    return {"patient_id": patient_id, "weighed_since": clock.now() - timedelta(days=WEIGHT_CHANGE_DAYS)}


def last_reading(encounter_id: int) -> Row | None:
    """The last reading of an encounter (`COLUMNS`), without corrected ones; None when there is none."""
    return db.session.execute(_last_reading(), {"encounter_id": encounter_id}).first()


@cache
def _last_reading() -> Select:
    last = select(*COLUMNS).where(_READING.encounter_id == bindparam("encounter_id"))
    return last.where(_READING.status == "final").order_by(_READING.taken_at.desc(), _READING.id.desc()).limit(1)
