"""Forms of merges and separations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import request
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from hms.core.text.numbers import parse_record_id
from hms.core.web.forms import ActionForm, RecordIdField, Required, Text
from hms.patients.models import Patient
from hms.staff.forms import ProofForm

from . import applying, rules
from .moved_rows import Row

FIELD_LABELS: dict[str, LazyString] = {
    "name": _l("Name"),
    "title": _l("Title"),
    "preferred_name": _l("Preferred name"),
    "other_names": _l("Other names"),
    "sex": _l("Sex"),
    "birth_date": _l("Date of birth"),
    "death": _l("Date of death"),
    "phone": _l("Phone"),
    "email": _l("E-mail"),
    "address": _l("Address"),
    "next_of_kin": _l("Next of kin"),
    "national_id": _l("National ID"),
    "other_numbers": _l("Other numbers"),
    "payer": _l("Payer"),
    "occupation": _l("Occupation"),
    "language": _l("Language"),
}
"""The fields of `rules.FIELDS` in the words of the page."""


class MergeForm(ActionForm):
    """The reason, whose value stays for each differing field (`choice_…`), and the differences that were checked
    (`confirm_…`)."""

    other = RecordIdField()
    reason = Text(_l("Reason"), [Required()], longest=rules.MAX_REASON_LENGTH)
    confirm_sex = BooleanField(_l("The sexes differ. I checked that this is one patient."))
    confirm_birth_date = BooleanField(_l("The dates of birth differ. I checked that this is one patient."))
    confirm_death = BooleanField(
        _l("Only one record says that the patient died, or says it differently. I checked it.")
    )

    def compare(self, kept: Patient, merged: Patient) -> None:
        """Offer the fields in which the two records differ, with the usual choice."""
        self.usual = applying.usual_choices(kept, merged)
        self.differing = applying.differences(kept, merged)
        for name, choice in self.usual.items():
            field = self[f"choice_{name}"]
            field.choices = [
                SelectChoice(rules.KEPT, kept.hospital_number),
                SelectChoice(rules.MERGED, merged.hospital_number),
            ]
            if field.data not in (rules.KEPT, rules.MERGED):
                field.data = choice

    def values(self) -> dict[str, Any]:
        choices = {name: self[f"choice_{name}"].data for name in self.usual}
        confirmed = [name for name in self.differing if self[f"confirm_{name}"].data]
        return {"reason": self.reason.data, "choices": choices, "confirmed": confirmed}


for _name, _label in FIELD_LABELS.items():
    setattr(MergeForm, f"choice_{_name}", RadioField(_label, choices=[], validate_choice=False))


class ApprovalForm(ProofForm):
    """The number of the record that ends, typed by the approver, and the password or a code."""

    typed_number = Text(_l("Number of the record that ends"), [Required()], longest=30)
    expected = ""

    def validate_typed_number(self, field: Text) -> None:
        """The typed number, with or without signs between its parts, is that of the record."""
        if _plain(field.data) != _plain(self.expected):
            raise ValidationError(_("Type %(number)s.", number=self.expected))

    def values(self) -> dict[str, Any]:
        return {"proof": self.proof.data}


def _plain(number: str) -> str:
    return "".join(sign for sign in number.casefold() if sign.isalnum())


class ReasonForm(ActionForm):
    """The reason for declining a request."""

    reason = Text(_l("Reason"), [Required()], longest=rules.MAX_REASON_LENGTH)


class SeparationForm(ReasonForm):
    """The reason, and the rows added since the merge that go to the merged record ("row": table and id)."""

    def values(self) -> dict[str, Any]:
        return {"reason": self.reason.data, "rows": chosen_rows(request.form.getlist("row"))}


def chosen_rows(sent: Iterable[str]) -> list[Row]:
    """The rows named by "table:id"; a text of another form names no row, which the action refuses."""
    rows = []
    for text in sent:
        table, _colon, row_id = text.partition(":")
        rows.append(Row(table[:63], parse_record_id(row_id) or 0))
    return rows


def row_key(row: Row) -> str:
    """How the page names a row in a form."""
    return f"{row.table}:{row.id}"
