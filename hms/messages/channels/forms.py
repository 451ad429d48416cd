"""The form of a test message."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField

from hms.core.web.forms import ActionForm, Required, Text


class TestForm(ActionForm):
    """Where a test message goes; the channel is that of the button."""

    address = Text(_l("Send a test to"), [Required()], longest=254)
    channel = HiddenField()
