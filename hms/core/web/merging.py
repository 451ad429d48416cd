"""Two people save the same form: the fields are merged one by one, and nobody's words are lost.

A form that can be merged carries a mark of each value that it was opened with. When it comes back and the record was
changed meanwhile, a field that this person left alone takes the saved value. A field that both changed is shown side by
side, and is saved only when the person has chosen one of the two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import request
from flask_babel import gettext as _
from wtforms import BooleanField, PasswordField
from wtforms.fields.choices import SelectField, SelectMultipleField

from hms.core.errors import StaleVersion
from hms.core.text.translation import N_

OPENED, KEEP = "opened-", "keep-"
CHOOSE = N_("Someone else changed the same fields while you were working. Choose which to keep, then save again.")
MERGED = N_(
    "Someone else saved this while you were working. Their changes are in the form now. Check it, then save again."
)


@dataclass(frozen=True)
class Difference:
    """A field that is not as it is saved. With `must_choose` both people changed it."""

    name: str
    label: str
    saved: str
    typed: str
    mark: str
    must_choose: bool = False


class Merging:
    """Merges the values of `form` with the record. `read_stored` reads the record's values by field, and its `version`.

    `opened` are the marks of the values that the form was opened with; without it they are those in the request.
    """

    def __init__(
        self, form: Any, read_stored: Callable[[], Mapping[str, Any]], opened: Mapping[str, str] | None = None
    ) -> None:
        self.form, self._read_stored = form, read_stored
        self.differences: list[Difference] = []
        self.taken: list[str] = []
        """The names of the fields that took the saved value."""
        self.is_refused = False
        """Whether the person has to look at the form or choose first."""
        self._is_opening = opened is None and all(field.raw_data is None for field in form)
        sent = request.form.items() if opened is None else ()
        self._opened = dict(opened or {}) | opened_marks(dict(sent))

    def marks(self) -> dict[str, str]:
        """The marks to send with the form, by field; fields that are entered together have one, under the first name."""
        if self._is_opening:
            stored = self._stored_fields(self._read_stored())
            self._opened = {unit[0]: _mark(stored, unit) for unit in self._units(stored)}
            self._is_opening = False
        return self._opened

    def apply(self) -> bool:
        """Merge the typed values with the record. False when the person has to look at the form or choose first; it then
        shows why. The form gets the version of the record that it was merged with."""
        values = self._read_stored()
        stored, version = self._stored_fields(values), values.get("version")
        is_stale = _sent_version(self.form) not in (None, version)
        self.differences, self.taken, self.is_refused = [], [], False
        for unit in self._units(stored):
            self._merge(unit, stored, is_stale)
        if self.is_open_choice() or (is_stale and (self.differences or self.taken)):
            self._show(version)
            return False
        _set_version(self.form, version)
        return True

    def is_open_choice(self) -> bool:
        """Whether a field waits for the person's choice."""
        return any(difference.must_choose for difference in self.differences)

    def _merge(self, unit: tuple[str, ...], stored: Any, is_stale: bool) -> None:
        name, mark, opened = unit[0], _mark(stored, unit), self._opened.get(unit[0])
        if all(_was_not_on_page(self.form[part]) for part in unit):
            return
        if all(_is_same(self.form[part], stored[part]) for part in unit):
            self._opened[name] = mark
            return
        if opened == mark or (opened is None and not is_stale):
            self.differences.append(self._difference(unit, stored))
            return
        choice, _colon, seen = request.form.get(KEEP + name, "").partition(":")
        if seen == mark and choice in ("saved", "typed"):
            self._settle(unit, stored, choice)
        elif opened == _mark(self.form, unit):
            self._take(unit, stored)
        else:
            self._opened.setdefault(name, "unknown")
            self.differences.append(self._difference(unit, stored, must_choose=True))

    def _settle(self, unit: tuple[str, ...], stored: Any, choice: str) -> None:
        if choice == "saved":
            self._take(unit, stored)
        else:
            self._opened[unit[0]] = _mark(stored, unit)
            self.differences.append(self._difference(unit, stored))

    def _take(self, unit: tuple[str, ...], stored: Any) -> None:
        self.taken.append(unit[0])
        self._opened[unit[0]] = _mark(stored, unit)
        for part in unit:
            self.form[part].data = stored[part].data
            if hasattr(self.form[part], "typed"):
                self.form[part].typed = None

    def _difference(self, unit: tuple[str, ...], stored: Any, *, must_choose: bool = False) -> Difference:
        label = ", ".join(
            str(self.form[part].label.text) for part in unit if _words(self.form[part]) or part == unit[0]
        )
        saved, typed = (" ".join(filter(None, (_words(form[part]) for part in unit))) for form in (stored, self.form))
        return Difference(unit[0], label, saved, typed, _mark(stored, unit), must_choose)

    def _show(self, version: int | None) -> None:
        self.is_refused = True
        _set_version(self.form, version)
        self.form.refuse(StaleVersion(CHOOSE if self.is_open_choice() else MERGED))

    def _stored_fields(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Fields like those of the form with the record's values, to compare field with field. A field that is entered
        together with one of the record is blank."""
        together = {part for unit in self.form.entered_together for part in unit if values.keys() & set(unit)}
        stored = {}
        for field in self.form:
            name = field.short_name
            if (name in values or name in together) and _can_merge(field):
                stored[name] = self._copy(name)
                stored[name].process(None, *([values[name]] if name in values else []))
        return stored

    def _copy(self, name: str) -> Any:
        field = self.form.meta.bind_field(self.form, getattr(type(self.form), name), {"name": name, "prefix": ""})
        if isinstance(field, SelectField):
            field.choices = self.form[name].choices
        return field

    def _units(self, stored: Mapping[str, Any]) -> list[tuple[str, ...]]:
        together = {name: unit for unit in self.form.entered_together for name in unit}
        return list(dict.fromkeys(together.get(name, (name,)) for name in stored))


def opened_marks(sent: Mapping[str, Any]) -> dict[str, str]:
    """The marks in the fields that a page sent, by field."""
    marks = {name.removeprefix(OPENED): str(mark)[:40] for name, mark in sent.items() if name.startswith(OPENED)}
    return {name: mark for name, mark in marks.items() if len(name) <= 40}


def _was_not_on_page(field: Any) -> bool:
    return field.raw_data == [] and not isinstance(field, (BooleanField, SelectMultipleField))


def _can_merge(field: Any) -> bool:
    return field.short_name not in ("version", "csrf_token") and not isinstance(field, PasswordField)


def _text(field: Any) -> str:
    """The value of a field as text, without blanks at the ends of lines."""
    if isinstance(field, BooleanField):
        return "y" if field.data else ""
    if isinstance(field.data, (list, tuple, set, frozenset)):
        return "\n".join(sorted(map(str, field.data)))
    text = field._value() if hasattr(field, "typed") else "" if field.data is None else str(field.data)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _words(field: Any) -> str:
    """The value of a field as a person reads it."""
    if isinstance(field, BooleanField):
        return _("Yes") if field.data else _("No")
    if isinstance(field, SelectField):
        labels = {str(choice[0]): str(choice[1]) for choice in map(_choice_pair, field.choices or ())}
        return labels.get(_text(field), _text(field))
    return _text(field)


def _choice_pair(choice: Any) -> tuple[Any, Any]:
    return (choice.value, choice.label) if hasattr(choice, "value") else (choice[0], choice[1])


def _is_same(typed: Any, stored: Any) -> bool:
    has_parsed_both = hasattr(typed, "typed") and None not in (typed.data, stored.data)
    return _text(typed) == _text(stored) or (has_parsed_both and typed.data == stored.data)


def _mark(fields: Any, unit: tuple[str, ...]) -> str:
    joined = "\0".join(_text(fields[name]) for name in unit)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def _sent_version(form: Any) -> int | None:
    return form.version.data if "version" in form else None


def _set_version(form: Any, version: int | None) -> None:
    if "version" in form:
        form.version.data = version
        if hasattr(form.version, "typed"):
            form.version.typed = None
