"""The form with which a value is read back."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from hms.core.web.forms import ActionForm, RequiredMark, Text

from . import rules


class ReadBackForm(ActionForm):
    read_back = Text(_l("The value, read back"), [RequiredMark()], longest=rules.MAX_READ_BACK)
