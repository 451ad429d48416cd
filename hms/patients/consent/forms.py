"""Forms of consent: texts, decisions, their end."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice

from hms.core import clock
from hms.core.text.dates import parse_recent_date
from hms.core.text.formatting import format_date
from hms.core.web.forms import ActionForm, InputPresent, LongText, ParsedField, RecordIdField, Required, Text
from hms.messages.texts.languages import language_labels
from hms.patients.contacts.forms import RELATIONS
from hms.patients.enums import DECIDED_BY_LABELS

from . import queries, rules

DECISIONS = [SelectChoice("given", _l("Given")), SelectChoice("refused", _l("Refused"))]
DECIDERS = [SelectChoice(str(who), label) for who, label in DECIDED_BY_LABELS.items()]


def _day(label: Any) -> ParsedField:
    return ParsedField(
        label, [InputPresent()], parse=lambda text: parse_recent_date(text, clock.today()), show=format_date
    )


class KindForm(ActionForm):
    """A kind of consent."""

    name = Text(_l("Name"), [Required()], longest=rules.MAX_NAME_LENGTH)
    is_open = BooleanField(_l("Patients are asked for it"), default=True)
    version = RecordIdField()


class TextForm(ActionForm):
    """The next version of a text."""

    language = SelectField(_l("Language"))
    title = Text(_l("Title"), [Required()], longest=rules.MAX_TITLE_LENGTH)
    body = LongText(_l("Text"), [Required()], longest=rules.MAX_BODY_LENGTH)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language.choices = [SelectChoice(*pair) for pair in language_labels().items()]


class DecisionForm(ActionForm):
    """What the patient or a guardian decided."""

    text = SelectField(_l("Text"), [Required()])
    decision = RadioField(_l("Decision"), [Required()], choices=DECISIONS)
    decided_on = _day(_l("Date"))
    decided_by = RadioField(_l("Decided by"), [Required()], choices=DECIDERS)
    guardian_name = Text(_l("Name of the guardian"), longest=rules.MAX_NAME_LENGTH)
    guardian_relation = SelectField(_l("Relation to the patient"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        languages = language_labels()
        offered = [text for state in queries.states([]) for text in state.texts]
        self.text.choices = [SelectChoice("", _("Choose"))] + [
            SelectChoice(str(one.id), f"{one.title} ({languages.get(one.language, one.language)}, {one.number})")
            for one in offered
        ]
        self.guardian_relation.choices = [SelectChoice("", _("Choose")), *RELATIONS]

    def values(self) -> dict[str, Any]:
        typed = super().values()
        return {"text_id": int(typed.pop("text"))} | typed


class WithdrawalForm(ActionForm):
    """The day and the reason of a withdrawal."""

    ended_on = _day(_l("Withdrawn on"))
    withdrawn_why = Text(_l("Reason"), [Required()], longest=rules.MAX_REASON_LENGTH)

    def values(self) -> dict[str, Any]:
        return {"ended_on": self.ended_on.data, "reason": self.withdrawn_why.data}


class ErrorForm(ActionForm):
    """Why a consent was entered in error."""

    reason = Text(_l("Reason"), [Required()], longest=rules.MAX_REASON_LENGTH)
