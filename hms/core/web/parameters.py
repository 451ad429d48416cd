"""Query parameters of the API: each endpoint declares the ones it knows, how they are read and who may use them.

A list declares them once and takes the values as an argument:

    ENCOUNTERS = parameters(**PAGING, **DAYS, patient=Id(), status=Choice(STATES, may_use=may_read_clinical))

    @api.get("/encounters/")
    @needs(Action.LIST_ENCOUNTERS)
    @api.arguments(ENCOUNTERS, location="query")
    @api.response(200, EncounterOut(many=True))
    def encounters(arguments: dict[str, Any]) -> Response: ...

The guard (`core/web/guard.py`) refuses every other parameter of a GET below /api, and those that the person may not use: whoever
may not see a field may not filter or sort by it either. The OpenAPI document lists what is declared here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load
from sqlalchemy import Select, bindparam

from hms.core import clock
from hms.core.errors import DomainError
from hms.core.person import Person
from hms.core.text.cleaning import search_text
from hms.core.text.translation import N_, Sentence

from .fields import MAX_ID, Day, Text
from .localisation import translate

MAX_PAGE = 1_000_000
MayUse = Callable[[Person], bool]
UNKNOWN = Sentence(N_("This address does not accept this parameter."))
NOT_YOURS = Sentence(N_("Your role may not use this parameter here."))
NOT_WHOLE = Sentence(N_("Enter a whole number."))
OUT_OF_RANGE = Sentence(N_("Enter a whole number within range."))


def everybody(_who: Person) -> bool:
    """Anybody who may read the list."""
    return True


class _Parameter(fields.Field):
    """A parameter; `may_use` says who may give it."""

    def __init__(self, *args: Any, may_use: MayUse = everybody, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.may_use = may_use

    def is_open_to(self, who: Person, text: str) -> bool:
        """Whether `who` may give this parameter the value `text`."""
        return self.may_use(who)


class Number(_Parameter, fields.Integer):
    """A whole number from `least` to `most`, in ASCII digits."""

    def __init__(self, least: int = 0, most: int = MAX_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.least, self.most = least, most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not (isinstance(value, str) and value.isascii() and value.isdigit()):
            raise ValidationError(translate(NOT_WHOLE))
        if len(value) > len(str(MAX_ID)) or not self.least <= int(value) <= self.most:
            raise ValidationError(translate(OUT_OF_RANGE))
        return int(value)


class Id(Number):
    """The id of a record. A list takes it under its field's name, under the same with `_id`, and as `also` says."""

    def __init__(self, *, also: tuple[str, ...] = (), stands_for: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.also, self.stands_for = also, stands_for


class Choice(_Parameter, fields.String):
    """One of `known`."""

    def __init__(self, known: Iterable[str], **kwargs: Any) -> None:
        self.known = tuple(str(one) for one in known)
        super().__init__(metadata={"enum": list(self.known)}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if value not in self.known:
            values = {"word": str(value)[:50], "known": ", ".join(self.known)}
            raise ValidationError(
                translate(Sentence(N_('"%(word)s" is not a valid choice. Give one of: %(known)s.'), **values))
            )
        return value


class Ordering(Choice):
    """What a list is sorted by, with a minus sign the other way round; `hidden` names columns that not everybody sees."""

    def __init__(self, columns: Iterable[str], *, hidden: Mapping[str, MayUse] | None = None, **kwargs: Any) -> None:
        super().__init__([sign + name for name in columns for sign in ("", "-")], **kwargs)
        self.hidden = dict(hidden or {})

    def is_open_to(self, who: Person, text: str) -> bool:
        return super().is_open_to(who, text) and self.hidden.get(text.removeprefix("-"), everybody)(who)


class Flag(_Parameter, fields.Boolean):
    """true, 1, false or 0."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        try:
            return {"true": True, "1": True, "false": False, "0": False}[str(value).lower()]
        except KeyError:
            raise ValidationError(translate(Sentence(N_("Must be true or false.")))) from None


class DayOf(_Parameter, Day):
    """A day as YYYY-MM-DD; left empty it is not asked for."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date | None:
        return super()._deserialize(value, attr, data, **kwargs) if value else None


class Words(_Parameter, Text):
    """One line of at most `longest` characters."""


class Search(_Parameter, fields.String):
    """The words to search for. Any text is accepted; see `text.sought`."""

    LONGEST = 100

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return search_text(value, longest=self.LONGEST)


PAGING: dict[str, fields.Field] = {
    "page": Number(1, MAX_PAGE),
    "page_size": Number(1, MAX_PAGE),
    "limit": Number(1, MAX_PAGE),
    "count": Choice(("exact",)),
}
"""What every list takes. `limit` is another name for `page_size`; more than 100 rows are never given at once."""


def days(may_use: MayUse = everybody) -> dict[str, fields.Field]:
    """`date`, or `date_from` and `date_to`; both included. See `first_and_last`."""
    return {name: DayOf(may_use=may_use) for name in ("date", "date_from", "date_to")}


DAYS = days()


class Parameters(Schema):
    """The parameters of one endpoint. Made by `parameters`."""

    class Meta:
        unknown = EXCLUDE

    @post_load
    def one_spelling(self, arguments: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        """Each record under its field's name, whatever spelling was sent."""
        for name, field in self.fields.items():
            plain = getattr(field, "stands_for", "")
            if plain and name in arguments:
                arguments.setdefault(plain, arguments.pop(name))
        return arguments


def parameters(**known: fields.Field) -> Schema:
    """The declared parameters of an endpoint, for `api.arguments(…, location="query")`."""
    others = {
        name: Id(may_use=field.may_use, stands_for=plain)
        for plain, field in known.items()
        if isinstance(field, Id)
        for name in (f"{plain}_id", *field.also)
    }
    return Parameters.from_dict({**known, **others})()


class ParametersRefused(DomainError):
    """Parameters that the address does not know, or that are not for this person: 400 with the name of each."""

    def __init__(self, unknown: list[str], not_yours: list[str]) -> None:
        super().__init__(NOT_YOURS if not_yours else UNKNOWN, code="parameter")
        self.is_denial = bool(not_yours)
        self.messages = dict.fromkeys(unknown, UNKNOWN) | dict.fromkeys(not_yours, NOT_YOURS)


def check_parameters(declared: Schema | None, who: Person) -> None:
    """Raise `ParametersRefused` for what this request asks beyond the `declared` parameters, or may not ask."""
    known = declared.fields if declared else {}
    unknown = [name for name in request.args if name not in known]
    not_yours = [
        name
        for name, text in request.args.items()
        if isinstance(known.get(name), _Parameter) and not known[name].is_open_to(who, text)
    ]
    if unknown or not_yours:
        raise ParametersRefused(unknown, not_yours)


def first_and_last(arguments: dict[str, Any]) -> tuple[date | None, date | None]:
    """The days asked for with `DAYS`; None where none was."""
    day = arguments.get("date")
    return (day, day) if day else (arguments.get("date_from"), arguments.get("date_to"))


@dataclass(frozen=True)
class Bounds:
    """The instants at which the hospital days asked for begin and are over; None where none was asked for."""

    first: datetime | None = None
    end: datetime | None = None

    def conditions(self, column: Any) -> list[Any]:
        """What keeps the rows whose `column` lies within."""
        first = [] if self.first is None else [column >= self.first]
        return first if self.end is None else [*first, column < self.end]

    def shape(self) -> BoundsShape:
        """Which of both instants there are; lists between days of one shape are one statement."""
        return BoundsShape(self.first is not None, self.end is not None)

    def values(self) -> dict[str, Any]:
        """The values of `BoundsShape.conditions`, by their names in the statement."""
        return {"bounds_first": self.first, "bounds_end": self.end}


@dataclass(frozen=True)
class BoundsShape:
    """`Bounds` without its instants, for a statement that is built once."""

    has_first: bool
    has_end: bool

    def conditions(self, column: Any) -> list[Any]:
        """What `Bounds.conditions` asks, with a bound parameter for each instant."""
        first = [column >= bindparam("bounds_first")] if self.has_first else []
        return [*first, column < bindparam("bounds_end")] if self.has_end else first


def bounds(arguments: dict[str, Any]) -> Bounds:
    """The days asked for with `DAYS`, as instants."""
    first, last = first_and_last(arguments)
    return Bounds(clock.day_bounds(first)[0] if first else None, clock.day_bounds(last)[1] if last else None)


def filter_by_columns(rows: Select, arguments: dict[str, Any], /, *, on: Any = None, **columns: Any) -> Select:
    """`rows` where each of `columns` has the value asked for under its name, and the instant `on` lies in the days asked."""
    chosen = [column == arguments[name] for name, column in columns.items() if arguments.get(name) is not None]
    return rows.where(*chosen, *(() if on is None else bounds(arguments).conditions(on)))


def ordered(rows: Select, arguments: dict[str, Any], record_id: Any, /, **columns: Any) -> Select:
    """`rows` in the order asked for (`Ordering`), newest first without one."""
    ordering = arguments.get("ordering", "-id")
    column = {"id": record_id, **columns}[ordering.removeprefix("-")]
    order = (column, record_id)
    return rows.order_by(None).order_by(*(one.desc() for one in order) if ordering.startswith("-") else order)
