"""FHIR references: literal, logical (by identifier), or contained."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import unquote

from hms.core.text.translation import N_

from .fields import line, part, parts
from .ndjson import InvalidResource

MAX_LENGTH = 500
_ADDRESS = re.compile(r"(?:.*/)?([A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_URN = re.compile(r"urn:(?:uuid|oid):([A-Za-z0-9\-.]{1,64})")
_BY_IDENTIFIER = re.compile(r"([A-Za-z]+)\?identifier=(.+)")


class Reference(NamedTuple):
    """Another resource: `external_id` is "Patient/123"; else `identifier` is "system|value"."""

    kind: str
    external_id: str = ""
    identifier: str = ""
    display: str = ""

    def __str__(self) -> str:
        return self.external_id or f"{self.kind} {self.identifier}"


def identifiers(resource: dict[str, Any]) -> list[str]:
    """Identifiers of the resource as "system|value"."""
    texts = (identifier_text(item) for item in parts(resource, "identifier"))
    return sorted({item for item in texts if item})


def identifier_text(identifier: dict[str, Any]) -> str:
    value = line(identifier, "value", MAX_LENGTH)
    return f"{line(identifier, 'system', MAX_LENGTH)}|{value}" if value else ""


def reference(element: dict[str, Any], name: str, kind: str) -> Reference | None:
    """The reference under `name`; None when it is absent or refers to another resource type."""
    value = part(element, name)
    display = line(value, "display")
    address = line(value, "reference", MAX_LENGTH)
    if not address:
        known_by = identifier_text(part(value, "identifier"))
        return Reference(kind, identifier=known_by, display=display) if known_by or display else None
    parsed = read_address(address, kind)
    if parsed is None:
        raise InvalidResource(N_("“%(name)s” holds a reference that cannot be read."), name=name)
    return parsed._replace(display=display) if parsed.kind == kind else None


def read_address(address: str, kind: str) -> Reference | None:
    """The reference in a URL, a URN (of a `kind`) or a search by identifier; None when it is none of them."""
    if by_identifier := _BY_IDENTIFIER.fullmatch(address):
        return Reference(by_identifier[1], identifier=unquote(by_identifier[2]))
    if urn := _URN.fullmatch(address):
        return Reference(kind, f"{kind}/{urn[1]}")
    if match := _ADDRESS.fullmatch(address):
        return Reference(match[1], f"{match[1]}/{match[2]}")
    return Reference("#") if address.startswith("#") else None


def patient_reference(resource: dict[str, Any], name: str) -> Reference:
    """The reference to the resource's patient; `InvalidResource` when there is none."""
    patient = reference(resource, name, "Patient")
    if patient is None or not (patient.external_id or patient.identifier):
        raise InvalidResource(N_("it does not say which patient it is about."))
    return patient
