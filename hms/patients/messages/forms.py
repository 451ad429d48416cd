"""The filters of the list of messages, what a patient wants, and the text of a message."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectField
from wtforms.fields.choices import SelectChoice

from hms.core.errors import RuleBroken
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.core.web.filters import DaysForm
from hms.core.web.forms import ActionForm, LongText, RecordIdField, Text
from hms.messages.enums import WISH_LABELS
from hms.messages.labels import message_words
from hms.messages.texts.languages import language_labels
from hms.messages.texts.rules import MAX_SUBJECT, MAX_TEXT
from hms.patients.search import queries as search

from . import queries

MAX_PATIENTS = 20


def _any_of(labels: dict[Any, Any]) -> list[SelectChoice]:
    return [SelectChoice("", _("Any")), *(SelectChoice(str(value), label) for value, label in labels.items())]


class MessageFilterForm(DaysForm):
    """The filters; all are optional and in the address."""

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
        search.check_number(self.patient.data, "patient", who=who)
        hits = search.search_patients(self.patient.data, limit=MAX_PATIENTS + 1, who=who)
        exact = [hit.id for hit in hits if not hit.is_similar] or [hit.id for hit in hits]
        if len(exact) > MAX_PATIENTS:
            raise RuleBroken(N_("Too many matches. Enter more of the name, or the number."), "patient")
        return tuple(exact)


_WISHES = [SelectChoice(wish.value, label) for wish, label in WISH_LABELS.items()]


class PreferenceForm(ActionForm):
    """What the patient wants; see `actions.set_preference`."""

    sms = RadioField(_l("By SMS"), choices=_WISHES)
    email = RadioField(_l("By e-mail"), choices=_WISHES)
    language = SelectField(_l("Language of messages"), default="")
    version = RecordIdField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language.choices = [
            SelectChoice("", _("As recorded")),
            *(SelectChoice(*one) for one in language_labels().items()),
        ]


class TextForm(ActionForm):
    """The text of a message; `patient` is the one whose data the preview shows."""

    subject = Text(_l("Subject"), longest=MAX_SUBJECT)
    body = LongText(_l("Text"), longest=MAX_TEXT)
    patient = Text(_l("Preview with the patient"), longest=100)
    version = RecordIdField()
