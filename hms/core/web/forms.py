"""Page forms: they check types and lengths, call the same action as the API, and show an error at its field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from flask import g, request
from flask_babel import Domain
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from werkzeug.datastructures import ImmutableMultiDict
from wtforms import IntegerField, SelectField, StringField, TextAreaField
from wtforms.i18n import messages_path
from wtforms.validators import DataRequired, InputRequired, StopValidation

from hms.core.errors import Conflict, RuleBroken, StaleVersion
from hms.core.money import MAX_VALUE, Money, TooLarge, currency_decimals, largest_amount
from hms.core.person import Person
from hms.core.text.cleaning import TextError, clean, without_control_characters
from hms.core.text.formatting import in_page_signs
from hms.core.text.numbers import parse_record_id, show, whole_number
from hms.core.text.translation import N_, Sentence

from .localisation import translate, translate_error
from .merging import Merging


def _missing(field: Any) -> str:
    """The message of a field that was left blank; it names the field."""
    if isinstance(field, SelectField):  # also of radio buttons
        return _("Choose “%(field)s”.", field=field.label.text)
    return _("Fill in “%(field)s”.", field=field.label.text)


class Required(DataRequired):
    """Requires a value; 0 is none, see `InputPresent`."""

    def __call__(self, form: Any, field: Any) -> None:
        self.message = _missing(field)
        super().__call__(form, field)


class RequiredMark:
    """Marks a field as required without checking it; the rules report what is missing."""

    field_flags = {"required": True}

    def __call__(self, form: Any, field: Any) -> None:
        """Check nothing."""


class InputPresent(InputRequired):
    """Requires a value that is not blank; 0 is a value, which `Required` refuses."""

    def __call__(self, form: Any, field: Any) -> None:
        if not field.raw_data or not str(field.raw_data[0]).strip():
            field.errors[:] = []
            raise StopValidation(_missing(field))


FROM_REQUEST = object()
NOT_AN_AMOUNT = {
    0: N_("Enter an amount without decimals, for example %(example)s."),
    2: N_("Enter an amount with at most two decimals, for example %(example)s."),
    3: N_("Enter an amount with at most three decimals, for example %(example)s."),
}
"""By the decimals of the currency."""
WTFORMS_SENTENCES = Domain(messages_path(), "wtforms")
"""WTForms' own sentences in every language. Flask-WTF would read their catalogue from the disk at each request."""


def _takes_files(form: FlaskForm, name: str) -> bool:
    declared = getattr(type(form), name, None)
    return getattr(declared, "field_class", None) is FileField


class ActionForm(FlaskForm):
    """A form of a desk. `save` calls the action with the form's data and returns whether it succeeded."""

    entered_together: tuple[tuple[str, ...], ...] = ()
    """Fields that mean something only together, such as day and time: a merge takes all of them from one person."""
    merging: Merging | None = None
    conflict: Conflict | None = None

    class Meta(FlaskForm.Meta):
        def get_translations(self, form: FlaskForm) -> Domain:
            return WTFORMS_SENTENCES

    def __init__(self, formdata: Any = FROM_REQUEST, **kwargs: Any) -> None:
        super().__init__(formdata=self._submitted_data() if formdata is FROM_REQUEST else formdata, **kwargs)

    def _submitted_data(self) -> ImmutableMultiDict[str, Any] | None:
        """The submitted fields: files for file fields, text for all others; None when no form was submitted.

        A file under the name of a text field is ignored.
        """
        if not self.is_submitted():
            return None
        files = [(name, file) for name, file in request.files.items(multi=True) if _takes_files(self, name)]
        return ImmutableMultiDict([*request.form.items(multi=True), *files])

    def merge_with(self, read_stored: Callable[[], Mapping[str, Any]], opened: Mapping[str, str] | None = None) -> None:
        """Merge with the record before saving, when somebody else saved it meanwhile; see `merging.Merging`."""
        self.merging = Merging(self, read_stored, opened)

    def save(self, action: Callable[..., Any], *, by: Person, **more: Any) -> bool:
        """Call `action` with the form's values and `more`. False when the form was not submitted or is refused; it then
        shows the errors.

        `self.result` has the action's return value. A conflict (409) is shown on the form too, and is in `self.conflict`.
        """
        self.result, self.conflict = None, None
        if not self.validate_on_submit() or (self.merging is not None and not self.merging.apply()):
            return False
        try:
            self.result = action(**self.values(), **more, by=by)
        except (RuleBroken, Conflict) as error:
            if not isinstance(error, StaleVersion) or self.merging is None or self.merging.apply():
                self.refuse(error)
            return False
        return True

    def values(self) -> dict[str, Any]:
        """The values by field name, without the CSRF token."""
        return {name: value for name, value in self.data.items() if name != "csrf_token"}

    def refuse(self, error: RuleBroken | Conflict) -> None:
        """Add the error to its field, or to the form."""
        self.conflict = error if isinstance(error, Conflict) else None
        g.form_refusal = error
        field = self._fields.get(error.field or "")
        if field is None:
            self.form_errors = [*self.form_errors, translate_error(error)]
        else:
            field.errors = [*field.errors, translate_error(error)]

    @property
    def status(self) -> int:
        """The HTTP status of the page that shows this form: 409 on a conflict, 400 with errors, else 200."""
        if getattr(self, "conflict", None):
            return 409
        return 400 if self.errors or self.form_errors else 200


def _clean_or_error(text: str, **limits: Any) -> str:
    """`clean(text)`; `ValueError` instead of `TextError`, whose message WTForms shows at the field."""
    try:
        return clean(text, **limits)
    except TextError as error:
        raise ValueError(translate(error.sentence)) from error


class Text(StringField):
    """One line of at most `longest` characters, cleaned; the value is `empty` when the field is left blank."""

    def __init__(
        self, label: str = "", validators: Any = None, *, longest: int = 255, empty: Any = "", **kwargs: Any
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.longest, self.empty, self.multiline = longest, empty, False

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            self.data = self.empty if self.data is None else self.data
            return
        self.data = without_control_characters(valuelist[0])
        cleaned = _clean_or_error(valuelist[0], longest=self.longest, multiline=self.multiline)
        self.data = cleaned or self.empty

    def _value(self) -> str:
        return str(self.data) if self.data is not None else ""


class LongText(TextAreaField):
    """Several lines of at most `longest` characters, cleaned."""

    def __init__(self, label: str = "", validators: Any = None, *, longest: int = 10_000, **kwargs: Any) -> None:
        super().__init__(label, validators, **kwargs)
        self.longest = longest

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            self.data = self.data or ""
            return
        self.data = without_control_characters(valuelist[0])
        self.data = _clean_or_error(valuelist[0], longest=self.longest, multiline=True)


class ParsedField(StringField):
    """One typed line that `parse` turns into a value (a date, a number, an amount). The typed text is shown again when
    `parse` raises `RuleBroken`."""

    def __init__(
        self,
        label: str = "",
        validators: Any = None,
        *,
        parse: Callable[[str], Any],
        show: Callable[[Any], str] = str,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.parse, self.show, self.typed = parse, show, None

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return
        self.typed, self.data = without_control_characters(valuelist[0]), None
        text = _clean_or_error(valuelist[0], longest=100)
        if not text:
            return
        try:
            self.data = self.parse(text)
        except RuleBroken as error:
            raise ValueError(translate_error(error)) from error

    def _value(self) -> str:
        if self.typed is not None:
            return self.typed
        return "" if self.data is None else self.show(self.data)


def _amount(text: str, largest: Decimal = MAX_VALUE) -> Money:
    try:
        return Money.parse(text, largest)
    except TooLarge as error:
        shown = in_page_signs(largest_amount(largest))
        raise RuleBroken(N_("Enter an amount of at most %(largest)s."), largest=shown) from error
    except ValueError as error:
        raise RuleBroken(not_an_amount()) from error


def not_an_amount() -> Sentence:
    """Says how an amount is typed here: with the decimals of the currency and the decimal sign of the page."""
    example = in_page_signs(f"{Decimal(1250):,.{currency_decimals()}f}")
    return Sentence(NOT_AN_AMOUNT[currency_decimals()], example=example)


class MoneyField(ParsedField):
    """An amount in the hospital's currency, of at most `largest`."""

    def __init__(self, label: str = "", validators: Any = None, *, largest: Decimal = MAX_VALUE, **kwargs: Any) -> None:
        super().__init__(label, validators, parse=partial(_amount, largest=largest), show=show, **kwargs)


def _whole(text: str) -> int:
    try:
        return whole_number(text)
    except ValueError as error:
        raise RuleBroken(N_("Enter a whole number.")) from error


class WholeField(ParsedField):
    """A whole number, zero or more."""

    def __init__(self, label: str = "", validators: Any = None, **kwargs: Any) -> None:
        super().__init__(label, validators, parse=_whole, **kwargs)


class RecordIdField(IntegerField):
    """The id of a record chosen on the page (hidden field or combobox)."""

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist or not valuelist[0].strip():
            self.data = None
            return
        self.data = parse_record_id(valuelist[0].strip())
        if self.data is None:
            raise ValueError(_l("Choose one from the list."))
