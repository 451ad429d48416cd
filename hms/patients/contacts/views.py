"""Page: the further phones and the next of kin of a patient."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.text.numbers import parse_record_id
from hms.core.web.buttons import press
from hms.core.web.guard import current_person, requires
from hms.patients import lookup
from hms.patients.access import policy
from hms.patients.blueprints import pages
from hms.patients.enums import PHONE_OWNER_LABELS, RELATION_LABELS
from hms.patients.records.banner import patient_banner

from . import actions, queries
from .forms import PhoneForm, RelativeForm


@pages.get("/<int:patient_id>/contacts")
@requires(Permission.EDIT_PATIENT)
def contacts(patient_id: int) -> ResponseReturnValue:
    """The phones and the next of kin; `?phone=` or `?relative=` opens one of them for a change."""
    policy.check_team(lookup.patient(patient_id), current_person())
    phone_id, relative_id = (parse_record_id(request.args.get(name, "")) for name in ("phone", "relative"))
    phone = PhoneForm(data=_phone_values(patient_id, phone_id) if phone_id is not None else None)
    relative = RelativeForm(data=_relative_values(patient_id, relative_id) if relative_id is not None else None)
    return _page(patient_id, phone, relative)


def _phone_values(patient_id: int, phone_id: int) -> dict[str, Any]:
    row = queries.get_phone(patient_id, phone_id)
    values = {name: getattr(row, name) for name in ("number", "owner", "label", "version")}
    return values | {"phone_id": row.id}


def _relative_values(patient_id: int, relative_id: int) -> dict[str, Any]:
    row = queries.get_relative(patient_id, relative_id)
    record = queries.record_of(row)
    values = {name: getattr(row, name) for name in ("name", "relation", "phone", "version")}
    return values | {"relative_id": row.id, "record": record.hospital_number if record else ""}


def _page(patient_id: int, phone: PhoneForm, relative: RelativeForm) -> ResponseReturnValue:
    patient, who = lookup.patient(patient_id), current_person()
    read_log.record_read("patients.read_contacts", patient_id, entity="patient", entity_id=patient_id)
    page = render_template(
        "patients/contacts.html",
        patient=patient,
        banner=patient_banner(patient, who),
        phone_form=phone,
        relative_form=relative,
        phones=queries.list_phones(patient_id),
        relatives=queries.list_relatives(patient_id),
        owners=PHONE_OWNER_LABELS,
        relations=RELATION_LABELS,
    )
    return page, max(phone.status, relative.status)


@pages.post("/<int:patient_id>/contacts/phones")
@requires(Permission.EDIT_PATIENT)
def save_phone(patient_id: int) -> ResponseReturnValue:
    """Add a further phone, or change one."""
    form = PhoneForm()
    if form.save(actions.save_phone, by=current_person(), patient_id=patient_id):
        flash(_("Phone saved."), "success")
        return redirect(url_for("patients.contacts", patient_id=patient_id), 303)
    policy.check_team(lookup.patient(patient_id), current_person())
    return _page(patient_id, form, RelativeForm(formdata=None))


@pages.post("/<int:patient_id>/contacts/relatives")
@requires(Permission.EDIT_PATIENT)
def save_relative(patient_id: int) -> ResponseReturnValue:
    """Add one of the next of kin, or change one."""
    form = RelativeForm()
    if form.save(actions.save_relative, by=current_person(), patient_id=patient_id):
        flash(_("Next of kin saved."), "success")
        return redirect(url_for("patients.contacts", patient_id=patient_id), 303)
    policy.check_team(lookup.patient(patient_id), current_person())
    return _page(patient_id, PhoneForm(formdata=None), form)


@pages.post("/<int:patient_id>/contacts/phones/<int:phone_id>/remove")
@requires(Permission.EDIT_PATIENT)
def remove_phone(patient_id: int, phone_id: int) -> ResponseReturnValue:
    """Remove a further phone."""
    if press(actions.remove_phone, patient_id=patient_id, phone_id=phone_id):
        flash(_("Phone removed."), "success")
    return redirect(url_for("patients.contacts", patient_id=patient_id), 303)


@pages.post("/<int:patient_id>/contacts/relatives/<int:relative_id>/remove")
@requires(Permission.EDIT_PATIENT)
def remove_relative(patient_id: int, relative_id: int) -> ResponseReturnValue:
    """Remove one of the next of kin."""
    if press(actions.remove_relative, patient_id=patient_id, relative_id=relative_id):
        flash(_("Removed from the next of kin."), "success")
    return redirect(url_for("patients.contacts", patient_id=patient_id), 303)
