"""Query parameters of the API: each endpoint declares its parameters, how they are parsed and who may use them.

A list declares them once and gets the values as an argument:

    ENCOUNTERS = parameters(**PAGING, **DAYS, patient=Id(), status=Choice(STATES, may_use=may_read_clinical))

    @api.get("/encounters/")
    @requires(Permission.LIST_ENCOUNTERS)
    @api.arguments(ENCOUNTERS, location="query")
    @api.response(200, EncounterOut(many=True))
    def encounters(arguments: dict[str, Any]) -> Response: ...

The guard (`core/web/guard.py`) refuses every other parameter of a GET below /api, and those that the person may not use:
a person who may not see a field may not filter or sort by it either. The OpenAPI document lists the declared parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load
from sqlalchemy import Select, String, bindparam

from hms.core import clock
from hms.core.db.keyset import Order, OrderedSelect
from hms.core.db.name_order import name_order
from hms.core.errors import DomainError
from hms.core.person import Person
from hms.core.text.cleaning import search_text
from hms.core.text.translation import N_, Sentence

from .fields import MAX_ID, Day, Text
from .localisation import translate

MAX_PAGE, MAX_PAGE_SIZE = 1_000_000, 100
MayUse = Callable[[Person], bool]
UNKNOWN = Sentence(N_("This address does not accept this parameter."))
NOT_ALLOWED = Sentence(N_("Your role may not use this parameter here."))
NOT_A_WHOLE_NUMBER = Sentence(N_("Enter a whole number."))
OUT_OF_RANGE = N_("Enter a whole number from %(least)s to %(most)s.")
SENT_TWICE = Sentence(N_("Send this parameter once."))


def everybody(_person: Person) -> bool:
    """The default of `may_use`: everybody who may read the list."""
    return True


class _Parameter(fields.Field):
    """A parameter; `may_use` returns whether a person may send it."""

    def __init__(self, *args: Any, may_use: MayUse = everybody, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.may_use = may_use

    def is_open_to(self, person: Person, text: str) -> bool:
        """Whether `person` may send this parameter with the value `text`."""
        return self.may_use(person)


class Number(_Parameter, fields.Integer):
    """A whole number from `least` to `most`, in ASCII digits."""

    def __init__(self, least: int = 0, most: int = MAX_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.least, self.most = least, most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not (isinstance(value, str) and value.isascii() and value.isdigit()):
            raise ValidationError(translate(NOT_A_WHOLE_NUMBER))
        if len(value) > len(str(MAX_ID)) or not self.least <= int(value) <= self.most:
            raise ValidationError(translate(Sentence(OUT_OF_RANGE, least=self.least, most=self.most)))
        return int(value)


class Id(Number):
    """The id of a record. A list accepts it under the field's name, the same with `_id`, and the names in `also`.

    `stands_for` is the field's name in such a second parameter.
    """

    def __init__(self, *, also: tuple[str, ...] = (), stands_for: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.also, self.stands_for = also, stands_for


class Choice(_Parameter, fields.String):
    """One of `known`."""

    def __init__(self, known: Iterable[str], *, description: str = "", **kwargs: Any) -> None:
        self.known = tuple(str(value) for value in known)
        metadata: dict[str, Any] = {"enum": list(self.known)}
        super().__init__(metadata=metadata | ({"description": description} if description else {}), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if value not in self.known:
            values = {"word": str(value)[:50], "known": ", ".join(self.known)}
            raise ValidationError(
                translate(Sentence(N_('"%(word)s" is not a valid choice. Use one of: %(known)s.'), **values))
            )
        return value


class Ordering(Choice):
    """The column to sort by, with a minus sign for descending order; `hidden` are columns that only some persons may use."""

    def __init__(self, columns: Iterable[str], *, hidden: Mapping[str, MayUse] | None = None, **kwargs: Any) -> None:
        super().__init__([sign + name for name in columns for sign in ("", "-")], **kwargs)
        self.hidden = dict(hidden or {})

    def is_open_to(self, person: Person, text: str) -> bool:
        return super().is_open_to(person, text) and self.hidden.get(text.removeprefix("-"), everybody)(person)


class Flag(_Parameter, fields.Boolean):
    """true, 1, false or 0."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        try:
            return {"true": True, "1": True, "false": False, "0": False}[str(value).lower()]
        except KeyError:
            raise ValidationError(translate(Sentence(N_("Must be true or false.")))) from None


class DayOf(_Parameter, Day):
    """A day as YYYY-MM-DD."""


class TextLine(_Parameter, Text):
    """One line of at most `longest` characters, not blank."""

    def __init__(self, longest: int, **kwargs: Any) -> None:
        super().__init__(longest, blank=False, **kwargs)


class Search(_Parameter, fields.String):
    """The words to search for. Any text is accepted; see `search_text`."""

    LONGEST = 100

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return search_text(value, longest=self.LONGEST)


class CursorText(_Parameter, fields.String):
    """A cursor of a list, or nothing to begin the list; `core/api/cursors.py` reads it."""


PAGING: dict[str, fields.Field] = {
    "page": Number(1, MAX_PAGE),
    "page_size": Number(1, MAX_PAGE_SIZE),
    "limit": Number(1, MAX_PAGE_SIZE),
    "cursor": CursorText(
        metadata={
            "description": "Reads a long list page by page. Begin with an empty cursor (`cursor=`), then follow `next` until "
            "it is null. Rows that are added or changed meanwhile move no other row to another page. A cursor is good for "
            "one day and the same filters and order; `count` is that of the first page. Not together with `page`."
        }
    ),
    "count": Choice(
        ("exact",),
        description="`count` and `X-Total-Count` are exact up to 10,000 rows; beyond that they are an estimate, and the "
        "header `X-Total-Count-Estimated` is `true`, unless `count=exact` is sent.",
    ),
}
"""The parameters of every list. `limit` is another name for `page_size`; more than 100 rows are refused."""


def days(may_use: MayUse = everybody) -> dict[str, fields.Field]:
    """The parameters `date`, or `date_from` and `date_to` (both days included). See `get_day_range`."""
    return {name: DayOf(may_use=may_use) for name in ("date", "date_from", "date_to")}


DAYS = days()


class Parameters(Schema):
    """The parameters of one endpoint; `parameters` makes it."""

    class Meta:
        unknown = EXCLUDE

    @post_load
    def one_spelling(self, arguments: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        """Put each `Id` under its field's name, whichever of its names was sent; refuse parameters that contradict."""
        for name, field in self.fields.items():
            field_name = getattr(field, "stands_for", "")
            if field_name and name in arguments:
                value = arguments.pop(name)
                if arguments.setdefault(field_name, value) != value:
                    _refuse_both(name, field_name)
        if arguments.get("limit", arguments.get("page_size")) != arguments.get("page_size", arguments.get("limit")):
            _refuse_both("limit", "page_size")
        if "cursor" in arguments and "page" in arguments:
            _refuse_both("cursor", "page")
        for name in ("date_from", "date_to"):
            if "date" in arguments and name in arguments:
                _refuse_both(name, "date")
        return arguments


def _refuse_both(name: str, other: str) -> None:
    sentence = Sentence(N_("Send this parameter or “%(other)s”, not both."), other=other)
    raise ValidationError({name: [translate(sentence)]})


def parameters(**known: fields.Field) -> Schema:
    """The declared parameters of an endpoint, for `api.arguments(…, location="query")`."""
    other_names = {
        name: Id(may_use=field.may_use, stands_for=field_name)
        for field_name, field in known.items()
        if isinstance(field, Id)
        for name in (f"{field_name}_id", *field.also)
    }
    return Parameters.from_dict({**known, **other_names})()


class ParametersRefused(DomainError):
    """Parameters that the endpoint does not declare, that this person may not use, or that were sent more than once: 400 with
    the name of each."""

    def __init__(self, unknown: list[str], not_allowed: list[str], sent_twice: list[str]) -> None:
        super().__init__(NOT_ALLOWED if not_allowed else UNKNOWN, code="parameter")
        self.is_denial = bool(not_allowed)
        self.messages = (
            dict.fromkeys(sent_twice, SENT_TWICE)
            | dict.fromkeys(unknown, UNKNOWN)
            | dict.fromkeys(not_allowed, NOT_ALLOWED)
        )


def check_parameters(declared: Schema | None, person: Person) -> None:
    """Raise `ParametersRefused` when the request has parameters that are not `declared`, that `person` may not use, or that
    are there more than once."""
    known = declared.fields if declared else {}
    unknown = [name for name in request.args if name not in known]
    not_allowed = [
        name
        for name, text in request.args.items()
        if isinstance(known.get(name), _Parameter) and not known[name].is_open_to(person, text)
    ]
    sent_twice = [name for name, texts in request.args.lists() if len(texts) > 1]
    if unknown or not_allowed or sent_twice:
        raise ParametersRefused(unknown, not_allowed, sent_twice)


def get_day_range(arguments: dict[str, Any]) -> tuple[date | None, date | None]:
    """The first and the last day of the parameters `DAYS`; None where the list is not limited."""
    day = arguments.get("date")
    return (day, day) if day else (arguments.get("date_from"), arguments.get("date_to"))


@dataclass(frozen=True)
class Bounds:
    """The start and the end of the requested days in hospital time, as instants; None where the list is not limited."""

    first: datetime | None = None
    end: datetime | None = None

    @classmethod
    def of_days(cls, first: date | None, last: date | None) -> Bounds:
        """The bounds of the days from `first` to `last`, both included."""
        return cls(clock.day_bounds(first)[0] if first else None, clock.day_bounds(last)[1] if last else None)

    def conditions(self, column: Any) -> list[Any]:
        """The conditions that `column` is in the requested days."""
        first = [] if self.first is None else [column >= self.first]
        return first if self.end is None else [*first, column < self.end]

    def include(self, instant: datetime | None) -> bool:
        """Whether `instant` is in the requested days; no instant is, when they are limited."""
        if instant is None:
            return self.first is None and self.end is None
        return (self.first is None or instant >= self.first) and (self.end is None or instant < self.end)

    def shape(self) -> BoundsShape:
        """Which of the two instants are set; lists with the same shape use the same cached statement."""
        return BoundsShape(self.first is not None, self.end is not None)

    def values(self) -> dict[str, Any]:
        """The values of the bound parameters of `BoundsShape.conditions`."""
        return {"bounds_first": self.first, "bounds_end": self.end}


@dataclass(frozen=True)
class BoundsShape:
    """`Bounds` without its instants, for a cached statement."""

    has_first: bool
    has_end: bool

    def conditions(self, column: Any) -> list[Any]:
        """The conditions of `Bounds.conditions`, with a bound parameter for each instant."""
        first = [column >= bindparam("bounds_first")] if self.has_first else []
        return [*first, column < bindparam("bounds_end")] if self.has_end else first


def bounds(arguments: dict[str, Any]) -> Bounds:
    """The days of the parameters `DAYS`, as instants."""
    return Bounds.of_days(*get_day_range(arguments))


def filter_by_columns(rows: Select, arguments: dict[str, Any], /, *, on: Any = None, **columns: Any) -> Select:
    """`rows` filtered by the arguments named in `columns`, and by the days of `DAYS` for the instant column `on`."""
    equals = [column == arguments[name] for name, column in columns.items() if arguments.get(name) is not None]
    return rows.where(*equals, *(() if on is None else bounds(arguments).conditions(on)))


def ordered(rows: Select, arguments: dict[str, Any], record_id: Any, /, **columns: Any) -> OrderedSelect:
    """`rows` sorted by the argument `ordering` (`Ordering`), newest first without one; equal rows by `record_id`.

    Text is sorted without regard to capitals and accents, as on the pages.
    """
    return OrderedSelect.of(rows, get_order(arguments.get("ordering", "-id"), record_id, columns))


def get_order(ordering: str, record_id: Any, columns: Mapping[str, Any]) -> Order:
    """The order of a value of `Ordering`."""
    sort_column = {"id": record_id, **columns}[ordering.removeprefix("-")]
    if isinstance(sort_column.type, String):
        (sort_column,) = name_order(sort_column)
    order = (record_id,) if sort_column is record_id else (sort_column, record_id)
    return Order(*order, is_descending=ordering.startswith("-"))
