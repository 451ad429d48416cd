"""Writing patients and their allergies: register, correct, withdraw; record, withdraw and deny allergies."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from flask import current_app
from sqlalchemy import func, select

from hms.core import audit, clock, drafts, read_log, series, settings
from hms.core.actions import STALE, action
from hms.core.db import db
from hms.core.errors import Conflict, Stale
from hms.core.people import Person
from hms.core.permissions import Action
from hms.core.text import clean_field
from hms.core.words import _

from . import access, number, queries, rules, unfinished, wire
from .allergy_records import (
    answer_allergies,
    confirm_no_allergies,
    record_allergy,
    rewrite_allergies,
    withdraw_allergy,
)
from .models import Patient

__all__ = ["confirm_no_allergies", "record_allergy", "withdraw_allergy"]

LONGEST = {"title": 20, "preferred_name": 100, "email": 254, "address": 255, "next_of_kin": 255, "national_id": 50} | {
    "occupation": 100,
    "language": 50,
    "withdrawn_reason": 255,
}
LONGEST_CONTACT = 255


@action(Action.REGISTER_PATIENT, "patients.register_patient")
def register_patient(
    *,
    given_names: str,
    family_name: str = "",
    sex: str,
    birth_date: date | None = None,
    birth_is_estimated: bool = False,
    phone: str = "",
    allergies: Iterable[str] | None = None,
    asks_first: bool = False,
    overridden_match_id: int | None = None,
    by: Person,
    **more: Any,
) -> Patient:
    """A new patient with the next hospital number. `more` are other columns of demographics (address, title, …).

    `allergies` are the substances the patient names; an empty list means "asked, none known", None "not asked".
    With `asks_first` a strong look-alike refuses the first time (`Conflict`, code "possible_duplicate", with the match
    on `.match`) unless it is the one in `overridden_match_id`; registering all the same is written into the trail.
    """
    changes = {"given_names": given_names, "family_name": family_name, "sex": sex, "birth_date": birth_date}
    patient = Patient(**_tidy(changes | {"birth_is_estimated": birth_is_estimated, "phone": phone} | more))
    match = _strongest(patient, by) if asks_first else None
    if match and match.hit.id != overridden_match_id:
        raise PossibleDuplicate(match)
    _number(patient)
    db.session.add(patient)
    if allergies is not None:
        answer_allergies(patient, list(allergies), by)
    db.session.flush()
    if match:
        details = {"match": match.hit.id, "percent": match.percent}
        audit.record("patients.override_match", by, **_about(patient.id), details=details)
    return patient


class PossibleDuplicate(Conflict):
    """The person may be registered already; `match` is the record."""

    def __init__(self, match: queries.Lookalike) -> None:
        hit = match.hit
        name = rules.listed(hit.given_name, hit.family_name, hit.title)
        told = _(
            "This may be %(name)s, %(number)s, who is registered already. Use that record, or save as a different person."
        )
        super().__init__(told, code="possible_duplicate", name=name, number=hit.hospital_number)
        self.match = match


@action(Action.REGISTER_PATIENT, "patients.finish_registration")
def finish_registration(*, draft: str, by: Person, **details: Any) -> Patient:
    """`register_patient` from the page; what was kept of the form under the key `draft` is forgotten with it."""
    patient = register_patient(**details, by=by)
    drafts.drop(by.id, unfinished.draft_name(draft))
    return patient


@action(Action.REGISTER_PATIENT, "patients.register_unknown")
def register_unknown(
    *, sex: str, birth_date: date | None = None, birth_is_estimated: bool = False, by: Person
) -> Patient:
    """An unidentified person under a stand-in name: UNKNOWN, Male 22-Nov A. Corrected like any other once known."""
    known = {"sex": sex, "birth_date": birth_date, "birth_is_estimated": birth_is_estimated}
    patient = Patient(**_tidy(known))
    _number(patient)  # from here others who register wait, so that no letter is given twice
    names = rules.unknown_person(patient.sex, clock.today(), 0)
    stem = names.given.rpartition(" ")[0]
    same_day = select(func.count()).where(
        Patient.family_name == names.family,
        Patient.given_names.like(f"{stem} %"),
        Patient.created_at >= clock.day_bounds(clock.today())[0],
    )
    nth = db.session.execute(same_day).scalar_one()
    patient.given_names, patient.family_name = rules.unknown_person(patient.sex, clock.today(), nth)
    db.session.add(patient)
    db.session.flush()
    return patient


def _number(patient: Patient) -> None:
    """Issue the next hospital number; taken last, because others who register wait for it."""
    patient.number = series.take("patient")
    patient.hospital_number = number.make(patient.number, settings.value("patients.number_prefix"))


def _strongest(patient: Patient, by: Person) -> queries.Lookalike | None:
    found = queries.lookalikes(_compared(patient), who=by, limit=1)
    return found[0] if found and found[0].is_strong else None


def _compared(patient: Patient) -> rules.Person:
    return rules.Person(
        patient.given_names,
        patient.family_name,
        patient.birth_date,
        bool(patient.birth_is_estimated),
        patient.sex,
        patient.phone or None,
        patient.address or "",
    )


@action(Action.EDIT_PATIENT, "patients.update_patient")
def update_patient(
    patient_id: int, *, version: int | None = None, allergies: str | None = None, by: Person, **changes: Any
) -> Patient:
    """Correct the demographics named in `changes`; `Stale` when `version` is given and no longer the present one.

    `allergies` is the API's text; it may differ from what is recorded only for those who may record allergies.
    """
    patient = queries.locked_patient(patient_id)
    access.check_team(patient, by)
    if version is not None and patient.version != version:
        raise Stale(STALE)
    names = {"given_names": patient.given_names, "family_name": patient.family_name}
    tidy = _tidy(names | changes if names.keys() & changes.keys() else changes)
    differs = {name: value for name, value in tidy.items() if getattr(patient, name) != value}
    if "birth_date" in differs and "birth_is_estimated" not in changes:
        differs["birth_is_estimated"] = False
    for name, value in differs.items():
        setattr(patient, name, value)
    has_new_allergies = allergies is not None and rewrite_allergies(patient, allergies, by)
    if differs or has_new_allergies:
        patient.changed()
    db.session.flush()
    return patient


def _tidy(given: dict[str, Any]) -> dict[str, Any]:
    """`given` as it is kept; `RuleBroken` names the field as the API and the form call it."""
    kept: dict[str, Any] = {}
    if "given_names" in given:
        kept["given_names"], kept["family_name"] = rules.names(given["given_names"], given.get("family_name"))
    if "sex" in given:
        kept["sex"] = rules.sex(given["sex"])
    if given.get("birth_date"):
        rules.check_born(given["birth_date"], clock.today())
    if "phone" in given:
        phone = rules.normal(
            clean_field(given["phone"], "contact_info", longest=LONGEST_CONTACT), current_app.config["COUNTRY"]
        )
        kept |= {"phone": phone.e164 or phone.as_typed, "phone_is_checked": phone.e164 is not None}
    lines = {name: clean_field(given[name], name, longest=LONGEST[name]) for name in LONGEST if name in given}
    as_they_are = ("birth_date", "birth_is_estimated", "deceased_on", "external_id")
    return kept | lines | {name: given[name] for name in as_they_are if name in given}


@action(Action.WITHDRAW_PATIENT, "patients.withdraw_patient")
def withdraw_patient(patient_id: int, *, reason: str = "", by: Person) -> None:
    """Take the record out of use; it is kept, with its trail, and answers "not found" from now on."""
    patient = queries.locked_patient(patient_id)
    patient.status, patient.withdrawn_reason = (
        "withdrawn",
        clean_field(reason, "reason", longest=LONGEST["withdrawn_reason"]),
    )
    patient.changed()


@action(Action.OPEN_CHART, "patients.open_chart")
def open_chart(patient_id: int, *, by: Person) -> Patient:
    """The patient whose clinical record is read, and in the same transaction the note in the trail that `by` looked.

    `NotFound` when withdrawn, `access.Closed` when the record opens to `by` with a reason only.
    """
    patient = queries.patient(patient_id)
    open_found(patient, by=by)
    return patient


@action(Action.OPEN_CHART, "patients.open_found")
def open_found(patient: Patient, *, by: Person) -> None:
    """`open_chart` for a patient who is found already."""
    access.check(patient, by)
    _note("clinical.open_chart", patient.id, by)


@action(Action.FIND_PATIENT, "patients.look_up")
def look_up(patient_id: int, *, by: Person) -> Patient:
    """The patient, with the note in the trail that `by` looked who it is; nothing clinical."""
    patient = queries.patient(patient_id)
    _note("patients.read", patient_id, by)
    return patient


@action(Action.SIGNED_IN, "patients.read_patient")
def read_patient(patient_id: int, *, by: Person) -> Any:
    """The API's row of one patient, with the note in the trail that `by` read it.

    Those who read charts by their role find a record closed to them `access.Closed`.
    """
    row = wire.row(patient_id, by)
    if access.reads_charts(by) and not row.is_open:
        raise access.Closed(patient_id, by)
    if row.is_restricted:
        access.emergency_until(patient_id, by)
    _note("patients.read", patient_id, by)
    return row


def _note(action_: str, patient_id: int, by: Person) -> None:
    read_log.record(action_, by, [read_log.Seen(patient_id, patient_id)], entity="patient")


def _about(patient_id: int) -> dict[str, Any]:
    return {"entity": "patient", "entity_id": patient_id, "patient_id": patient_id}
