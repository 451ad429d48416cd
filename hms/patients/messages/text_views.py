"""Pages: the texts of messages, with a preview of a real patient's data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.actions import require_permission
from hms.core.api import read_log
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.messages.channels import sms_parts
from hms.messages.enums import CHANNEL_LABELS, Channel
from hms.messages.texts import actions, queries, rules
from hms.messages.texts.languages import language_labels
from hms.patients.blueprints import message_pages as pages
from hms.patients.search import queries as search

from .forms import TextForm


@dataclass(frozen=True)
class Preview:
    """The rendered text; the size is that of an SMS."""

    subject: str
    body: str
    size: sms_parts.SmsSize | None


@pages.get("/texts")
@requires(Permission.MANAGE_MESSAGE_TEXTS)
def texts() -> str:
    """All texts, by kind, channel and language."""
    words = {"channels": CHANNEL_LABELS, "languages": language_labels()}
    return render_template("patients/messages/texts.html", texts=queries.list_texts(), **words)


@pages.route("/texts/<kind>/<channel>/<language>", methods=["GET", "POST"])
@requires(Permission.MANAGE_MESSAGE_TEXTS)
def text(kind: str, channel: str, language: str) -> ResponseReturnValue:
    """Change one text; the button Preview shows it with a patient's data and saves nothing."""
    stored, preview = queries.find_text(kind, channel, language), None
    form = TextForm(data={"subject": stored.subject, "body": stored.body, "version": stored.version})
    if "preview" in request.form:
        preview = _preview(form, stored)
    elif form.save(_change(kind, channel, language), by=current_person()):
        flash(_("Text saved. The next messages use it."), "success")
        return redirect(url_for(".texts"), 303)
    blank = next(name for name in stored.kind.names if name in rules.MAY_BE_BLANK)
    words = {"channels": CHANNEL_LABELS, "languages": language_labels(), "preview": preview, "blank": blank}
    return render_template("patients/messages/text.html", form=form, text=stored, **words), form.status


def _change(kind: str, channel: str, language: str):
    def change(*, patient: str, **values):  # the patient is only for the preview
        return actions.change_text(kind, channel, language, **values)

    return change


def _preview(form: TextForm, stored: queries.Text) -> Preview | None:
    """The typed text with the data of the patient that was named; None with the error at its field."""
    if not form.validate():
        return None
    try:
        subject, body = actions.checked_text(stored, form.subject.data or "", form.body.data or "")
        values = _find_example(form, stored)
        rendered = queries.render_text(subject, body, {name: values[name] for name in stored.kind.names})
    except RuleBroken as error:
        form.refuse(error)
        return None
    size = sms_parts.measure_sms(rendered.body) if stored.channel is Channel.SMS else None
    return Preview(rendered.subject, rendered.body, size)


def _find_example(form: TextForm, stored: queries.Text) -> Mapping[str, str]:
    """The values of a text for the staff, or of the patient that was named, for those who may find patients and read
    appointments. Raises `RuleBroken` at `patient`."""
    if stored.kind.is_for_staff:
        return stored.kind.find_example(0, stored.language) or {}
    for permission in (Permission.FIND_PATIENT, Permission.READ_APPOINTMENTS):
        require_permission(current_person(), permission)
    patient_id = _find_patient(form.patient.data or "")
    values = stored.kind.find_example(patient_id, stored.language)
    if values is None:
        raise RuleBroken(N_("This patient has no appointment to show. Choose another patient."), "patient")
    read_log.record_read("appointments.read", patient_id, entity="patient", entity_id=patient_id)
    return values


def _find_patient(typed: str) -> int:
    """The one patient that the text names; raises `RuleBroken` at `patient`."""
    if not typed:
        raise RuleBroken(N_("Enter the hospital number or the name of a patient."), "patient")
    search.check_number(typed, "patient", who=current_person())
    hits = search.search_patients(typed, limit=5, who=current_person())
    exact = [hit for hit in hits if not hit.is_similar] or hits
    if len(exact) != 1:
        message = N_("%(count)s patients match. Enter the hospital number.")
        raise RuleBroken(message, "patient", count=len(exact))
    return exact[0].id
