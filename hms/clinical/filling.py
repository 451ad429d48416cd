"""Between the encounter page's form and the record: what is filled in, what a button does, what stays a draft."""

from __future__ import annotations

from typing import Any

from hms.clinical import rules
from hms.core import drafts
from hms.core.errors import RuleBroken
from hms.core.format import day
from hms.core.people import Person
from hms.core.words import _
from hms.formulary import queries as formulary
from hms.formulary import shorthand
from hms.formulary.dosing import Dose

from . import actions, page
from .encounters import draft_name
from .forms import EncounterForm
from .models import Encounter

KEPT = (
    *EncounterForm.TEXTS,
    *EncounterForm.PENDING,
    "follow_up_on",
    "dx_certainty",
    "override_code",
    "override_reason",
)
LONGEST = 20_000


def texts(form: EncounterForm) -> dict[str, Any]:
    """The texts of the record."""
    return {name: form[name].data for name in form.TEXTS} | {"follow_up_on": form.follow_up_on.data}


def content(form: EncounterForm) -> dict[str, str]:
    """Everything typed, as a draft keeps it."""
    return {name: form[name]._value() if hasattr(form[name], "_value") else form[name].data or "" for name in KEPT}


def known(typed: dict[str, Any]) -> dict[str, str]:
    """The fields of the page among what a browser sent for its draft."""
    return {
        name: str(value)[:LONGEST] for name, value in typed.items() if name in KEPT and isinstance(value, (str, int))
    }


def filled(seen: page.EncounterPage) -> tuple[EncounterForm, Any]:
    """The form with the record's texts, or with those of an unfinished draft, and when that draft was kept."""
    encounter = seen.encounter
    start = {name: getattr(encounter, name) for name in EncounterForm.TEXTS}
    start |= {"follow_up_on": encounter.follow_up_on, "version": encounter.version, "patient_id": encounter.patient_id}
    form = EncounterForm(formdata=None, data=start)
    if seen.draft is None:
        return form, None
    kept = seen.draft.content
    written = {
        name: day(encounter.follow_up_on) if name == "follow_up_on" and encounter.follow_up_on else "" for name in KEPT
    }
    written |= {name: getattr(encounter, name) for name in EncounterForm.TEXTS}
    is_other = any(name in kept and kept[name] != written[name] for name in (*EncounterForm.TEXTS, "follow_up_on"))
    for name in KEPT:
        if name in kept:
            _put(form[name], kept[name])
    return form, seen.draft.saved_at if is_other else None


def _put(field: Any, text: str) -> None:
    if hasattr(field, "typed"):
        field.typed = text
    else:
        field.data = text


def step(do: str, target: str, form: EncounterForm, encounter: Encounter, by: Person) -> None:
    """What the pressed button does beside saving the texts."""
    number = int(target) if target.isascii() and target.isdigit() and len(target) < 19 else 0
    if do == "add_dx":
        _diagnose(form, encounter, by)
    elif do == "remove_dx":
        actions.remove_condition(number, encounter_id=encounter.id, by=by)
    elif do == "primary_dx":
        actions.make_primary(number, encounter_id=encounter.id, by=by)
    elif do in ("confirm_dx", "doubt_dx"):
        certainty = "confirmed" if do == "confirm_dx" else "provisional"
        actions.set_certainty(number, certainty, encounter_id=encounter.id, by=by)
    elif do == "add_rx":
        _prescribe(form, encounter, by)
    elif do == "remove_rx":
        actions.remove_prescription(number, encounter_id=encounter.id, by=by)
    elif do in ("sign", "sign_next"):
        _sign(form, encounter, by)


def _diagnose(form: EncounterForm, encounter: Encounter, by: Person) -> None:
    certainty = form.dx_certainty.data if form.dx_certainty.data in rules.CERTAINTIES else "provisional"
    actions.add_condition(
        encounter.id, text=form.dx.data or "", code=form.dx_code.data or "", certainty=certainty, by=by
    )


def _prescribe(form: EncounterForm, encounter: Encounter, by: Person) -> None:
    what: dict[str, Any] = {"medication_name": form.rx.data or ""}
    if form.sentence_id:
        what = {"sentence_id": form.sentence_id}
    elif form.medication_id:
        what = {"medication_id": form.medication_id}
    what |= _dose(form, what)
    actions.prescribe(
        encounter.id,
        quantity=form.rx_quantity.data,
        instructions=form.rx_instructions.data or "",
        override_code=form.override_code.data or "",
        override_reason=form.override_reason.data or "",
        by=by,
        **what,
    )


def _dose(form: EncounterForm, what: dict[str, Any]) -> dict[str, Any]:
    """The dose that was written instead of a usual one; free text stays as it is written."""
    typed = form.rx_dose.data or ""
    if "sentence_id" in what and not typed:
        return {}
    product = _product(form)
    if product is None:
        return {"dosage": typed[:100]}
    if not typed:
        raise RuleBroken(_("Write the dose, for example 500 mg tds 5/7 po."), "dose")
    return {"dose": _read(typed, product)}


def _product(form: EncounterForm) -> Any | None:
    if form.sentence_id:
        usual = formulary.dose_sentence(form.sentence_id)
        return formulary.medication(usual.medication_id) if usual else None
    if form.medication_id:
        return formulary.medication(form.medication_id)
    return formulary.medication_named(form.rx.data or "")


def _read(typed: str, product: Any) -> Dose:
    return shorthand.parse(typed, default_route=product.route, default_unit=product.unit)


def _sign(form: EncounterForm, encounter: Encounter, by: Person) -> None:
    if (form.rx.data or "").strip():
        raise RuleBroken(_("Add this medicine or clear it before you sign."), "medication_name")
    if (form.dx.data or "").strip():
        _diagnose(form, encounter, by)
    seen_twice = actions.asks_birth_year(encounter, page.patient_of(encounter), by)
    actions.sign(encounter.id, birth_year=form.birth_year.data or "" if seen_twice else None, by=by)


def keep_what_is_pending(encounter_id: int, form: EncounterForm, do: str, by: Person) -> None:
    """After saving, a diagnosis or medicine that was begun and not added yet stays as a draft."""
    done = {"add_dx": ("dx",), "add_rx": ("rx",), "clear_rx": ("rx",), "sign": ("dx", "rx"), "sign_next": ("dx", "rx")}
    left = {
        name: text
        for name, text in content(form).items()
        if name in form.PENDING and text and name.split("_")[0] not in done.get(do, ())
    }
    if left:
        drafts.save(by.id, draft_name(encounter_id), left)
