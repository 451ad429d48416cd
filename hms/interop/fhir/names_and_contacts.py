"""Reads names and contacts of FHIR patients and practitioners."""

from __future__ import annotations

from typing import Any, NamedTuple

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_
from hms.patients.identity import names

from . import fields
from .ndjson import InvalidResource
from .relations import OWNER, read_extension

USES = ("official", "usual", "", "temp", "nickname", "anonymous", "old", "maiden")
CONTACT_USES = ("mobile", "home", "", "work", "temp")
_MAX_NAME_LENGTH = 300


class NoName(InvalidResource):
    """The resource has no name, or only one that says why there is none."""


class HumanName(NamedTuple):
    title: str
    given: str
    family: str


def human_name(resource: dict[str, Any]) -> HumanName:
    """The official name, else the next in the order of `USES`. A name that is only text is in `given`."""
    candidates = fields.parts(resource, "name")
    candidates.sort(key=lambda name: _rank(fields.code(name, "use"), USES))
    for name in candidates:
        given = " ".join(fields.tidy(part, "given", _MAX_NAME_LENGTH) for part in fields.listed(name, "given"))
        family = fields.line(name, "family", _MAX_NAME_LENGTH)
        if not given and not family:
            given = fields.line(name, "text", _MAX_NAME_LENGTH)
        if given or family:
            return HumanName(_title(name), *_checked(given, family))
    raise NoName(N_("it has no name."))


def _rank(use: str, order: tuple[str, ...]) -> int:
    return order.index(use) if use in order else len(order)


def _title(name: dict[str, Any]) -> str:
    prefixes = (fields.tidy(prefix, "prefix", 20).rstrip(".") for prefix in fields.listed(name, "prefix"))
    return fields.tidy(" ".join(prefixes), "prefix", 20)


def _checked(given: str, family: str) -> names.Names:
    try:
        return names.clean_names(given, family)
    except RuleBroken as error:
        raise InvalidResource(N_("its name cannot be saved: %(why)s"), why=error.sentence) from error


def contact(resource: dict[str, Any], system: str) -> str:
    """The first phone number ("phone") or address ("email") in the order of `CONTACT_USES`; "" when there is none."""
    contacts = usable_contacts(resource, system)
    return next((value for item in contacts if (value := fields.line(item, "value", 254))), "")


def usable_contacts(resource: dict[str, Any], system: str) -> list[dict[str, Any]]:
    """The contacts of a system that are not old, in the order of `CONTACT_USES`; those that this program wrote as further
    phones are last."""
    contacts = [item for item in fields.parts(resource, "telecom") if fields.code(item, "system") == system]
    usable = [item for item in contacts if fields.code(item, "use") != "old"]
    usable.sort(key=lambda item: (bool(read_extension(item, OWNER)), _rank(fields.code(item, "use"), CONTACT_USES)))
    return usable
