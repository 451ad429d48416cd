"""JSON or form: delivery reports of the SMS gateway, with a password of their own."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Response, current_app, request

from hms.core.api.blueprint import ApiBlueprint
from hms.core.errors import NotFound, RuleBroken
from hms.core.permissions import Permission
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.core.text.translation import N_
from hms.core.web.guard import requires
from hms.core.web.rate_limits import limiter
from hms.messages.channels.gateway import dig
from hms.messages.outgoing import actions

from . import rules

api = ApiBlueprint("message_reports_api", __name__, description="Delivery reports of the SMS gateway")
NOTHING_HERE = N_("There is nothing at this address.")


def _was_refused(response: Response) -> bool:
    return response.status_code == 404


@api.post("/messages/reports/")
@requires(Permission.PUBLIC)
@limiter.limit("1200/minute")
@limiter.limit("30/minute", deduct_when=_was_refused)
@api.response(204)
def report() -> tuple[str, int]:
    """A delivery report: the gateway's number of the message and its state, in the fields that the settings name.

    The password is `HMS_SMS_REPORT_TOKEN`, in the header `X-Report-Token` or as the password of HTTP Basic. Without it, and
    for a number that no message has, the answer is 404.
    """
    if not _has_token():
        raise NotFound(NOTHING_HERE)
    read = rules.read_report(_sent(), _fields(), dig)
    if read is None:
        raise RuleBroken(N_("The report has no number or no state. Check the names of its fields in the settings."))
    actions.note_report(read.gateway_id, read.word, is_delivered=read.is_delivered, by=SYSTEM)
    return "", 204


def _has_token() -> bool:
    expected = current_app.config["SMS_REPORT_TOKEN"]
    basic = request.authorization.password if request.authorization else None
    given = request.headers.get("X-Report-Token") or basic or ""
    return bool(expected) and secrets.compare_digest(given.encode(), expected.encode())


def _sent() -> dict[str, Any]:
    """The fields of the report: of JSON, else of the form."""
    if not request.is_json:
        return request.form.to_dict()
    body = request.get_json()
    return body if isinstance(body, dict) else {}


def _fields() -> rules.ReportFields:
    return rules.ReportFields(
        settings.value("messages.report_id_field"),
        settings.value("messages.report_status_field"),
        rules.split_words(settings.value("messages.report_delivered")),
        rules.split_words(settings.value("messages.report_failed")),
    )
