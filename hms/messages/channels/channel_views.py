"""Page: the channels with their settings, and a test of each."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.permissions import Permission
from hms.core.settings import store as settings
from hms.core.settings.definitions import SETTINGS
from hms.core.web.guard import current_person, requires
from hms.core.web.rate_limits import limiter
from hms.messages.enums import CHANNEL_LABELS, Channel

from . import actions, sending
from .forms import TestForm
from .results import Outcome

pages = Blueprint("message_channels", __name__, url_prefix="/messages/channels")
_SMS = [setting for key, setting in SETTINGS.items() if key.startswith(("messages.sms_", "messages.report_"))]
_ALL = [setting for key, setting in SETTINGS.items() if key.startswith("messages.") and setting not in _SMS]


@pages.route("", methods=["GET", "POST"])
@requires(Permission.MANAGE_SETTINGS)
@limiter.limit("10/minute", methods=["POST"])
def channels() -> ResponseReturnValue:
    """The settings of each channel; a test message is sent at once, and the page tells the gateway's own words."""
    pressed = request.form.get("channel", "")
    forms = {channel: TestForm() if pressed == channel else TestForm(formdata=None) for channel in Channel}
    form = forms.get(pressed)
    if form is not None and form.save(actions.send_test, by=current_person()):
        _flash_result(form.result.outcome, form.result.words)
        return redirect(url_for(".channels"), 303)
    values = {setting.key: settings.value(setting.key) for setting in (*_SMS, *_ALL)}
    is_set_up = {channel: sending.is_set_up(channel) for channel in Channel}
    groups = {"sms_settings": _SMS, "other_settings": _ALL, "values": values}
    page = render_template("messages/channels.html", forms=forms, labels=CHANNEL_LABELS, is_set_up=is_set_up, **groups)
    return page, form.status if form is not None else 200


def _flash_result(outcome: Outcome, words: str) -> None:
    """Tell what the gateway said."""
    if outcome is Outcome.SENT:
        flash(_("The gateway took the test message: %(words)s", words=words), "success")
    elif outcome is Outcome.UNKNOWN:
        flash(_("Nobody knows whether the test message was sent: %(words)s", words=words), "caution")
    else:
        flash(_("The test message was not sent: %(words)s", words=words), "caution")
