"""Pages: messages to patients and staff, one message, and sending it again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hms.core import clock
from hms.core.api import read_log
from hms.core.errors import Conflict, RuleBroken
from hms.core.exports.page_lists import PageList, export_response
from hms.core.exports.registry import offer_page_export
from hms.core.permissions import Permission
from hms.core.text.numbers import parse_record_id
from hms.core.text.translation import N_
from hms.core.web import navigation
from hms.core.web.filters import filled_in
from hms.core.web.guard import current_person, requires
from hms.core.web.localisation import translate_error
from hms.core.web.parameters import Search, parameters
from hms.messages.channels import sending, sms_parts
from hms.messages.enums import ENDED_STATUSES
from hms.messages.labels import message_words
from hms.messages.outgoing import actions
from hms.patients.blueprints import message_pages as pages
from hms.patients.exports import SENT_MESSAGES

from . import queries
from .forms import MessageFilterForm
from .schemas import message_json

navigation.add_entry(_l("Messages"), "patient_messages.messages", Permission.SEND_MESSAGES, order=25)
ROWS = 25


@pages.get("")
@requires(Permission.READ_MESSAGES)
def messages() -> ResponseReturnValue:
    """What was sent to whom, newest first; the filters are in the address."""
    form, rows = MessageFilterForm(request.args), []
    is_valid = form.validate()
    if is_valid:
        try:
            filters = form.filters(current_person(), parse_record_id(request.args.get("before", "")))
            rows = queries.list_messages(filters, current_person(), ROWS + 1)
        except RuleBroken as error:
            form.patient.errors, is_valid = [*form.patient.errors, translate_error(error)], False
    shown, has_more = rows[:ROWS], len(rows) > ROWS
    older = url_for(".messages", **filled_in(form), before=shown[-1].OutgoingMessage.id) if has_more else None
    read_log.record_list_read("messages.read_list", len(shown), entity="outgoing_message")
    values = {"rows": shown, "older": older, "filters": filled_in(form), "is_any_set_up": sending.set_up_channels()}
    page = render_template("patients/messages/list.html", form=form, **values, **message_words())
    return page, 200 if is_valid else 400


@requires(Permission.READ_MESSAGES)
def export_messages() -> Response:
    """The messages of the page as a file. `RuleBroken` for filters that the page refuses."""
    form, who, seen = MessageFilterForm(request.args), current_person(), []
    if not form.validate():
        raise RuleBroken(N_("Correct the filters of the messages first."))
    filters, sees_address = form.filters(who, None), who.may(Permission.READ_CONTACT)

    def fetch(last: Any | None, limit: int) -> list[Any]:
        before = None if last is None else last.OutgoingMessage.id
        return queries.list_messages(replace(filters, before=before), who, limit)

    def project(row: Any) -> dict[str, Any]:
        message = row.OutgoingMessage
        if message.patient_id is not None:
            seen.append(read_log.PatientRead(message.patient_id, message.id))
        return message_json(message, sees_address=sees_address)

    response = export_response(PageList(fetch), project)
    read_log.record_reads("messages.read_list", seen, entity="outgoing_message")
    return response


offer_page_export(
    export_messages,
    SENT_MESSAGES,
    parameters(**{name: Search() for name in ("day_from", "day_to", "patient", "status", "kind", "channel")}),
)


@pages.get("/<int:message_id>")
@requires(Permission.READ_MESSAGES)
def message(message_id: int) -> str:
    """One message: its text, its address, and what became of it."""
    row = queries.get_message(message_id, current_person())
    sent = row.OutgoingMessage
    if sent.patient_id is not None:
        read_log.record_read("messages.read", sent.patient_id, entity="outgoing_message", entity_id=message_id)
    can_repeat = sent.status in ENDED_STATUSES and row.newer_id is None and sent.valid_until > clock.now()
    size = sms_parts.measure_sms(sent.body) if sent.channel == "sms" else None
    values = {"row": row, "message": sent, "can_repeat": can_repeat, "size": size}
    return render_template("patients/messages/message.html", **values, **message_words())


@pages.post("/<int:message_id>/send-again")
@requires(Permission.SEND_MESSAGES)
def send_again(message_id: int) -> ResponseReturnValue:
    """Send a message once more."""
    queries.get_message(message_id, current_person())
    try:
        newer = actions.send_again(message_id, by=current_person())
    except Conflict as error:
        flash(translate_error(error), "caution")
        return redirect(url_for(".message", message_id=message_id), 303)
    flash(_("The message waits to be sent again."), "success")
    return redirect(url_for(".message", message_id=newer.id), 303)
