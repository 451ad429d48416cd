"""Parse an order and run its safety checks. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.text.translation import N_, Sentence, joined
from hms.formulary.dosing import product_text, shorthand
from hms.formulary.dosing.doses import Dose
from hms.formulary.dosing.instructions import split_instructions
from hms.formulary.dosing.quantities import calculate_supply
from hms.formulary.dosing.rewriting import check_amount_text
from hms.formulary.dosing.routes import check_counted_unit, check_route, read_route
from hms.formulary.medicines import queries as formulary
from hms.formulary.rule_book import current_rules
from hms.formulary.safety import checks as safety
from hms.formulary.safety.alerts import CheckResult
from hms.formulary.safety.knowledge import Knowledge
from hms.formulary.safety.medicine_facts import Medicine

from . import patient_context

UNKNOWN_FORM = N_("The form of %(medicine)s is not known. The route was not checked.")
NOT_READ = N_("The words of the dose of %(medicine)s were not read.")
RENEWAL_WINDOW = timedelta(days=7)


@dataclass(frozen=True)
class Order:
    """An order: a formulary product or only a name, and the structured dose, if any."""

    product: Any | None
    name: str
    dose: Dose | None
    sentence_id: int | None = None
    is_route_compared: bool = True
    """Whether the route was compared with the form. It is not when the form is not known."""
    unread: Sentence | None = None
    """Why the texts of the dose were not read, and what to write instead."""

    @property
    def supply(self) -> int | None:
        """Units of the product for the whole course; None when it cannot be calculated."""
        if self.product is None or self.dose is None:
            return None
        return calculate_supply(self.dose, self.product.strength, self.product.unit, self.product.unit_holds)


def parse_order(
    *,
    sentence_id: int | None = None,
    medication_id: int | None = None,
    medication_name: str = "",
    dose: Dose | None = None,
    dosage: str = "",
    frequency: str = "",
    duration: str = "",
    route: str = "",
) -> Order:
    """The order that the ids and texts describe; `route` is a word or a key of `ROUTES`, "" as usual.

    Raises `RuleBroken` for an unknown `sentence_id`, `medication_id` or `route`, when no medicine is named, for an amount
    of zero or below, for a route by which the form of the medicine cannot be given, and for a dose in a unit in which the
    form is not counted.
    """
    check_amount_text(dosage, "dosage")
    named = read_route(route)
    order = _find_order(sentence_id, medication_id, medication_name, dose, (dosage, frequency, duration), named)
    if order.product and dose:
        check_counted_unit(order.product, dose.unit)
    texts = f"{route} {dosage} {frequency}"
    route = order.dose.route if order.dose else named
    return replace(order, is_route_compared=check_route(order.product, route, texts, name=order.name))


def _find_order(
    sentence_id: int | None,
    medication_id: int | None,
    medication_name: str,
    dose: Dose | None,
    texts: tuple[str, str, str],
    route: str,
) -> Order:
    if sentence_id is not None:
        usual = formulary.get_dose_sentence(sentence_id)
        if usual is None:
            raise RuleBroken(N_("This dose is no longer available. Choose again."), "medication_name")
        product = formulary.get_medication(usual.medication_id)
        return Order(product, product_text.full_name(product), dose or product_text.build_dose(usual), sentence_id)
    if medication_id is not None:
        product = formulary.get_medication(medication_id)
        if product is None or not product.is_active:
            raise RuleBroken(N_('Invalid pk "%(id)s" - object does not exist.'), "medication", id=medication_id)
    else:
        product = formulary.find_medication_by_text(medication_name, texts[0])
    name = medication_name.strip() or (product_text.full_name(product) if product else "")
    if not name:
        raise RuleBroken(N_("Choose or enter the medicine."), "medication_name")
    unread = None
    if dose is None:
        dose, unread = _read_dose(product, *texts, route)
    return Order(product, name, dose, unread=unread)


def _read_dose(
    product: Any | None, dosage: str, frequency: str, duration: str, route: str
) -> tuple[Dose | None, Sentence | None]:
    """The dose that the texts give together, or why they are not clear. Words that say how it is taken do not change it.

    Raises `RuleBroken` for two frequencies ("10 mg x 5" once a day), of which nobody knows which one is meant, and for a
    count that nobody takes ("25 tablets bd", "2.3 tablets", "500" without a unit).
    """
    if product is None or not dosage:
        return None, None
    typed, _instructions = split_instructions(f"{dosage} {frequency} {shorthand.with_days(duration)}")
    try:
        dose = shorthand.parse_shorthand(typed, default_route=route or product.route, default_unit=product.unit)
        check_counted_unit(product, dose.unit)
    except RuleBroken as refusal:
        if refusal.code in shorthand.NEVER_TEXT:
            is_frequency = refusal.code == shorthand.TWO_FREQUENCIES and frequency
            raise RuleBroken.from_error(refusal, "frequency" if is_frequency else "dosage") from refusal
        return None, refusal.sentence
    return dose, None


def run_checks(
    ordered: Order,
    patient_id: int,
    encounter_id: int | None,
    *,
    except_id: int | None = None,
    known: patient_context.SafetyContext | None = None,
) -> tuple[CheckResult, ...]:
    """All safety checks of one order for one patient.

    `except_id` is the id of the line that is being changed; it is not compared with itself. `known` saves loading the
    patient's facts again.
    """
    context = known or patient_context.load_safety_context(patient_id, encounter_id)
    knowledge = current_rules.load_knowledge()
    medicine = _facts_of(ordered, knowledge)
    others = [
        current
        for order, current in context.running
        if order.id != except_id and not _is_renewal(order, ordered, encounter_id)
    ]
    route = ordered.dose.route if ordered.dose else medicine.route
    checks = safety.check_medicine(
        *(medicine, ordered.dose, context.person, context.allergies, others, knowledge),
        kidneys=context.kidneys if knowledge.find_kidney_rules(medicine, route) else None,
        illnesses=context.illnesses if medicine.pregnancy or knowledge.find_illness_rules(medicine, route) else None,
    )
    if ordered.unread is not None:
        unread = joined((Sentence(NOT_READ, medicine=ordered.name), ordered.unread))
        checks = (*checks, CheckResult.not_run("dose_text", unread, needs_reason=False))
    if ordered.is_route_compared:
        return checks
    unknown = Sentence(UNKNOWN_FORM, medicine=ordered.name)
    return (*checks, CheckResult.not_run("route", unknown, needs_reason=False))


def _facts_of(ordered: Order, knowledge: Knowledge) -> Medicine:
    if ordered.product is None:
        return safety.medicine_from_text(ordered.name, knowledge)
    return Medicine.from_record(ordered.product, ordered.name)


def _is_renewal(earlier: Any, ordered: Order, encounter_id: int | None) -> bool:
    """Whether the order renews an earlier one of the same product that ends within `RENEWAL_WINDOW`."""
    if ordered.product is None or earlier.medication_id != ordered.product.id or earlier.encounter_id == encounter_id:
        return False
    if earlier.signed_at is None:
        return False
    ends = earlier.signed_at + timedelta(days=earlier.days or patient_context.COURSE_DAYS)
    return ends - clock.now() <= RENEWAL_WINDOW and clock.now() - earlier.signed_at > timedelta(days=1)
