"""Forms of a patient's death."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField

from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.text.dates import parse_recent_date
from hms.core.text.formatting import format_date
from hms.core.text.translation import N_
from hms.core.web.forms import ActionForm, LongText, ParsedField, RecordIdField, Required, Text

from . import rules


class DeathForm(ActionForm):
    """Day (or not known), place and cause of a death."""

    died_on = ParsedField(
        _l("Date of death"), parse=lambda text: parse_recent_date(text, clock.today()), show=format_date
    )
    is_day_unknown = BooleanField(_l("The date is not known"))
    place = Text(_l("Place of death"), longest=rules.MAX_PLACE_LENGTH)
    cause = LongText(_l("Cause of death"), longest=rules.MAX_CAUSE_LENGTH)

    def values(self) -> dict[str, Any]:
        if bool(self.died_on.data) == self.is_day_unknown.data:
            raise RuleBroken(N_("Enter the date of death, or tick that it is not known."), "died_on")
        return {name: self[name].data for name in ("died_on", "place", "cause")}


class DeathCorrectionForm(DeathForm):
    """Changes to what is recorded of a death."""

    reason = Text(_l("Reason for the correction"), [Required()], longest=rules.MAX_REASON_LENGTH)
    version = RecordIdField()

    def values(self) -> dict[str, Any]:
        return super().values() | {"reason": self.reason.data, "version": self.version.data}


class TakeBackForm(ActionForm):
    """Reason for taking a recorded death back."""

    reason = Text(_l("Reason"), [Required()], longest=rules.MAX_REASON_LENGTH)
