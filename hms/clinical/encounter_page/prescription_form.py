"""The medicine fields of the encounter page: read, check and save the prescription in them."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext

from hms.clinical.forms import EncounterForm
from hms.clinical.models import Encounter, Prescription
from hms.clinical.prescriptions import actions, alternatives, patient_context
from hms.clinical.prescriptions.order import Order, parse_order, run_checks
from hms.clinical.prescriptions.stored_checks import list_answered
from hms.clinical.reason_boxes import ORDER
from hms.core.db.session import get_or_not_found
from hms.core.errors import RuleBroken
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.core.web.localisation import translate_error
from hms.formulary.dosing import custom_dose, product_text
from hms.formulary.dosing.doses import Dose, join_parts
from hms.formulary.dosing.instructions import join_instructions, split_instructions
from hms.formulary.dosing.strengths import format_amount
from hms.formulary.medicines import queries as formulary
from hms.formulary.safety.reasons import STOP, Question, Reason, list_questions

DOSE_FIELDS = {
    "short": "rx_dose",
    "amount": "rx_amount",
    "unit": "rx_unit",
    "route": "rx_route",
    "frequency": "rx_frequency",
    "as_needed": "rx_as_needed",
    "duration": "rx_days",
    "maximum": "rx_most",
}


def typed_dose(form: EncounterForm) -> custom_dose.DoseInput:
    """The dose fields as typed, without the instructions in the short form."""
    typed = {part: form[name].data or "" for part, name in DOSE_FIELDS.items()}
    return custom_dose.DoseInput(**typed | {"short": split_instructions(typed["short"])[0]})


def _instructions(form: EncounterForm) -> str:
    """The field of the instructions, and those that stand in the short form of the dose."""
    return join_instructions(form.rx_instructions.data or "", split_instructions(form.rx_dose.data or "")[1])


def read_order(form: EncounterForm) -> dict[str, Any]:
    """The order in the fields, as arguments of the prescribing actions; raises `RuleBroken` for an unreadable dose."""
    typed = typed_dose(form)
    if form.sentence_id:
        return {"sentence_id": form.sentence_id} | ({} if typed.is_empty else {"dose": _read_dose(form, typed)})
    named = {"medication_id": form.medication_id} if form.medication_id else {"medication_name": form.rx.data or ""}
    if _find_product(form) is None:
        return named | custom_dose.describe_unlisted_medicine(typed)
    return named | {"dose": _read_dose(form, typed)}


def _read_dose(form: EncounterForm, typed: custom_dose.DoseInput) -> Dose | None:
    product = _find_product(form)
    return custom_dose.parse_dose(typed, product) if product is not None else None


def _find_product(form: EncounterForm) -> Any | None:
    """The formulary medicine that is chosen or exactly named; None when there is none."""
    if form.sentence_id:
        usual = formulary.get_dose_sentence(form.sentence_id)
        return formulary.get_medication(usual.medication_id) if usual else None
    if form.medication_id:
        return formulary.get_medication(form.medication_id)
    return formulary.find_medication_by_text(form.rx.data or "")


def save_line(form: EncounterForm, encounter: Encounter, _target: str, by: Person) -> None:
    """Add a prescription, or save the one that is being changed."""
    _save(
        form,
        encounter,
        by,
        instructions=_instructions(form),
        indication=form.rx_indication.data or "",
        quantity=form.rx_quantity.data,
        **read_order(form),
    )


def add_alternative(form: EncounterForm, encounter: Encounter, target: str, by: Person) -> None:
    """Prescribe the usual dose that the alert offered as an alternative."""
    form.rx_choice.data = target
    if form.sentence_id is None:
        raise RuleBroken(N_("This dose is no longer available. Choose again."), "medication_name")
    _save(form, encounter, by, sentence_id=form.sentence_id)


def _save(form: EncounterForm, encounter: Encounter, by: Person, **order_fields: Any) -> None:
    reasons = {"reasons": form.why.reasons(ORDER)}
    line_id = form.rx_line.data
    if line_id is None:
        actions.prescribe(encounter.id, by=by, **order_fields, **reasons)
        return
    _get_draft_line(line_id, encounter)
    actions.change_prescription(line_id, version=form.rx_version.data, by=by, **order_fields, **reasons)


def _get_draft_line(line_id: int, encounter: Encounter) -> Prescription:
    line = get_or_not_found(Prescription, line_id)
    if line.encounter_id != encounter.id or line.status != "draft":
        raise RuleBroken(
            N_("This prescription no longer exists. Clear the fields and add the medicine again."), "medication"
        )
    return line


def load_line(form: EncounterForm, encounter: Encounter, line_id: int) -> None:
    """Fill the fields with a draft prescription; raises `RuleBroken` while another medicine is in them."""
    if (form.rx.data or "").strip() and form.rx_line.data != line_id:
        raise RuleBroken(N_("Add or clear this medicine before you change another one."), "medication_name")
    line = _get_draft_line(line_id, encounter)
    product = formulary.get_medication(line.medication_id) if line.medication_id else None
    dose = patient_context.dose_of(line)
    form.rx_line.data, form.rx_line.raw_data = line.id, None
    form.rx_version.data, form.rx_version.raw_data = line.version, None
    form.rx.data = product_text.full_name(product) if product is not None else line.medication_name
    form.rx_choice.data = f"m:{product.id}" if product is not None else ""
    shown = (
        custom_dose.dose_to_input(dose)
        if dose
        else custom_dose.DoseInput(short=line.dosage, frequency=line.frequency_code)
    )
    for part, name in DOSE_FIELDS.items():
        form[name].data = getattr(shown, part)
    is_calculated = dose is not None and product is not None and Order(product, "", dose).supply == line.quantity
    form.rx_quantity.data = None if is_calculated else line.quantity
    form.rx_quantity.typed = None
    form.rx_instructions.data, form.rx_indication.data = line.instructions, line.indication
    form.why.prefill(ORDER, {each.key: Reason(each.code, each.text) for each in list_answered(line)})
    form.rx_asked.data = "1" if line.override_code else ""


def find_stops(form: EncounterForm, encounter: Encounter) -> list[Question]:
    """The serious alerts for the order in the fields; none when the fields cannot be read."""
    try:
        ordered = parse_order(**read_order(form))
    except RuleBroken:
        return []
    checks = run_checks(ordered, encounter.patient_id, encounter.id, except_id=form.rx_line.data)
    return [question for question in list_questions(checks) if question.kind == STOP]


def safe_alternatives(form: EncounterForm, encounter: Encounter) -> list[alternatives.Alternative]:
    """Medicines of the same use without a serious alert."""
    try:
        ordered = parse_order(**read_order(form))
    except RuleBroken:
        return []
    return alternatives.find_alternatives(ordered, encounter.patient_id, encounter.id, form.rx_line.data)


def preview(form: EncounterForm) -> dict[str, Any]:
    """For the page's script: the order as a sentence, its supply and all dose fields, or the error and its field."""
    product = _find_product(form)
    if product is None:
        return {"sentence": "", "fields": {}}
    usual_fields = {"rx_unit": product.unit, "rx_route": product.route}
    try:
        order_fields = read_order(form)
        ordered = parse_order(**order_fields)
    except RuleBroken as refusal:
        field = EncounterForm.BLAMED.get(refusal.field or "", refusal.field)
        return {"sentence": "", "fields": usual_fields, "problem": translate_error(refusal), "blamed": field}
    if ordered.dose is None:
        return {"sentence": "", "fields": usual_fields}
    shown = custom_dose.dose_to_input(ordered.dose)
    supply = format_amount(ordered.supply, product.unit) if ordered.supply else ""
    said = [join_parts(product_text.build_dose_sentence(product, ordered.dose)), _instructions(form)]
    return {
        "sentence": " — ".join(part for part in said if part),
        "supply": gettext("supply %(amount)s", amount=supply) if supply else "",
        "fields": {name: getattr(shown, part) for part, name in DOSE_FIELDS.items() if part != "short"},
    }
