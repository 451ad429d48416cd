"""What may be given instead of a medicine that a safety check stops: of the same use, checked, with its stock."""

from __future__ import annotations

from dataclasses import dataclass

from hms.core.text.translation import Sentence
from hms.formulary.dosing import product_text
from hms.formulary.dosing.doses import SentencePart
from hms.formulary.medicines import catalogue
from hms.formulary.medicines import queries as formulary
from hms.formulary.safety import checks as safety

from . import patient_context
from .order import Order, run_checks

MAX_COUNT = 4


@dataclass(frozen=True)
class Alternative:
    """A usual dose that nothing stops. `value` chooses it; `cautions` are the alerts that it brings all the same."""

    value: str
    parts: tuple[SentencePart, ...]
    stock: int
    label: str
    cautions: tuple[Sentence, ...]


def find_alternatives(ordered: Order, patient_id: int, encounter_id: int, besides: int | None = None) -> list[Alternative]:
    """At most four, one for each medicine: in stock first, then without cautions, then in the order of the list."""
    if ordered.product is None:
        return []
    same_use = _ingredients_of_same_use(ordered.product.ingredients)
    known = patient_context.load_safety_context(patient_id, encounter_id)
    found: dict[tuple[str, ...], Alternative] = {}
    for row in formulary.list_usual_doses(same_use, ordered.product.route, known.person.age_years):
        one = Order(row.product, product_text.full_name(row.product), product_text.build_dose(row), row.id)
        if tuple(row.product.ingredients) in found:
            continue
        checks = run_checks(one, patient_id, encounter_id, besides=besides, known=known)
        if not safety.list_stops(checks):
            found[tuple(row.product.ingredients)] = _alternative(one, row.label, safety.list_alerts(checks))
    ranked = sorted(found.values(), key=lambda one: (one.stock == 0, bool(one.cautions)))
    return ranked[:MAX_COUNT]


def _ingredients_of_same_use(ingredients: list[str]) -> list[str]:
    """The ingredients of every use that one of `ingredients` has, and they themselves (a dose may have been the fault)."""
    uses = [use.ingredients for use in catalogue.load_uses() if set(use.ingredients) & set(ingredients)]
    return list(dict.fromkeys([*ingredients, *(name for use in uses for name in use)]))


def _alternative(one: Order, label: str, alerts: list) -> Alternative:
    return Alternative(
        value=f"s:{one.sentence_id}",
        parts=product_text.build_dose_sentence(one.product, one.dose),
        stock=one.product.current_stock,
        label=label,
        cautions=tuple(alert.message for alert in alerts if alert.tier == "caution"),
    )
