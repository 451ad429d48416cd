"""Reads a FHIR Patient into the columns of `patient`."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import current_app

from hms.core import clock
from hms.core.errors import RuleBroken
from hms.core.text import phone_numbers
from hms.core.text.translation import N_
from hms.interop.fhir import fields
from hms.interop.fhir.names_and_contacts import HumanName, NoName, contact, human_name
from hms.interop.fhir.ndjson import InvalidResource
from hms.interop.fhir.relations import RELATION, read_extension
from hms.patients.addresses import queries as areas
from hms.patients.identity import names
from hms.patients.identity.birth_dates import EARLIEST
from hms.patients.records.actions import MAX_LENGTH

MAX_ADDRESS_LENGTH = 255
MAX_KIN_LENGTH = 255
NATIONAL_NUMBERS = {"NI", "SS"}
"""Codes of identifier types (HL7 v2 table 0203) that a person has in a whole country."""


def values(resource: dict[str, Any]) -> dict[str, Any]:
    """The columns of `patient`. The hospital number is issued when the patient is new."""
    if fields.flag(resource, "active") is False:
        raise InvalidResource(N_("the record is no longer in use where it comes from."))
    name = _name(resource)
    phone = _phone(resource)
    birth = _birth(resource)
    return {
        "title": name.title,
        "given_names": name.given,
        "family_name": name.family,
        "sex": _sex(resource),
        "birth_date": birth,
        "birth_is_estimated": birth is not None and not fields.is_whole_day(resource, "birthDate"),
        **_death(resource),
        "phone": phone.e164 or phone.as_typed,
        "phone_is_checked": phone.e164 is not None,
        "email": contact(resource, "email"),
        "address": _address(resource),
        "next_of_kin": _next_of_kin(resource),
        "national_id": _national_id(resource),
        "other_names": _other_names(resource),
        "other_numbers": _other_numbers(resource),
        "language": _language(resource),
        **_area(resource),
    }


def _area(resource: dict[str, Any]) -> dict[str, int]:
    """The area of the address, when its district is the path of an area that this hospital has; nothing else is changed."""
    for address in fields.parts(resource, "address"):
        area_id = areas.find_by_path(fields.line(address, "district"))
        if area_id is not None:
            return {"area_id": area_id}
    return {}


def _name(resource: dict[str, Any]) -> HumanName:
    """The name; without one UNKNOWN and the source's number, so that the person's records are not lost."""
    try:
        return human_name(resource)
    except NoName:
        numbers = [fields.line(item, "value", 80) for item in fields.parts(resource, "identifier")]
        number = next((number for number in numbers if number), "") or fields.resource_id(resource)
        return HumanName("", number, names.UNKNOWN_FAMILY)


def _sex(resource: dict[str, Any]) -> str:
    code = fields.code(resource, "gender")
    try:
        return names.parse_sex(code or "unknown")
    except RuleBroken as error:
        raise InvalidResource(N_("“gender” must be female, male, other or unknown.")) from error


def _birth(resource: dict[str, Any]) -> date | None:
    day = fields.day(resource, "birthDate")
    if day is not None and not EARLIEST <= day <= clock.today():
        raise InvalidResource(N_("“birthDate” is not a possible date of birth."))
    return day


def _death(resource: dict[str, Any]) -> dict[str, Any]:
    """The day of death, or as much as is known of it; no day is made up."""
    died = fields.day(resource, "deceasedDateTime")
    if died is None:
        is_dead = fields.flag(resource, "deceasedBoolean") or "_deceasedDateTime" in resource
        return {"deceased_on": None, "deceased_text": "unknown" if is_dead else ""}
    known = fields.partial_date(resource, "deceasedDateTime", is_whole="day")
    born = str(resource.get("birthDate") or "")
    precision = min(len(resource["deceasedDateTime"]), len(born), len("2000-01-01"))
    if died > clock.today() or resource["deceasedDateTime"][:precision] < born[:precision]:
        raise InvalidResource(N_("“deceasedDateTime” is not a possible day of death."))
    return {"deceased_on": None if known else died, "deceased_text": known}


def _phone(resource: dict[str, Any]) -> phone_numbers.Phone:
    """The phone number, read in the country of the address when that is a two-letter code."""
    country = next((fields.line(address, "country") for address in fields.parts(resource, "address")), "").upper()
    is_code = len(country) == 2 and country.isascii() and country.isalpha()
    return phone_numbers.parse_phone(contact(resource, "phone"), country if is_code else current_app.config["COUNTRY"])


def _address(resource: dict[str, Any]) -> str:
    addresses = [address for address in fields.parts(resource, "address") if fields.code(address, "use") != "old"]
    if not addresses:
        return ""
    home = addresses[0]
    street = [fields.tidy(address, "address.line") for address in fields.listed(home, "line")]
    town = " ".join(part for part in (fields.line(home, "city"), fields.line(home, "postalCode")) if part)
    lines = [*street, town, fields.line(home, "state"), fields.line(home, "country")]
    written = ", ".join(part for part in lines if part) or fields.line(home, "text")
    return fields.tidy(written, "address", MAX_ADDRESS_LENGTH)


def _next_of_kin(resource: dict[str, Any]) -> str:
    for relative in fields.parts(resource, "contact")[:1]:
        if read_extension(relative, RELATION):
            return ""
        name = _relative_name(relative)
        relation = ", ".join(kind.title for kind in fields.concepts(relative, "relationship") if kind.title)
        words = [f"{name.given} {name.family}".strip() if name else "", relation, contact(relative, "phone")]
        return fields.tidy(", ".join(word for word in words if word), "contact", MAX_KIN_LENGTH)
    return ""


def _relative_name(relative: dict[str, Any]) -> HumanName | None:
    try:
        return human_name({"name": [fields.part(relative, "name")]})
    except NoName:
        return None


def _national_id(resource: dict[str, Any]) -> str:
    for identifier in fields.parts(resource, "identifier"):
        if fields.status(identifier, "type") in NATIONAL_NUMBERS:
            return fields.line(identifier, "value", 50)
    return ""


def _language(resource: dict[str, Any]) -> str:
    languages = fields.parts(resource, "communication")
    languages.sort(key=lambda item: fields.flag(item, "preferred") is not True)
    return fields.tidy(fields.concept(languages[0], "language").title, "language", 50) if languages else ""


def _other_names(resource: dict[str, Any]) -> str:
    """The names of before, beside the present one."""
    every = fields.parts(resource, "name")
    before = [name for name in every if fields.code(name, "use") in ("old", "maiden")] if len(every) > 1 else []
    written = " ".join(fields.line(name, "text") or fields.line(name, "family") for name in before)
    return fields.tidy(written.strip(), "name", MAX_LENGTH["other_names"])


def _other_numbers(resource: dict[str, Any]) -> str:
    """The numbers that were replaced, with commas between them."""
    old = [one for one in fields.parts(resource, "identifier") if fields.code(one, "use") == "old"]
    written = ", ".join(filter(None, (fields.line(one, "value") for one in old)))
    return fields.tidy(written, "identifier", MAX_LENGTH["other_numbers"])
