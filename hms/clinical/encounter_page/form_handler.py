"""Fill the form of the encounter page, run the step of its button, keep unsaved fields as a draft."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from hms.clinical import copy_forward, page_extensions, signing
from hms.clinical.diagnoses import actions as diagnosis_actions
from hms.clinical.encounters import drafts, rules
from hms.clinical.forms import EncounterForm
from hms.clinical.models import Encounter
from hms.clinical.note_templates import actions as template_actions
from hms.clinical.order_sets import actions as order_set_actions
from hms.clinical.prescriptions import actions as prescription_actions
from hms.clinical.problems import actions as problem_actions
from hms.clinical.reason_boxes import ORDER, SIGNATURE, ReasonBoxes, read_boxes
from hms.core.errors import RuleBroken
from hms.core.person import Person
from hms.core.text.formatting import format_date
from hms.core.text.numbers import parse_record_id
from hms.core.text.translation import N_
from hms.core.web.forms import RecordIdField

from . import page_data, prescription_form

DRAFT_FIELDS = (*EncounterForm.TEXTS, *EncounterForm.PENDING, "follow_up_on")
MAX_LENGTH = 100_000


def record_fields(form: EncounterForm) -> dict[str, Any]:
    """The texts and the follow-up date, as `save_encounter` takes them."""
    return {name: form[name].data for name in form.TEXTS} | {"follow_up_on": form.follow_up_on.data}


def draft_fields(form: EncounterForm) -> dict[str, str]:
    """All typed fields, to save as a draft."""
    return {name: form.shown(name) for name in DRAFT_FIELDS}


def known_fields(typed: dict[str, Any]) -> dict[str, str]:
    """The known draft fields in the JSON that the page's script sent, each at most `MAX_LENGTH` long."""
    known = {
        name: str(value)[:MAX_LENGTH]
        for name, value in typed.items()
        if name in DRAFT_FIELDS and name != "why" and isinstance(value, (str, int))
    }
    boxes = read_boxes(typed)
    return known | ({"why": json.dumps(boxes)} if boxes else {})


def page_state(form: EncounterForm) -> drafts.PageState:
    """The open page that sent the form."""
    opened = form.merging.marks() if form.merging else {}
    return drafts.PageState(form.page.data or "", form.came.data or "", form.version.data or 0, opened)


def stored_values(encounter: Encounter) -> dict[str, Any]:
    """The record's texts and follow-up date as the fields of the form."""
    return {name: getattr(encounter, name) for name in (*EncounterForm.TEXTS, "follow_up_on", "version")}


def fill_form(
    encounter_page: page_data.EncounterPage, *, page: str = "", wanted: str = ""
) -> tuple[EncounterForm, drafts.UnsavedText | None]:
    """The form with the record's texts, replaced by unsaved ones; and the unsaved text when it differs from the record.

    The unsaved text is that of `page` (an open page after saving), else of the page `wanted`, else the last saved one.
    """
    encounter = encounter_page.encounter
    start = stored_values(encounter) | {"patient_id": encounter.patient_id, "page": page[:40] or drafts.new_page_id()}
    form = EncounterForm(formdata=None, data=start)
    form.merge_with(lambda: stored_values(encounter))
    last = encounter_page.unsaved[0] if encounter_page.unsaved and not page else None
    typed = next((text for text in encounter_page.unsaved if text.page == (page or wanted)), last)
    if typed is None:
        return form, None
    form.came.data = typed.at
    for name in DRAFT_FIELDS:
        if name in typed.fields:
            _set_field(form[name], typed.fields[name])
    if typed.opened or 0 < typed.version < encounter.version:
        form.version.data = typed.version
        form.merge_with(lambda: stored_values(encounter), opened=typed.opened)
        form.merging.apply()
    saved_day = format_date(encounter.follow_up_on) if encounter.follow_up_on else ""
    is_other_day = typed.fields.get("follow_up_on", saved_day) != saved_day
    return form, typed if is_other_day or drafts.changed_fields(encounter, typed.fields) or _has_cleared_text(
        encounter_page, typed
    ) else None


def _has_cleared_text(encounter_page: page_data.EncounterPage, typed: drafts.UnsavedText) -> bool:
    """Whether the unsaved text clears a text of the record."""
    return any(typed.fields.get(name) == "" and getattr(encounter_page.encounter, name) for name in EncounterForm.TEXTS)


def describe_unsaved(
    unsaved_texts: Iterable[drafts.UnsavedText], encounter: Encounter
) -> list[tuple[drafts.UnsavedText, list[tuple[str, str]]]]:
    """Each unsaved text with (label, text) of the fields that differ from the record."""
    return [
        (unsaved, [(_label(name), unsaved.fields[name]) for name in _fields_to_show(unsaved, encounter)])
        for unsaved in unsaved_texts
    ]


def _label(name: str) -> Any:
    return getattr(EncounterForm, name).args[0]


def _fields_to_show(unsaved: drafts.UnsavedText, encounter: Encounter) -> list[str]:
    names = drafts.changed_fields(encounter, unsaved.fields)
    return [
        *names,
        *(name for name in ("dx", "rx", "rx_dose", "rx_instructions", "rx_indication") if unsaved.fields.get(name)),
    ]


def _set_field(field: Any, text: str) -> None:
    if isinstance(field, RecordIdField):
        field.data = parse_record_id(text)
    elif isinstance(field, ReasonBoxes):
        field.restore(text)
    elif hasattr(field, "typed"):
        field.typed = text
    else:
        field.data = text


def _target_id(target: str) -> int:
    """The record id in a button's value; 0, which no record has, when there is none."""
    return parse_record_id(target) or 0


def _add_diagnosis(form: EncounterForm, encounter: Encounter, _target: str, by: Person) -> None:
    certainty = form.dx_certainty.data if form.dx_certainty.data in rules.CERTAINTIES else "provisional"
    diagnosis_actions.add_condition(
        encounter.id, text=form.dx.data or "", code=form.dx_code.data or "", certainty=certainty, by=by
    )


def _remove_diagnosis(_form: EncounterForm, encounter: Encounter, target: str, by: Person) -> None:
    diagnosis_actions.remove_condition(_target_id(target), encounter_id=encounter.id, by=by)


def _make_primary(_form: EncounterForm, encounter: Encounter, target: str, by: Person) -> None:
    diagnosis_actions.make_primary(_target_id(target), encounter_id=encounter.id, by=by)


def _make_confirmed(_form: EncounterForm, encounter: Encounter, target: str, by: Person) -> None:
    diagnosis_actions.set_certainty(_target_id(target), "confirmed", encounter_id=encounter.id, by=by)


def _make_provisional(_form: EncounterForm, encounter: Encounter, target: str, by: Person) -> None:
    diagnosis_actions.set_certainty(_target_id(target), "provisional", encounter_id=encounter.id, by=by)


def _list_diagnosis(_form: EncounterForm, encounter: Encounter, target: str, by: Person) -> None:
    problem_actions.list_diagnosis(_target_id(target), encounter_id=encounter.id, by=by)


def _edit_line(form: EncounterForm, encounter: Encounter, target: str, _by: Person) -> None:
    prescription_form.load_line(form, encounter, _target_id(target))


def _remove_line(_form: EncounterForm, encounter: Encounter, target: str, by: Person) -> None:
    prescription_actions.remove_prescription(_target_id(target), encounter_id=encounter.id, by=by)


def _copy(form: EncounterForm, encounter: Encounter, _target: str, by: Person) -> None:
    ticked = copy_forward.CopySelection(*(tuple(form[name].data or ()) for name in ("copy_rx", "copy_dx", "copy_note")))
    form.left_out = copy_forward.copy_forward(encounter.id, ticked, by=by)


def _apply_order_set(form: EncounterForm, encounter: Encounter, _target: str, by: Person) -> None:
    order_set_id = parse_record_id(form.order_set.data or "")
    if order_set_id is None:
        raise RuleBroken(N_("Choose the order set."), "order_set")
    _added, refused = order_set_actions.apply_order_set(encounter.id, order_set_id, by=by)
    form.left_out = [reason for _line, reason in refused]


def _repeat(form: EncounterForm, encounter: Encounter, target: str, by: Person) -> None:
    form.left_out = copy_forward.copy_forward(
        encounter.id, copy_forward.CopySelection(prescriptions=(_target_id(target),)), by=by
    )


def _sign(form: EncounterForm, encounter: Encounter, target: str, by: Person) -> None:
    if (form.rx.data or "").strip():
        raise RuleBroken(N_("Add or clear this medicine before you sign."), "medication_name")
    if (form.test.data or "").strip():
        raise RuleBroken(N_("Order this test or clear the field before you sign."), "test")
    if (form.dx.data or "").strip():
        _add_diagnosis(form, encounter, target, by)
    asks_birth_year = signing.must_ask_birth_year(page_data.get_patient(encounter), by)
    signing.sign(
        encounter.id,
        birth_year=form.birth_year.data or "" if asks_birth_year else None,
        reasons=form.why.reasons(SIGNATURE),
        by=by,
    )


STEPS: dict[str, Callable[[EncounterForm, Encounter, str, Person], None]] = {
    "add_dx": _add_diagnosis,
    "remove_dx": _remove_diagnosis,
    "primary_dx": _make_primary,
    "confirm_dx": _make_confirmed,
    "doubt_dx": _make_provisional,
    "list_dx": _list_diagnosis,
    "add_rx": prescription_form.save_line,
    "take_rx": prescription_form.add_alternative,
    "edit_rx": _edit_line,
    "remove_rx": _remove_line,
    "add_set": _apply_order_set,
    "copy": _copy,
    "repeat_rx": _repeat,
    "sign": _sign,
    "sign_next": _sign,
}


def run_button(do: str, target: str, form: EncounterForm, encounter: Encounter, by: Person) -> None:
    """Run the step of the pressed button; an unknown button does nothing."""
    step = STEPS.get(do) or page_extensions.get_step(do)
    if step is not None:
        step(form, encounter, target, by)


def insert_template(form: EncounterForm, by: Person) -> None:
    """Append the chosen template to the typed note; nothing is saved."""
    template_id = parse_record_id(form.template.data or "")
    if template_id is not None:
        content = template_actions.get_readable(template_id, by).content
        form.notes.data = "\n".join(part for part in (form.notes.data, content) if part)


def save_pending_fields(encounter_id: int, form: EncounterForm, do: str, by: Person) -> None:
    """After saving, keep a diagnosis, medicine or test that is not added yet as a draft."""
    of_medicine = dict.fromkeys(("add_rx", "take_rx", "clear_rx"), form.RX)
    done = {"add_dx": form.DX, **of_medicine, "sign": DRAFT_FIELDS, "sign_next": DRAFT_FIELDS}.get(
        do, page_extensions.fields_cleared_by(do)
    )
    if do in of_medicine:
        form.why.forget(ORDER)
    typed = draft_fields(form)
    pending = {name: typed[name] for name in form.PENDING if typed[name] and name not in done}
    if pending.keys() - {"dx_certainty", "rx_unit", "rx_route"}:
        drafts.save(encounter_id, by, pending, page_state(form))
