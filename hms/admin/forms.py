"""The filters of the audit browser."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import Form

from hms.core import clock
from hms.core.days import near_day
from hms.core.format import day as written_day
from hms.core.forms import Parsed, RecordIdField, Text


def _day(text: str):
    return near_day(text, clock.today())


class AuditFilterForm(Form):
    """The filters of the trail; all optional, all in the address."""

    day_from = Parsed(_l("From"), parse=_day, show=written_day)
    day_to = Parsed(_l("To"), parse=_day, show=written_day)
    actor = Text(_l("Account"), longest=150)
    patient_id = RecordIdField(_l("Patient's record number"))
    action = Text(_l("Action"), longest=80)
    entity = Text(_l("Kind of record"), longest=80)
