"""Forms of the pharmacy's pages."""

from __future__ import annotations

import re
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField, FieldList, Form, FormField, HiddenField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice

from hms.core.errors import Conflict, RuleBroken
from hms.core.money import Money
from hms.core.text.numbers import parse_record_id
from hms.core.text.translation import N_
from hms.core.web.forms import ActionForm, MoneyField, RequiredMark, Text, WholeField
from hms.core.web.localisation import translate_error
from hms.formulary.rule_book.actions import ProposedLine
from hms.formulary.rule_book.rules import MAX_CELL, MAX_REASON
from hms.formulary.rule_book.words import CHOICE_LABELS
from hms.formulary.safety.rule_lists import Cell, CellKind, RuleList

from .dispensing.visit_view import Line, Visit
from .receiving.actions import MAX_LINES, Received
from .stock import queries

_PLAN = re.compile(r"[0-9]{1,18}x[0-9]{1,6}(,[0-9]{1,18}x[0-9]{1,6}){0,99}", re.ASCII)


def parse_batch_plan(text: str | None) -> list[tuple[int, int]] | None:
    """Parse the batch plan of the page, "12x24,15x3", into pairs of batch id and quantity; None when invalid."""
    if not text or not _PLAN.fullmatch(text):
        return None
    return [(int(batch), int(count)) for batch, _x, count in (part.partition("x") for part in text.split(","))]


class VisitForm(ActionForm):
    """Quantities to dispense for one visit; `visit_form` adds a field for each line."""

    collected_by = Text(_l("Collected by"), longest=100)

    def quantity(self, line: Line) -> Any:
        return self._fields.get(f"quantity-{line.id}")

    def values(self) -> dict[str, Any]:
        ids = [int(name.removeprefix("quantity-")) for name in self._fields if name.startswith("quantity-")]
        plans = {line_id: parse_batch_plan(request.form.get(f"plan-{line_id}")) for line_id in ids}
        return {
            "quantities": {line_id: self._fields[f"quantity-{line_id}"].data or 0 for line_id in ids},
            "plans": {line_id: plan for line_id, plan in plans.items() if plan},
            "collected_by": self.collected_by.data,
        }


def visit_form(visit: Visit) -> VisitForm:
    """The form for the lines that may be dispensed now, with the offered quantities as defaults."""
    quantities = {f"quantity-{line.id}": WholeField(_("Dispense"), default=line.offered) for line in visit.given_now}
    return type("FormOfVisit", (VisitForm,), quantities)()


class LineForm(ActionForm):
    """Dispense one line from a batch that the pharmacist chooses."""

    quantity = WholeField(_l("Dispense"))
    batch = SelectField(_l("Batch"), coerce=int)
    why = Text(_l("Reason for another batch"), longest=200)
    collected_by = Text(_l("Collected by"), longest=100)

    def values(self) -> dict[str, Any]:
        batch_id, quantity = self.batch.data, self.quantity.data
        picks = [(batch_id, quantity)] if batch_id and quantity else None
        return {
            "quantity": quantity if quantity is not None else 0,
            "batch_picks": picks,
            "reason": self.why.data,
            "collected_by": self.collected_by.data,
        }

    def refuse(self, error: RuleBroken | Conflict) -> None:
        field = "why" if error.field == "reason" else error.field
        super().refuse(type(error).from_error(error, field))


class ReasonForm(ActionForm):
    """The reason for a query, a hold or closing a line."""

    reason = Text(_l("Query or reason"), longest=500)


class ReturnForm(ActionForm):
    """A returned quantity, and whether it goes back to stock."""

    quantity = WholeField(_l("Quantity returned"))
    reason = Text(_l("Reason"), longest=200)
    goes_back = BooleanField(_l("It is unopened and returns to stock"))

    def values(self) -> dict[str, Any]:
        return super().values() | {"quantity": self.quantity.data or 0}


ADJUSTMENT_REASONS = (
    SelectChoice("Stock-Take Variance", _l("Counted a different quantity")),
    SelectChoice("Damaged", _l("Damaged")),
    SelectChoice("Expired-Discarded", _l("Expired and destroyed")),
    SelectChoice("Internal Transfer", _l("Moved to a ward")),
)


class AdjustForm(ActionForm):
    """Adjust a batch to the counted quantity, with the reason."""

    new_quantity = WholeField(_l("Counted quantity"))
    kind = SelectField(_l("Reason"), choices=list(ADJUSTMENT_REASONS))
    note = Text(_l("Note"), longest=200)
    seen = HiddenField()

    def values(self) -> dict[str, Any]:
        seen = self.seen.data or ""
        return {
            "new_quantity": -1 if self.new_quantity.data is None else self.new_quantity.data,
            "reason": " – ".join(part for part in (self.kind.data, self.note.data) if part),
            "seen": int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else None,
        }

    def refuse(self, error: RuleBroken | Conflict) -> None:
        names = {"quantity": "new_quantity", "reason": "kind"}
        super().refuse(type(error).from_error(error, names.get(error.field or "")))


class WriteOffForm(ActionForm):
    """Write off part of a batch, with the reason."""

    quantity = WholeField(_l("Write off"))
    kind = SelectField(_l("Reason"), choices=[ADJUSTMENT_REASONS[2], ADJUSTMENT_REASONS[1]])
    note = Text(_l("Note"), longest=200)

    def values(self) -> dict[str, Any]:
        reason = " – ".join(part for part in (self.kind.data, self.note.data) if part)
        return {"quantity": self.quantity.data or 0, "reason": reason}


class ReceivedLine(Form):
    """One line of a goods receipt, as typed."""

    medicine = Text(_l("Medicine"), longest=255)
    medication_id = HiddenField()
    lot_number = Text(_l("Batch"), longest=60)
    expires_on = Text(_l("Expiry"), longest=40)
    quantity = WholeField(_l("Quantity"))
    unit_cost = MoneyField(_l("Unit cost"))

    @property
    def is_blank(self) -> bool:
        return not any(field.raw_data and field.raw_data[0].strip() for field in self if field.name)

    @property
    def cost(self) -> Money | None:
        """The cost of the line; None when its unit cost is not entered."""
        if self.unit_cost.data is None:
            return None
        return self.unit_cost.data * min(self.quantity.data or 0, 100_000)

    def resolve(self) -> None:
        """Find the medicine by its name when none was chosen from the list."""
        if parse_record_id(self.medication_id.data or "") is not None:
            return
        self.medication_id.data = ""
        rows = queries.medicines_named(self.medicine.data or "", limit=2) if self.medicine.data else []
        exact = [row for row in rows if row.name.casefold() == self.medicine.data.casefold()] or rows
        if len(exact) == 1:
            self.medication_id.data = str(exact[0].id)

    def received(self) -> Received:
        return Received(
            medication_id=int(self.medication_id.data or 0),
            lot_number=self.lot_number.data or "",
            expires_on=self.expires_on.data or "",
            quantity=self.quantity.data or 0,
            unit_cost=self.unit_cost.data,
        )


class ReceiveForm(ActionForm):
    """A goods receipt; its lines are typed into a grid."""

    supplier = Text(_l("Supplier"), longest=200)
    invoice_number = Text(_l("Invoice number"), longest=60)
    lines = FieldList(FormField(ReceivedLine), min_entries=1, max_entries=MAX_LINES)

    @property
    def filled(self) -> list[Any]:
        return [entry for entry in self.lines if not entry.form.is_blank]

    @property
    def total(self) -> Money:
        return Money.total(entry.form.cost for entry in self.filled if entry.form.cost is not None)

    @property
    def without_cost(self) -> int:
        """The number of lines whose unit cost is not entered."""
        return sum(entry.form.cost is None for entry in self.filled)

    def values(self) -> dict[str, Any]:
        for entry in self.filled:
            entry.form.resolve()
        return {
            "supplier": self.supplier.data,
            "invoice_number": self.invoice_number.data,
            "lines": [entry.form.received() for entry in self.filled],
        }

    def refuse(self, error: RuleBroken | Conflict) -> None:
        """Show the error of a line in the cell of its field."""
        number, _dot, name = (error.field or "").removeprefix("lines.").partition(".")
        if not number.isdigit() or not name:
            super().refuse(error)
            return
        cell = {"medication_id": "medicine"}.get(name, name)
        super().refuse(type(error).from_error(error))
        self.form_errors = self.form_errors[:-1]
        field = self.filled[int(number)].form[cell]
        field.errors = [*field.errors, translate_error(error)]

    @property
    def has_line_errors(self) -> bool:
        return any(field.errors for entry in self.lines for field in entry.form)

    @property
    def status(self) -> int:
        return 400 if self.has_line_errors and not getattr(self, "conflict", None) else super().status

    def typed(self) -> dict[str, str]:
        """The typed text of each field, by the names that the fields have now."""
        cells = [field for entry in self.lines for field in entry.form]
        return {field.name: field._value() for field in (self.supplier, self.invoice_number, *cells)}

    def add_line(self) -> None:
        if len(self.lines) < MAX_LINES:
            self.lines.append_entry()

    def remove_line(self, number: int) -> None:
        """Remove a line from the grid; the only line is cleared instead."""
        if 0 <= number < len(self.lines):
            del self.lines.entries[number]
        if not self.lines.entries:
            self.lines.append_entry()
        for new_number, entry in enumerate(self.lines.entries):
            _rename(entry, new_number)


def _rename(entry: Any, number: int) -> None:
    """Rename the fields of a moved row to its new index."""
    entry.id = entry.name = entry.short_name = f"lines-{number}"
    for field in entry.form:
        field.name = field.id = f"lines-{number}-{field.short_name}"
        field.label.field_id = field.id


class RetireRuleForm(ActionForm):
    """The reason and the source of a change of a safety rule."""

    rule_list: RuleList
    key: str | None = None
    reason = Text(_l("Reason"), [RequiredMark()], longest=MAX_REASON)
    source = Text(_l("Source"), [RequiredMark()], longest=MAX_REASON)

    def values(self) -> dict[str, Any]:
        line = ProposedLine(self.rule_list.name, self.key, None)
        return {"lines": [line], "reason": self.reason.data, "source": self.source.data or ""}


class RuleFileForm(ActionForm):
    """A file with lists of rules, as a proposal."""

    file = FileField(_l("ZIP or CSV file"), [RequiredMark()])
    reason = Text(_l("Reason"), [RequiredMark()], longest=MAX_REASON)
    source = Text(_l("Source"), [RequiredMark()], longest=MAX_REASON)

    def values(self) -> dict[str, Any]:
        if not self.file.data:
            raise RuleBroken(N_("Choose the file."), "file")
        read = {"file_name": self.file.data.filename or "", "content": self.file.data.read()}
        return read | {"reason": self.reason.data or "", "source": self.source.data or ""}


class DeclineRuleForm(ActionForm):
    """The reason for declining a proposal."""

    reason = Text(_l("Reason for declining"), [RequiredMark()], longest=MAX_REASON)


class RuleForm(RetireRuleForm):
    """A line of a list of safety rules, with a field for each column; `rule_form` adds them."""

    def values(self) -> dict[str, Any]:
        cells = {name: self[name].data or "" for name in self.rule_list.columns}
        return super().values() | {"lines": [ProposedLine(self.rule_list.name, self.key, cells)]}


class RuleDifferenceForm(RetireRuleForm):
    """What becomes of a line that this hospital decided about, when the program brings another one."""

    choice = RadioField(
        _l("Decision"),
        choices=[
            SelectChoice("keep", _l("Keep the hospital's rule")),
            SelectChoice("take", _l("Take the program's rule")),
        ],
    )
    shipped: dict[str, str] | None = None

    def values(self) -> dict[str, Any]:
        line = ProposedLine(self.rule_list.name, self.key, self.shipped, keeps=self.choice.data == "keep")
        return super().values() | {"lines": [line]}


def rule_form(rule_list: RuleList, key: str | None = None, **values: Any) -> RuleForm:
    """The form for a line of `rule_list`: the one with this key, else a new one; `values` are shown at first."""
    fields = {cell.name: _rule_field(cell) for cell in rule_list.cells}
    return type("FormOfRule", (RuleForm,), {"rule_list": rule_list, "key": key} | fields)(**values)


def _rule_field(cell: Cell) -> Any:
    marks = [RequiredMark()] if cell.is_needed else []
    if cell.kind is not CellKind.CHOICE:
        return Text(cell.label, marks, longest=MAX_CELL)
    choices = [SelectChoice(name, CHOICE_LABELS.get(name, name)) for name in cell.choices if name]
    return SelectField(cell.label, marks, choices=[SelectChoice("", "–"), *choices])
