"""Further phones and next of kin of imported patients: rows of their own beside the columns of `patient`.

They are added and never removed: what a source does not name may have been recorded here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from flask import current_app
from sqlalchemy import select

from hms.core.db.session import db
from hms.core.errors import RuleBroken
from hms.interop.fhir import fields, ndjson
from hms.interop.fhir.names_and_contacts import NoName, contact, human_name, usable_contacts
from hms.interop.fhir.ndjson import InvalidResource
from hms.interop.fhir.relations import LABEL, OWNER, RELATION, read_extension, read_note, read_relation
from hms.patients.contacts import rules
from hms.patients.enums import PhoneOwner
from hms.patients.models import OtherPhone, Patient, Relative

from .items import ImportItem

Reader = Callable[[dict[str, Any]], Iterable[dict[str, Any]]]


def is_first_contact(element: dict[str, Any], place: int) -> bool:
    """Whether a contact is kept as the text of the next of kin: the first one, unless this program wrote it as a person."""
    return place == 0 and not read_extension(element, RELATION)


def store_contacts(items: list[ImportItem]) -> None:
    """Add what the patients of these items have and the records here do not. The items are stored already."""
    wanted = {item.same_as or item.external_id: item for item in items if item.values is not None}
    query = select(Patient.external_id, Patient.id, Patient.phone)
    rows = db.session.execute(query.where(Patient.external_id.in_(wanted), Patient.status == "active")).all()
    found = {row.id: ndjson.resource(wanted[row.external_id].text.encode()) for row in rows}
    _add(OtherPhone, "number", _read(_phones, found), {(row.id, row.phone) for row in rows})
    _add(Relative, "name", _read(_relatives, found), set())


def _read(read: Reader, resources: dict[int, dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    """The rows by patient; of a resource in which these parts cannot be read there are none."""
    rows: dict[int, list[dict[str, Any]]] = {}
    for patient_id, resource in resources.items():
        with suppress(InvalidResource):
            rows[patient_id] = list(read(resource))
    return {patient_id: found for patient_id, found in rows.items() if found}


def _add(model: Any, key: str, wanted: dict[int, list[dict[str, Any]]], known: set[tuple[int, str]]) -> None:
    """Insert the rows that no row of the same patient equals in the column `key`."""
    stored = select(model.patient_id, getattr(model, key)).where(model.patient_id.in_(wanted))
    seen = known | {(patient_id, value) for patient_id, value in db.session.execute(stored)}
    for patient_id, rows in wanted.items():
        for values in rows:
            if (patient_id, values[key]) not in seen:
                seen.add((patient_id, values[key]))
                db.session.add(model(patient_id=patient_id, **values))
    db.session.flush()


def _phones(resource: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """The numbers after the first, which is a column of the patient. One that cannot be kept is left out."""
    for item in usable_contacts(resource, "phone")[1:]:
        owner = read_extension(item, OWNER)
        if owner not in set(PhoneOwner):
            owner = PhoneOwner.WORK if fields.code(item, "use") == "work" else PhoneOwner.OWN
        label = read_note(item, LABEL)[: rules.MAX_LABEL_LENGTH]
        yield from _cleaned(rules.clean_phone, fields.line(item, "value", rules.MAX_NUMBER_LENGTH), owner, label)


def _relatives(resource: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """The contacts that are people with a name; the first of another program is the text of the next of kin."""
    for place, element in enumerate(fields.parts(resource, "contact")):
        if is_first_contact(element, place):
            continue
        try:
            name = human_name({"name": [fields.part(element, "name")]})
        except NoName:
            continue
        words = f"{name.given} {name.family}".strip()[: rules.MAX_NAME_LENGTH]
        phone = contact(element, "phone")[: rules.MAX_NUMBER_LENGTH]
        yield from _cleaned(rules.clean_relative, words, read_relation(element), phone)


def _cleaned(clean: Any, *words: str) -> Iterable[dict[str, Any]]:
    try:
        yield clean(*words, current_app.config["COUNTRY"])
    except RuleBroken:
        return
