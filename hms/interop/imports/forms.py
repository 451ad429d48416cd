"""Forms of imports: the file, and what its columns are."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField, SelectField
from wtforms.fields.choices import SelectChoice

from hms.core.errors import RuleBroken
from hms.core.person import Person
from hms.core.settings.decimal_sign import decimal_sign
from hms.core.text.numbers import COMMA, POINT
from hms.core.text.translation import N_
from hms.core.web.forms import ActionForm, Required, RequiredMark
from hms.interop.models import ImportBatch

from .fields import DateOrder
from .kind import ImportKind
from .kinds import open_kinds
from .reader import read_file

DATE_ORDERS = [
    SelectChoice("", _l("As the file shows it")),
    SelectChoice(DateOrder.DAY_FIRST, _l("Day first: 27/3/2007")),
    SelectChoice(DateOrder.MONTH_FIRST, _l("Month first: 3/27/2007")),
]
DECIMAL_SIGNS = [SelectChoice(POINT, _l("Point: 1,250.00")), SelectChoice(COMMA, _l("Comma: 1.250,00"))]


class FileForm(ActionForm):
    """A file, and what it contains."""

    kind = SelectField(_l("What the file contains"), [Required()])
    file = FileField(_l("CSV or XLSX file"), [RequiredMark()])

    def __init__(self, person: Person, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        choices = [SelectChoice(kind.name, kind.label) for kind in open_kinds(person)]
        self.kind.choices = choices if len(choices) == 1 else [SelectChoice("", _("Choose")), *choices]

    def values(self) -> dict[str, Any]:
        if not self.file.data:
            raise RuleBroken(N_("Choose the file."), "file")
        table = read_file(self.file.data.read(), decimal_sign())
        return {"kind": self.kind.data, "file_name": self.file.data.filename or "", "table": table}


class ColumnsForm(ActionForm):
    """Which column of the file is which field, and how the file writes dates and numbers."""

    date_order = SelectField(_l("Dates are written"), choices=DATE_ORDERS, validate_choice=False)
    decimal_sign = SelectField(_l("Decimal sign"), choices=DECIMAL_SIGNS, validate_choice=False)

    changes_existing = BooleanField(_l("Change what is in the list already, where the file has another price"))

    @property
    def column_fields(self) -> list[Any]:
        """The fields with a column each."""
        return [field for field in self if field.name.startswith("column_")]

    def values(self) -> dict[str, Any]:
        chosen = {field.name.removeprefix("column_"): field.data for field in self.column_fields if field.data}
        columns = {name: int(place) if place.isascii() and place.isdigit() else -1 for name, place in chosen.items()}
        names = ("date_order", "decimal_sign", "changes_existing")
        return {"columns": columns} | {name: self[name].data for name in names}


def columns_form(batch: ImportBatch, kind: ImportKind) -> ColumnsForm:
    """The form with a field for each column that the kind knows."""
    headings = [
        SelectChoice(str(place), heading or _("Column %(number)s", number=place + 1))
        for place, heading in enumerate(batch.headings)
    ]
    choices = [SelectChoice("", _("Not in the file")), *headings]
    fields = {
        f"column_{field.name}": SelectField(
            field.label,
            choices=choices,
            default=str(batch.columns.get(field.name, "")),
            validate_choice=False,
            validators=[RequiredMark()] if field.is_required else [],
        )
        for field in kind.fields
    }
    form_class = type("ColumnsFormOfKind", (ColumnsForm,), fields)
    names = ("date_order", "decimal_sign", "changes_existing")
    return form_class(data={name: getattr(batch, name) for name in names})
