"""The filters of the audit browser."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Form, SelectField
from wtforms.fields.choices import SelectChoice

from hms.core import clock
from hms.core.days import near_day
from hms.core.format import day as written_day
from hms.core.forms import Parsed, RecordIdField, Text
from hms.staff import activity


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


class SignInFilterForm(Form):
    """The filters of the sign-ins; all optional, all in the address."""

    day_from = Parsed(_l("From"), parse=_day, show=written_day)
    day_to = Parsed(_l("To"), parse=_day, show=written_day)
    account = Text(_l("Account"), longest=254)
    address = Text(_l("Address"), longest=45)
    outcome = SelectField(_l("Outcome"), validate_choice=False)

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        known = [SelectChoice(status, _(word)) for status, (_tone, word) in activity.OUTCOMES.items()]
        groups = [
            SelectChoice("", _("Any")),
            SelectChoice("refused", _("All refused")),
            SelectChoice("good", _("All good")),
        ]
        self.outcome.choices = [*groups, *known]
