"""Names and contacts, as FHIR writes them for patients and practitioners alike."""

from __future__ import annotations

from typing import Any, NamedTuple

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_
from hms.patients.identity import names

from . import fields
from .ndjson import InvalidResource

USES = ("official", "usual", "", "temp", "nickname", "anonymous", "old", "maiden")
CONTACT_USES = ("mobile", "home", "", "work", "temp")
_MAX_ASKED_LENGTH = 300


class HumanName(NamedTuple):
    title: str
    given: str
    family: str


def human_name(resource: dict[str, Any]) -> HumanName:
    """The official name, else the next best one. A name given only as text stands in `given`."""
    found = fields.parts(resource, "name")
    found.sort(key=lambda one: _rank(fields.code(one, "use"), USES))
    for one in found:
        given = " ".join(fields.tidy(each, "given", _MAX_ASKED_LENGTH) for each in fields.listed(one, "given"))
        family = fields.line(one, "family", _MAX_ASKED_LENGTH)
        if not given and not family:
            given = fields.line(one, "text", _MAX_ASKED_LENGTH)
        if given or family:
            return HumanName(_title(one), *_checked(given, family))
    raise InvalidResource(N_("it has no name."))


def _rank(use: str, order: tuple[str, ...]) -> int:
    return order.index(use) if use in order else len(order)


def _title(name: dict[str, Any]) -> str:
    prefixes = (fields.tidy(one, "prefix", 20).rstrip(".") for one in fields.listed(name, "prefix"))
    return fields.tidy(" ".join(prefixes), "prefix", 20)


def _checked(given: str, family: str) -> names.Names:
    try:
        return names.names(given, family)
    except RuleBroken as wrong:
        raise InvalidResource(N_("its name cannot be kept: %(why)s"), why=wrong.sentence) from wrong


def contact(resource: dict[str, Any], system: str) -> str:
    """The best phone number ("phone") or address ("email") that is still in use; "" when there is none."""
    found = [one for one in fields.parts(resource, "telecom") if fields.code(one, "system") == system]
    usable = [one for one in found if fields.code(one, "use") != "old"]
    usable.sort(key=lambda one: _rank(fields.code(one, "use"), CONTACT_USES))
    return next((told for one in usable if (told := fields.line(one, "value", 254))), "")
