"""Alternatives to a medicine with a serious alert: medicines of the same use, checked, with their stock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hms.core.text.translation import Sentence
from hms.formulary.dosing import product_text
from hms.formulary.dosing.doses import SentencePart
from hms.formulary.medicines import catalogue
from hms.formulary.medicines import queries as formulary
from hms.formulary.rule_book import current_rules
from hms.formulary.safety import checks as safety
from hms.formulary.safety.dose_limits import find_high_alert_group
from hms.formulary.safety.medicine_facts import Medicine

from . import patient_context
from .order import Order, run_checks

MAX_COUNT = 4


@dataclass(frozen=True)
class Alternative:
    """A usual dose without a serious alert. `value` selects it in the form; `cautions` are its other alerts."""

    value: str
    parts: tuple[SentencePart, ...]
    stock: int
    label: str
    cautions: tuple[Sentence, ...]


def find_alternatives(
    ordered: Order, patient_id: int, encounter_id: int, except_id: int | None = None
) -> list[Alternative]:
    """At most `MAX_COUNT` alternatives by the same route, one for each medicine: in stock first, then without cautions. A
    high-alert medicine is offered only in place of another dose of itself: one insulin is no other insulin.

    `except_id` is the id of the line that is being changed.
    """
    if ordered.product is None:
        return []
    same_use = _ingredients_of_same_use(ordered.product.ingredients)
    context = patient_context.load_safety_context(patient_id, encounter_id)
    alternatives: dict[tuple[str, ...], Alternative] = {}
    for row in formulary.list_usual_doses(same_use, ordered.product.route, context.dose_facts):
        order = Order(row.product, product_text.full_name(row.product), product_text.build_dose(row), row.id)
        if tuple(row.product.ingredients) in alternatives or _is_other_high_alert(order, ordered):
            continue
        checks = run_checks(order, patient_id, encounter_id, except_id=except_id, known=context)
        if not safety.list_stops(checks):
            alternatives[tuple(row.product.ingredients)] = _alternative(order, row.label, safety.list_alerts(checks))
    ranked = sorted(alternatives.values(), key=lambda option: (option.stock == 0, bool(option.cautions)))
    return ranked[:MAX_COUNT]


def _is_other_high_alert(offered: Order, ordered: Order) -> bool:
    """Whether the offered medicine is a high-alert one, and not the ordered one in another strength or dose."""
    if _kind(offered.product) == _kind(ordered.product):
        return False
    medicine = Medicine.from_record(offered.product)
    return find_high_alert_group(medicine, offered.dose, current_rules.load_knowledge())[0] is not None


def _kind(product: Any) -> str:
    return (product.generic_name or product.name).casefold()


def _ingredients_of_same_use(ingredients: list[str]) -> list[str]:
    """`ingredients`, because another dose of them may be safe, and all ingredients of the same uses."""
    uses = [use.ingredients for use in catalogue.load_uses() if set(use.ingredients) & set(ingredients)]
    return list(dict.fromkeys([*ingredients, *(name for use in uses for name in use)]))


def _alternative(order: Order, label: str, alerts: list) -> Alternative:
    return Alternative(
        value=f"s:{order.sentence_id}",
        parts=product_text.build_dose_sentence(order.product, order.dose),
        stock=order.product.current_stock,
        label=label,
        cautions=tuple(alert.message for alert in alerts if alert.tier == "caution"),
    )
