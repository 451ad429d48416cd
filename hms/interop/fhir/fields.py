"""Typed reads of FHIR resource fields. Any field may have a wrong type: `InvalidResource` says which."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from hms.core import clock
from hms.core.text import formatting
from hms.core.text.cleaning import clean
from hms.core.text.translation import N_

from .ndjson import InvalidResource

MAX_TITLE_LENGTH = 500
MAX_NOTE_LENGTH = 2000
MAX_CODE_LENGTH = 100
MAX_NUMBER = Decimal(10) ** 15
SMALLEST_PLACES = -12
_BLANKS = re.compile(r"[ \t\r\n\u00a0]+")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_DATE_TIME = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?"
)


class Concept(NamedTuple):
    """A CodeableConcept: title, code, and URL of the code system."""

    title: str
    code: str
    system: str


NO_CONCEPT = Concept("", "", "")
DATA_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
"""A code of this system says why there is no value; it is no value itself."""
ABSENT_OR_UNKNOWN = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
"""Codes of the International Patient Summary: nothing known, or nothing there."""


def resource_id(resource: dict[str, Any]) -> str:
    value = resource.get("id")
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise InvalidResource(N_("it has no usable id."))
    return value


def line(element: dict[str, Any], name: str, longest: int = MAX_TITLE_LENGTH) -> str:
    """A text as one line, shortened with "…" beyond `longest` characters; "" when absent."""
    return tidy(element.get(name), name, longest)


def tidy(value: Any, name: str, longest: int = MAX_TITLE_LENGTH) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidResource(N_("“%(name)s” is not text."), name=name)
    flat = _BLANKS.sub(" ", value[: longest * 4]).strip()
    short = flat if len(flat) <= longest else flat[: longest - 1].rstrip() + "…"
    try:
        return clean(short, longest=longest * 4)
    except ValueError as error:
        raise InvalidResource(N_("“%(name)s” holds characters that cannot be shown."), name=name) from error


def code(element: dict[str, Any], name: str) -> str:
    """A code exactly as it was sent; `InvalidResource` when it is too long to be one."""
    value = line(element, name, MAX_TITLE_LENGTH)
    if len(value) > MAX_CODE_LENGTH:
        raise InvalidResource(N_("“%(name)s” is too long for a code."), name=name)
    return value


def part(element: dict[str, Any], name: str) -> dict[str, Any]:
    """The object under `name`; empty when absent."""
    value = element.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidResource(N_("“%(name)s” is not an object."), name=name)
    return value


def parts(element: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects listed under `name`."""
    items = listed(element, name)
    if not all(isinstance(item, dict) for item in items):
        raise InvalidResource(N_("“%(name)s” is not a list of objects."), name=name)
    return items


def listed(element: dict[str, Any], name: str) -> list[Any]:
    value = element.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidResource(N_("“%(name)s” is not a list."), name=name)
    return [item for item in value if item is not None]


def flag(element: dict[str, Any], name: str) -> bool | None:
    value = element.get(name)
    if value is not None and not isinstance(value, bool):
        raise InvalidResource(N_("“%(name)s” is neither true nor false."), name=name)
    return value


def number(element: dict[str, Any], name: str) -> Decimal | None:
    """The number under `name`, None when absent; `InvalidResource` when it is infinite, too large or too small."""
    value = element.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise InvalidResource(N_("“%(name)s” is not a number."), name=name)
    if isinstance(value, int) and abs(value) > MAX_NUMBER:
        raise InvalidResource(N_("“%(name)s” is too large or too small to be true."), name=name)
    result = Decimal(value)
    if not result.is_finite() or abs(result.adjusted()) > 15 or result.as_tuple().exponent < SMALLEST_PLACES:
        return _rounded(result, name)
    return result


def _rounded(value: Decimal, name: str) -> Decimal:
    """Round binary fractions such as 0.30000000000000004."""
    if not value.is_finite() or abs(value) > MAX_NUMBER or (value and value.adjusted() < SMALLEST_PLACES):
        raise InvalidResource(N_("“%(name)s” is too large or too small to be true."), name=name)
    return round(value, 6)


def number_text(value: Decimal) -> str:
    """The number without exponent and without zeros at the end of its decimals: 120, 0.5."""
    plain = f"{value:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def concept(element: dict[str, Any], name: str, *, prefer: tuple[str, ...] = ()) -> Concept:
    """The concept under `name`, with the code from the first code system of `prefer` that has one, else its first code."""
    return concept_of(part(element, name), prefer=prefer)


def concepts(element: dict[str, Any], name: str) -> list[Concept]:
    return [concept_of(item) for item in parts(element, name)]


def concept_of(value: dict[str, Any], *, prefer: tuple[str, ...] = ()) -> Concept:
    codings = parts(value, "coding")
    coded = [Concept(line(c, "display"), code(c, "code"), line(c, "system")) for c in codings]
    if any(candidate.system == DATA_ABSENT for candidate in coded):
        return NO_CONCEPT
    place = {system: rank for rank, system in enumerate(prefer)}
    coded.sort(key=lambda candidate: (not candidate.code, place.get(candidate.system, len(place))))
    best = coded[0] if coded else NO_CONCEPT
    title = (
        line(value, "text")
        or best.title
        or next((candidate.title for candidate in coded if candidate.title), "")
        or best.code
    )
    return Concept(title, best.code, best.system)


def codings(element: dict[str, Any], name: str) -> set[tuple[str, str]]:
    """The codes of a concept as (system, code)."""
    return {(line(coding, "system"), code(coding, "code")) for coding in parts(part(element, name), "coding")}


def status(element: dict[str, Any], name: str) -> str:
    """The code of a status that is a CodeableConcept: "active", "entered-in-error"…; "" when absent."""
    value = part(element, name)
    return next((coded for coding in parts(value, "coding") if (coded := code(coding, "code"))), "")


def day(element: dict[str, Any], name: str) -> date | None:
    """The date as written, in the source's time zone; the first day when only a year or month is known."""
    return _read(element, name)[0]


def is_whole_day(element: dict[str, Any], name: str) -> bool:
    """Whether the date names a day, not only a month or a year."""
    return len(element.get(name) or "") >= len("2000-01-01")


def instant(element: dict[str, Any], name: str) -> datetime | None:
    """The instant in UTC. Without a time it is midnight; without a zone the hospital's zone applies."""
    written_day, clock_time = _read(element, name)
    if written_day is None:
        return None
    if not clock_time:
        return clock.at(written_day, time.min)
    try:
        moment = datetime.fromisoformat(f"{written_day.isoformat()}{clock_time}")
    except ValueError as error:
        raise _no_date(name) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=clock.zone())).astimezone(UTC)


def partial_date(element: dict[str, Any], name: str, *, is_whole: Literal["day", "time"]) -> str:
    """What is known of a date that is less than a day (or a time): "2019", "2019-05"; "" when it is whole or absent."""
    written = element.get(name) or ""
    read_day, clock_time = _read(element, name)
    is_complete = bool(clock_time) if is_whole == "time" else is_whole_day(element, name)
    if read_day is None or is_complete:
        return ""
    return formatting.format_date(read_day) if is_whole_day(element, name) else written


def past_instant(element: dict[str, Any], name: str) -> datetime | None:
    """An instant that is not in the future; one day of tolerance for zones and clocks."""
    moment = instant(element, name)
    if moment is not None and moment > clock.now() + timedelta(days=1):
        raise InvalidResource(N_("“%(name)s” lies in the future."), name=name)
    return moment


def _read(element: dict[str, Any], name: str) -> tuple[date | None, str]:
    value = element.get(name)
    if value is None:
        return None, ""
    match = _DATE_TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _no_date(name)
    try:
        when = date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError as error:
        raise _no_date(name) from error
    if not 1800 <= when.year <= 2200:
        raise _no_date(name)
    return when, match[4] or ""


def _no_date(name: str) -> InvalidResource:
    return InvalidResource(N_("“%(name)s” is not a possible date."), name=name)
