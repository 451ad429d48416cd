"""The filters of the list of messages."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Form, SelectField
from wtforms.fields.choices import SelectChoice

from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.person import Person
from hms.core.text.dates import parse_recent_date
from hms.core.text.formatting import format_date
from hms.core.text.translation import N_
from hms.core.web.forms import ParsedField, Text
from hms.messages.labels import message_words
from hms.patients.search import queries as search

from . import queries

MAX_PATIENTS = 20


def _day(text: str) -> Any:
    return parse_recent_date(text, clock.today())


def _any_of(labels: dict[Any, Any]) -> list[SelectChoice]:
    return [SelectChoice("", _("Any")), *(SelectChoice(str(value), label) for value, label in labels.items())]


class MessageFilterForm(Form):
    """The filters; all are optional and in the address."""

    day_from = ParsedField(_l("From"), parse=_day, show=format_date)
    day_to = ParsedField(_l("To"), parse=_day, show=format_date)
    patient = Text(_l("Patient"), longest=100)
    status = SelectField(_l("Status"), default="")
    kind = SelectField(_l("Kind"), default="")
    channel = SelectField(_l("Channel"), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = message_words()
        self.status.choices = _any_of({status: word for status, (_tone, word) in words["statuses"].items()})
        self.kind.choices, self.channel.choices = _any_of(words["kinds"]), _any_of(words["channels"])

    def filters(self, who: Person, before: int | None) -> queries.MessageFilter:
        """The filters for the query. `RuleBroken` at `patient` when too many patients have the name."""
        values = {name: value or None for name, value in self.data.items() if name != "patient"}
        return queries.MessageFilter(**values, patient_ids=self._patients(who), before=before)

    def _patients(self, who: Person) -> tuple[int, ...] | None:
        if not self.patient.data:
            return None
        search.check_number(self.patient.data, "patient")
        hits = search.search_patients(self.patient.data, limit=MAX_PATIENTS + 1, who=who)
        exact = [hit.id for hit in hits if not hit.is_similar] or [hit.id for hit in hits]
        if len(exact) > MAX_PATIENTS:
            raise RuleBroken(N_("Too many matches. Enter more of the name, or the number."), "patient")
        return tuple(exact)


def filled_in(form: Form) -> dict[str, str]:
    """The filters in the address, for the link to older rows."""
    return {name: request.args[name] for name in form.data if request.args.get(name)}
