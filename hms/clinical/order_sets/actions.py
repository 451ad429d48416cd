"""Prescribe the medicines of an order set."""

from __future__ import annotations

from typing import Any

from hms.clinical.models import Encounter, NoteTemplate, Prescription
from hms.clinical.note_templates import actions as templates
from hms.clinical.note_templates.order_lines import OrderLine, describe_refusal, read_line, split_lines
from hms.clinical.prescriptions import actions as prescriptions
from hms.clinical.prescriptions import patient_context
from hms.clinical.prescriptions.refused_alerts import note_refusal
from hms.core.actions import action
from hms.core.db.session import get_or_not_found
from hms.core.errors import NotFound, RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_, Sentence
from hms.formulary.medicines import queries as formulary
from hms.formulary.safety.reasons import ReasonMissing

NO_USUAL_DOSE = N_("The formulary has no usual dose for this patient. Add the medicine with a dose.")


def get_order_set(template_id: int, who: Person) -> NoteTemplate:
    """An order set that `who` may use; raises `NotFound`."""
    order_set = templates.get_readable(template_id, who)
    if order_set.kind != templates.ORDERS:
        raise NotFound(N_("This order set does not exist."))
    return order_set


@action(Permission.PRESCRIBE, "clinical.apply_order_set")
def apply_order_set(
    encounter_id: int, template_id: int, *, by: Person
) -> tuple[list[Prescription], list[tuple[str, Sentence]]]:
    """Prescribe each line of an order set as a draft. Returns the new prescriptions, and the lines that were not added with
    the reason: a safety check stopped them, or the formulary does not have them any more."""
    order_set = get_order_set(template_id, by)
    encounter = get_or_not_found(Encounter, encounter_id)
    patient = patient_context.load_dose_facts(encounter.patient_id)
    added, refused = list[Prescription](), list[tuple[str, Sentence]]()
    for text in split_lines(order_set.content):
        try:
            ordered = _order_fields(read_line(text), patient)
            added.append(prescriptions.prescribe(encounter_id, **ordered, by=by))
        except RuleBroken as refusal:
            if isinstance(refusal, ReasonMissing):
                note_refusal(encounter_id, refusal)
            refused.append((text, describe_refusal(text, refusal)))
    return added, refused


def _order_fields(line: OrderLine, patient: Any) -> dict[str, Any]:
    if line.dose is not None:
        return {"medication_id": line.product.id, "dose": line.dose, "instructions": line.instructions}
    usual = formulary.list_usual_doses(list(line.product.ingredients), line.product.route, patient)
    of_product = next((dose for dose in usual if dose.product.id == line.product.id), None)
    if of_product is None:
        raise RuleBroken(NO_USUAL_DOSE)
    return {"sentence_id": of_product.id}
