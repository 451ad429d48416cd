"""Forms of further phones and of the next of kin."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_
from hms.core.web.forms import ActionForm, RecordIdField, Required, Text
from hms.core.web.guard import current_person
from hms.patients.enums import PHONE_OWNER_LABELS, RELATION_LABELS
from hms.patients.search import queries as search_queries

from . import rules

OWNERS = [SelectChoice(str(owner), label) for owner, label in PHONE_OWNER_LABELS.items()]
RELATIONS = [SelectChoice(str(relation), label) for relation, label in RELATION_LABELS.items()]


class PhoneForm(ActionForm):
    """A further phone."""

    number = Text(_l("Phone"), [Required()], longest=rules.MAX_NUMBER_LENGTH)
    owner = SelectField(_l("Whose phone"), choices=OWNERS, default="own")
    label = Text(_l("Note"), longest=rules.MAX_LABEL_LENGTH)
    phone_id = RecordIdField()
    version = RecordIdField()


class RelativeForm(ActionForm):
    """One of the next of kin; `record` is the hospital number of the relative's own record."""

    name = Text(_l("Name"), [Required()], longest=rules.MAX_NAME_LENGTH)
    relation = SelectField(_l("Relation to the patient"), [Required()])
    phone = Text(_l("Phone"), longest=rules.MAX_NUMBER_LENGTH)
    record = Text(_l("Hospital number, if registered here"), longest=30)
    relative_id = RecordIdField()
    version = RecordIdField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.relation.choices = [SelectChoice("", _("Choose")), *RELATIONS]

    def values(self) -> dict[str, Any]:
        typed = super().values()
        return typed | {"record_id": _record_id(typed.pop("record"))}


def _record_id(number: str) -> int | None:
    """The record with the whole hospital number; `RuleBroken` when there is none."""
    if not number:
        return None
    who = current_person()
    search_queries.check_number(number, "record", who=who)
    found = search_queries.search_patients(number, limit=2, who=who)
    if len(found) != 1 or search_queries.parse_for_reader(number).hospital_number is None:
        raise RuleBroken(N_("Type the whole hospital number of the relative."), "record")
    return found[0].id
