"""Prescribe, change and remove lines; after signing, answer the pharmacy's query or stop the medicine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Row, Update, bindparam, select, update

from hms.clinical.encounters import queries, rules
from hms.clinical.encounters.actions import check_writable, encounter_state, get_own_draft
from hms.clinical.enums import PrescriptionStatus
from hms.clinical.models import Encounter, Prescription
from hms.core import clock
from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.db.status import set_status
from hms.core.db.table_updates import execute_update
from hms.core.errors import Conflict, NotAllowed, NotFound, RuleBroken, StaleVersion
from hms.core.events import Event, publish
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_, Sentence
from hms.formulary.dosing.doses import Dose, format_duration, format_frequency
from hms.formulary.dosing.routes import check_fatal_route, read_route
from hms.formulary.dosing.strengths import format_amount
from hms.formulary.medicines import actions as formulary_actions
from hms.formulary.safety.reasons import Reason
from hms.patients.records.actions import withdrawal_guards

from .given_reasons import NO_REASONS, WITHOUT_REASON, GivenReasons
from .order import Order, parse_order, run_checks
from .stored_checks import checks_to_json

OPEN = ("active", "on_hold", "part_dispensed")
MAX_LENGTH = 500


def is_own_prescription(line: Prescription, encounter: Encounter | None, who: Person) -> bool:
    """Whether `who` prescribed the line or is the doctor of its encounter."""
    return who.id in (line.prescriber_id, encounter.doctor_id if encounter else None)


@action(Permission.PRESCRIBE, "clinical.answer_question")
def answer_query(prescription_id: int, *, text: str, encounter_id: int | None = None, by: Person) -> Prescription:
    """Answer the pharmacy's query and resume dispensing; raises `Conflict` when the line is not on hold."""
    line = _get_own_open_line(prescription_id, encounter_id, by)
    if line.status != "on_hold":
        raise Conflict(N_("This medicine is no longer on hold."), code=line.status)
    message = Sentence(
        N_("%(name)s answers: %(text)s"), name=by.name, text=_clean_required(text, N_("Enter an answer."))
    )
    return _set_status(line, "part_dispensed" if line.quantity_dispensed else "active", str(message))


@action(Permission.PRESCRIBE, "clinical.stop_prescription")
def stop_prescription(prescription_id: int, *, text: str, encounter_id: int | None = None, by: Person) -> Prescription:
    """Stop a medicine: nothing more is dispensed, and it is no longer a current medicine."""
    line = _get_own_open_line(prescription_id, encounter_id, by)
    message = Sentence(
        N_("%(name)s stopped the medicine: %(text)s"),
        name=by.name,
        text=_clean_required(text, N_("Enter the reason for stopping.")),
    )
    return _set_status(line, "stopped", str(message))


def _get_own_open_line(prescription_id: int, encounter_id: int | None, by: Person) -> Prescription:
    line = get_for_update(Prescription, prescription_id)
    if encounter_id is not None and line.encounter_id != encounter_id:
        raise NotFound(N_("This prescription does not exist."))
    encounter = db.session.get(Encounter, line.encounter_id) if line.encounter_id else None
    if not is_own_prescription(line, encounter, by):
        raise NotAllowed(N_("This medicine was prescribed by a colleague."))
    if line.status not in OPEN:
        raise Conflict(N_("This prescription is already closed."), code=line.status)
    return line


def _clean_required(text: str, missing: str) -> str:
    cleaned = clean_field(text, "text", longest=MAX_LENGTH, multiline=True)
    if not cleaned:
        raise RuleBroken(missing, "text")
    return cleaned


def _set_status(line: Prescription, status: str, reason: str) -> Prescription:
    set_status(line, status)
    line.status_reason = reason
    line.increment_version()
    publish(Event.PRESCRIPTION_CHANGED)
    db.session.flush()
    return line


CHANGED_ELSEWHERE = N_("This medicine was changed on another page. Clear it here, then change it again from the list.")
LENGTHS = {
    "medication_name": 255,
    "dosage": 100,
    "frequency": 100,
    "duration": 100,
    "instructions": 2000,
    "indication": 200,
}
NOT_OF_THE_DOSE = ("instructions", "indication")
MAX_QUANTITY = 100_000


@action(Permission.PRESCRIBE, "clinical.prescribe")
def prescribe(
    encounter_id: int,
    *,
    quantity: int | None = None,
    instructions: str = "",
    indication: str = "",
    override_code: str = "",
    override_reason: str = "",
    reasons: Mapping[str, Reason] = NO_REASONS,
    by: Person,
    **order_fields: Any,
) -> Prescription:
    """Prescribe a medicine; `order_fields` are the arguments of `parse_order`, `reasons` the reasons by the keys of the
    questions that the checks ask. `override_code` and `override_reason` are the reason of those without one of their own.
    `indication` is what the medicine is for, in words.

    In an open encounter the line is a draft until the encounter is signed. In one's own signed encounter it is active at
    once. Raises `ReasonMissing` for a serious alert without a reason, and in a signed encounter also
    when something could not be checked; `NotAllowed` when `by` may not override alerts, `Conflict` for a withdrawn
    encounter.
    """
    encounter = _get_writable_encounter(encounter_id, by)
    order_fields |= {"instructions": instructions, "indication": indication, "quantity": quantity}
    is_draft = encounter_state(encounter) == rules.DRAFT
    given = GivenReasons(reasons, Reason(override_code, override_reason), is_signed=not is_draft)
    values, ordered = _columns(encounter, order_fields, given, by)
    line = add_line(encounter, values, is_draft=is_draft, by=by)
    if ordered.sentence_id is not None:
        formulary_actions.count_use(ordered.sentence_id, by=by)
    return line


@action(Permission.PRESCRIBE, "clinical.change_prescription")
def change_prescription(
    prescription_id: int,
    *,
    override_code: str = "",
    override_reason: str = "",
    reasons: Mapping[str, Reason] = NO_REASONS,
    version: int | None = None,
    by: Person,
    **order_fields: Any,
) -> Prescription:
    """Replace the fields of a draft line and repeat its checks; raises `Conflict` when it is signed,
    `StaleVersion` when `version` is not the present one."""
    line = get_for_update(Prescription, prescription_id)
    if version is not None and version != line.version:
        raise StaleVersion(CHANGED_ELSEWHERE)
    if line.status != "draft":
        raise Conflict(N_("This prescription is signed. Stop it and prescribe again."), code="signed")
    encounter = get_own_draft(line.encounter_id, by)
    given = GivenReasons(reasons, Reason(override_code, override_reason))
    values, _ordered = _columns(encounter, order_fields, given, by, except_id=line.id)
    for name, value in (WITHOUT_REASON | values).items():
        setattr(line, name, value)
    line.increment_version()
    encounter.increment_version()
    db.session.flush()
    return line


def _columns(
    encounter: Encounter | Row,
    order_fields: dict[str, Any],
    reasons: GivenReasons,
    by: Person,
    except_id: int | None = None,
) -> tuple[dict[str, Any], Order]:
    """The columns of a line after its checks, and the order; raises `RuleBroken` at the wrong field.

    `except_id` is the id of the line that is being changed.
    """
    texts = _clean_texts(order_fields)
    references = {name: value for name, value in order_fields.items() if name not in (*LENGTHS, "quantity")}
    ordered = parse_order(**references, **{name: text for name, text in texts.items() if name not in NOT_OF_THE_DOSE})
    _check_fatal_route(ordered, order_fields.get("route") or "", texts)
    checks = run_checks(ordered, encounter.patient_id, encounter.id, except_id=except_id)
    values = {
        "medication_id": ordered.product.id if ordered.product else None,
        "medication_name": ordered.name,
        "quantity": _quantity(order_fields.get("quantity"), ordered),
        "checks": checks_to_json(checks),
        **_dose_columns(ordered.dose),
        **_dose_words(ordered.dose, texts),
        **reasons.columns(checks, by),
    }
    return values, ordered


def _check_fatal_route(ordered: Order, route: str, texts: dict[str, str]) -> None:
    """Raise `RuleBroken` when the medicine kills by its route, or by one that a text names, the instructions too."""
    product = ordered.product
    names = [ordered.name, *([product.generic_name, product.name] if product else [])]
    route = ordered.dose.route if ordered.dose else read_route(route)
    check_fatal_route(names, route, " ; ".join(texts.values()))


def _get_writable_encounter(encounter_id: int, by: Person) -> Row:
    encounter = queries.get_encounter_for_update(encounter_id, by)
    if encounter.status == "signed" and encounter.doctor_id == by.id:
        return encounter
    if encounter.status == "entered_in_error":
        raise Conflict(N_("This encounter was withdrawn."), code="withdrawn")
    check_writable(encounter, by)
    return encounter


def _clean_texts(order_fields: dict[str, Any]) -> dict[str, str]:
    return {
        name: clean_field(order_fields.get(name), name, longest=longest, multiline=name == "instructions")
        for name, longest in LENGTHS.items()
    }


def _quantity(quantity: int | None, ordered: Order) -> int | None:
    if quantity is None:
        return ordered.supply
    if not 1 <= quantity <= MAX_QUANTITY:
        raise RuleBroken(N_("Enter a quantity from 1 to 100,000."), "quantity")
    return quantity


def _dose_columns(dose: Dose | None) -> dict[str, Any]:
    if dose is None:
        return dict.fromkeys(("dose_amount", "max_per_day", "days")) | {
            "dose_unit": "",
            "route": "",
            "frequency_code": "",
        }
    return {
        "dose_amount": dose.amount,
        "dose_unit": dose.unit,
        "route": dose.route,
        "frequency_code": dose.frequency_code,
        "as_needed": dose.as_needed,
        "max_per_day": dose.max_per_day,
        "days": dose.days,
    }


def _dose_words(dose: Dose | None, texts: dict[str, str]) -> dict[str, str]:
    """The text columns: as they were sent, else the dose in words."""
    words = {"dosage": "", "frequency": "", "duration": ""}
    if dose is not None:
        words = {
            "dosage": format_amount(dose.amount, dose.unit),
            "frequency": format_frequency(dose),
            "duration": format_duration(dose.days),
        }
    kept = {name: texts[name] for name in NOT_OF_THE_DOSE}
    return {name: texts[name] or text for name, text in words.items()} | kept


@action(Permission.PRESCRIBE, "clinical.remove_prescription")
def remove_prescription(prescription_id: int, *, encounter_id: int | None = None, by: Person) -> None:
    """Remove a draft line from an open encounter."""
    line = get_for_update(Prescription, prescription_id)
    if line.status != "draft" or (encounter_id is not None and line.encounter_id != encounter_id):
        raise NotFound(N_("This prescription does not exist."))
    encounter = get_own_draft(line.encounter_id, by)
    set_status(line, PrescriptionStatus.ENTERED_IN_ERROR)
    encounter.increment_version()
    db.session.flush()


def add_line(encounter: Row, values: dict[str, Any], *, is_draft: bool, by: Person) -> Prescription:
    """Insert a line with these columns: a draft, or active at once."""
    now = clock.now()
    ids = {"patient_id": encounter.patient_id, "encounter_id": encounter.id, "prescriber_id": by.id}
    signed_columns = {} if is_draft else {"status": "active", "signed_at": now}
    line = Prescription(**ids, **signed_columns, **values)
    db.session.add(line)
    db.session.flush()
    if is_draft:
        execute_update(Encounter, _next_version(), [{"record_id": encounter.id}])
    else:
        publish(Event.PRESCRIPTION_SIGNED)
    return line


@cache
def _next_version() -> Update:
    encounters = Encounter.__table__
    next_version = update(encounters).where(encounters.c.id == bindparam("record_id"))
    return next_version.values(version=encounters.c.version + 1)


def _check_nothing_to_dispense(patient_id: int) -> None:
    open_lines = select(Prescription.id).where(
        Prescription.patient_id == patient_id, Prescription.status.in_(OPEN), Prescription.external_id.is_(None)
    )
    if db.session.scalars(open_lines.limit(1)).first():
        message = N_("This patient has medicines that are not dispensed yet. Stop or close each of them first.")
        raise Conflict(message, code="medicines_open")


withdrawal_guards.append(_check_nothing_to_dispense)
