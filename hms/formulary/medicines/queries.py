"""Reads of medicines: search, choices for prescribing, and the product that a text names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select

from hms.billing.models import PriceItem
from hms.core.db.folding import folded
from hms.core.db.name_order import name_order
from hms.core.db.session import db
from hms.core.db.word_search import contains_all_words
from hms.core.text.cleaning import escape_like, fold
from hms.core.text.translation import N_
from hms.formulary.dosing import dose_bands, product_text
from hms.formulary.dosing.doses import SentencePart
from hms.formulary.dosing.quantities import calculate_supply
from hms.formulary.models import DoseSentence, Medication
from hms.formulary.safety.other_checks import PatientFacts

MAX_CHOICES = 10
MAX_ROWS = 120
UNKNOWN_PATIENT = PatientFacts()
_USUAL = ("id", "label", "amount", "unit", "route", "frequency", "as_needed", "max_per_day", "days")
_SPACED_UNIT = re.compile(r"(?<=[0-9]) (?=[a-z%])")
_TABLE = Medication.__table__
COLUMNS = [column for column in _TABLE.c if column.name not in ("search_text", "created_at", "updated_at")]


@dataclass(frozen=True)
class Choice:
    """One choice for prescribing: a usual dose, or (without `parts`) a medicine with a custom dose.

    `value` is "s:" and the id of the dose sentence, or "m:" and the id of the medicine. `stock` is None when hidden.
    """

    value: str
    name: str
    form: str
    parts: tuple[SentencePart, ...]
    supply: int | None
    unit: str
    stock: int | None
    note: str = ""

    @property
    def is_custom(self) -> bool:
        return not self.parts

    @property
    def words(self) -> str:
        """The choice as one line of text."""
        if self.is_custom:
            return f"{self.name} {self.form}"
        return "".join(part.lead + part.text for part in self.parts)


def select_medications(search: str = "", *, by_name_only: bool = False) -> Select:
    """Active medicines with all words of `search`, by name; `by_name_only` searches only the name."""
    query = select(*COLUMNS).where(_TABLE.c.is_active)
    text = func.hms_fold(_TABLE.c.name) if by_name_only else _TABLE.c.search_text
    query = query.where(*contains_all_words(text, search))
    return query.order_by(*name_order(_TABLE.c.name), _TABLE.c.id)


def search_medications(typed: str, *, limit: int) -> list[Any]:
    """Active medicines with all words of `typed`, or with that price code; none for fewer than two letters."""
    text = typed.strip()
    if len(text) < 2:
        return []
    named = select_medications(text).whereclause
    code = func.upper(PriceItem.code) == text.upper()
    coded = _TABLE.c.is_active & _TABLE.c.price_item_id.in_(select(PriceItem.id).where(code))
    query = select(*COLUMNS).where(or_(named, coded))
    return list(db.session.execute(query.order_by(*name_order(_TABLE.c.name), _TABLE.c.id).limit(limit)))


def get_medication(medication_id: int) -> Any | None:
    """The columns of one medicine, active or withdrawn; None when there is none."""
    return db.session.execute(select(*COLUMNS).where(_TABLE.c.id == medication_id)).one_or_none()


def get_medications_by_id(ids: Iterable[int]) -> dict[int, Any]:
    """The columns of these medicines by id."""
    unique_ids = set(ids)
    if not unique_ids:
        return {}
    return {row.id: row for row in db.session.execute(select(*COLUMNS).where(_TABLE.c.id.in_(unique_ids)))}


def get_dose_sentence(sentence_id: int) -> DoseSentence | None:
    """One usual dose of an active medicine; None when there is none."""
    query = select(DoseSentence).join(Medication).where(DoseSentence.id == sentence_id, Medication.is_active)
    return db.session.scalars(query).one_or_none()


@dataclass(frozen=True)
class UsualDose:
    """A stored usual dose with its medicine's columns in `product`."""

    id: int
    label: str
    amount: Decimal
    unit: str
    route: str
    frequency: str
    as_needed: bool
    max_per_day: Decimal | None
    days: int | None
    product: Any


def list_usual_doses(ingredients: list[str], route: str, patient: PatientFacts) -> list[UsualDose]:
    """Usual doses by `route` for the patient, of active medicines with one of `ingredients`: in the order of the
    ingredients, the most used first."""
    dose = DoseSentence.__table__.c
    query = select(DoseSentence, *COLUMNS).join(Medication, Medication.id == DoseSentence.medication_id)
    query = query.where(_TABLE.c.is_active, _TABLE.c.ingredients.overlap(ingredients), dose.route == route)
    rows = db.session.execute(query.order_by(dose.use_count.desc(), dose.id).limit(MAX_ROWS)).all()
    place = {name: number for number, name in enumerate(ingredients)}
    suited = [row for row in rows if _suits(row, row[0], route, patient)]
    suited.sort(key=lambda row: min(place.get(name, len(place)) for name in row.ingredients))
    return [UsualDose(*(getattr(row[0], name) for name in _USUAL), row) for row in suited]


def list_choices(text: str, patient: PatientFacts = UNKNOWN_PATIENT, *, shows_stock: bool = True) -> list[Choice]:
    """At most ten choices that match `text`: usual doses for the patient, the most used first, then each medicine with a
    custom dose. Doses for other ages, weights or the other sex, and of medicines forbidden at the age or in the patient's
    pregnancy, are left out."""
    rows = db.session.execute(_matching(text)).all() if len(fold(text)) >= 2 else []
    typed = fold(text)
    sentences = [row for row in rows if row.dose_id is not None and _suits(row, row, row.dose_route, patient)]
    sentences.sort(key=lambda row: _rank(row, typed))
    medicines = {row.id: row for row in sorted(rows, key=lambda row: _rank(row, typed))}
    custom = [_custom(row, shows_stock) for row in list(medicines.values())[: MAX_CHOICES // 2]]
    usual = [_usual(row, shows_stock) for row in sentences[: MAX_CHOICES - min(len(custom), 3)]]
    return (usual + custom)[:MAX_CHOICES]


def _matching(text: str) -> Select:
    dose = DoseSentence.__table__
    columns = (dose.c[name] for name in ("amount", "frequency", "as_needed", "max_per_day", "days"))
    query = (
        select(
            *COLUMNS,
            *columns,
            dose.c.id.label("dose_id"),
            dose.c.unit.label("dose_unit"),
            dose.c.route.label("dose_route"),
            dose.c.audience,
            dose.c.label,
            dose.c.use_count,
        )
        .select_from(_TABLE.outerjoin(dose, dose.c.medication_id == _TABLE.c.id))
        .where(_TABLE.c.is_active)
    )
    query = query.where(*contains_all_words(_TABLE.c.search_text, text))
    starts = _TABLE.c.search_text.like(folded(f"{escape_like(text.strip())}%"), escape="\\")
    return query.order_by(starts.desc(), func.coalesce(dose.c.use_count, 0).desc(), _TABLE.c.id).limit(MAX_ROWS)


def _rank(row: Any, typed: str) -> tuple:
    starts = fold(row.generic_name).startswith(typed) or fold(row.brand_name).startswith(typed)
    uses, parts = row.use_count or 0, len(row.ingredients)
    return (not starts, -uses, parts, row.id, row.dose_id or 0)


def _suits(product: Any, dose: Any, route: str, patient: PatientFacts) -> bool:
    """Whether the usual dose is for this patient, and no rule forbids the medicine at the age or in pregnancy."""
    age_years = patient.age_years
    is_too_young = age_years is not None and product.min_age_tier == "stop" and age_years < (product.min_age_years or 0)
    is_harmful = product.pregnancy == "avoid" and bool(patient.is_pregnant)
    return not is_too_young and not is_harmful and dose_bands.suits(dose.label, dose.audience, route, patient)


class _Dose:
    """The columns of a dose sentence in a joined row, under their own names."""

    def __init__(self, row: Any) -> None:
        self.amount, self.unit, self.route = row.amount, row.dose_unit, row.dose_route
        self.frequency, self.as_needed = row.frequency, row.as_needed
        self.max_per_day, self.days = row.max_per_day, row.days


def _usual(row: Any, shows_stock: bool) -> Choice:
    dose = product_text.build_dose(_Dose(row))
    return Choice(
        value=f"s:{row.dose_id}",
        name=product_text.shown_name(row),
        form=product_text.form_strength(row),
        parts=product_text.build_dose_sentence(row, dose),
        supply=calculate_supply(dose, row.strength, row.unit, row.unit_holds),
        unit=row.unit,
        stock=row.current_stock if shows_stock else None,
        note=row.label,
    )


def _custom(row: Any, shows_stock: bool) -> Choice:
    return Choice(
        value=f"m:{row.id}",
        name=product_text.shown_name(row),
        form=product_text.form_strength(row),
        parts=(),
        supply=None,
        unit=row.unit,
        stock=row.current_stock if shows_stock else None,
        note=N_("custom dose"),
    )


def find_medication_by_text(text: str, dosage: str = "") -> Any | None:
    """The only active product that `text`, or `text` with `dosage` as its strength, names; None for none or several."""
    typed, typed_dosage = _normalize_name(text), _normalize_name(dosage)
    if not typed:
        return None
    first = escape_like(text.split()[0])
    rows = db.session.execute(_candidates_statement(), {"part": f"%{first}%", "generic": first}).all()
    for name in (typed, f"{typed} {typed_dosage}".strip()):
        exact = [row for row in rows if name in _spellings(row)]
        if len(exact) == 1:
            return exact[0]
    alone = [row for row in rows if typed in (_normalize_name(row.generic_name), _normalize_name(row.brand_name))]
    return alone[0] if len(alone) == 1 else None


@cache
def _candidates_statement() -> Select:
    part, generic = bindparam("part"), bindparam("generic")
    is_alike = or_(
        _TABLE.c.search_text.like(folded(part), escape="\\"), _TABLE.c.generic_name.ilike(generic, escape="\\")
    )
    return select(*COLUMNS).where(_TABLE.c.is_active, is_alike)


def _normalize_name(text: str) -> str:
    return _SPACED_UNIT.sub("", fold(text))


def _spellings(row: Any) -> set[str]:
    names = {name for name in (row.generic_name, row.brand_name) if name}
    spellings = {row.name, *(f"{name} {row.strength}" for name in names)}
    spellings |= {f"{name} {row.strength} {row.form}" for name in names}
    return {_normalize_name(" ".join(text.split())) for text in spellings}
