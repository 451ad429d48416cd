"""The form for the results of one order, with a field for each value."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from hms.core.errors import DomainError
from hms.core.text.numbers import show
from hms.core.web.forms import ActionForm, LongText, Text, WholeField

from . import rules
from .catalogue import LabTest
from .models import LabOrder, LabResult


class ResultForm(ActionForm):
    """The fields of every order; `build_result_form` adds the values."""

    version = WholeField()
    reason = Text(_l("Reason for correction"), longest=500)

    def refuse_at(self, refusal: DomainError, fields: dict[str, str]) -> None:
        """Show the error at the field of its test code (`fields`: field names by code)."""
        self.refuse(type(refusal).from_error(refusal, fields.get(refusal.field or "", refusal.field)))


def build_result_form(order: LabOrder, current: dict[str, LabResult]) -> tuple[ResultForm, dict[str, str]]:
    """The form of an order, filled with its current values, and the field names by test code."""
    tests = rules.tests_of_order(order.test_code, order.test_name)
    fields = {test.code: f"value_{test.code}" for test in tests}
    form_class = type("OrderResultForm", (ResultForm,), {fields[test.code]: _field(test) for test in tests})
    return form_class(data=stored_values(order, current, fields)), fields


def stored_values(order: LabOrder, current: dict[str, LabResult], fields: dict[str, str]) -> dict[str, Any]:
    """The current results as the fields of the form; a value that is not entered yet is blank."""
    values = {name: _as_typed(current[code]) if code in current else "" for code, name in fields.items()}
    return values | {"version": order.version}


def _field(test: LabTest) -> Any:
    if test.result == "choice":
        choices = [SelectChoice("", _l("Not done")), *(SelectChoice(result, result) for result in test.choices)]
        return SelectField(test.name, choices=choices, validate_choice=False)
    if test.result == "text":
        return LongText(test.name, longest=rules.MAX_TEXT_LENGTH)
    return Text(test.name, longest=30)


def _as_typed(result: LabResult) -> str:
    """The result as the page reads it: with the hospital's decimal sign, also behind "<" and ">"."""
    if result.number is not None:
        return show(result.number.normalize())
    bound = rules.split_bound(result.value)
    return result.value if bound is None else f"{bound[0]}{show(bound[1])}{bound[2]}"
