"""What relatives and further phones are in FHIR: codes of HL7, and extensions of this program for what HL7 has no place for."""

from __future__ import annotations

from typing import Any

from hms.patients.enums import Relation

from . import fields

ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
RELATION, OWNER, LABEL = "urn:hms:relation", "urn:hms:phone-owner", "urn:hms:phone-label"
RECORD = "urn:hms:record"
"""Addresses of extensions: the relation of a contact, whose a phone is and what it is called, the relative's own record."""
_CODES = {
    Relation.MOTHER: "MTH",
    Relation.FATHER: "FTH",
    Relation.SPOUSE: "SPS",
    Relation.CHILD: "CHILD",
    Relation.SIBLING: "SIB",
    Relation.GRANDPARENT: "GRPRN",
    Relation.GUARDIAN: "GUARD",
    Relation.RELATIVE: "FAMMEMB",
    Relation.FRIEND: "FRND",
}
_NARROWER = {
    **{"WIFE": Relation.SPOUSE, "HUSB": Relation.SPOUSE, "DOMPART": Relation.SPOUSE},
    **{"SON": Relation.CHILD, "DAU": Relation.CHILD, "NCHILD": Relation.CHILD, "SONC": Relation.CHILD},
    **{"DAUC": Relation.CHILD, "BRO": Relation.SIBLING, "SIS": Relation.SIBLING, "NSIB": Relation.SIBLING},
    **{"NMTH": Relation.MOTHER, "NFTH": Relation.FATHER, "PRN": Relation.RELATIVE, "GRMTH": Relation.GRANDPARENT},
    **{"GRFTH": Relation.GRANDPARENT, "NBOR": Relation.FRIEND, "ROOM": Relation.FRIEND},
}
_BY_CODE = {code: relation for relation, code in _CODES.items()} | _NARROWER


def relationship(relation: str, words: str) -> dict[str, Any]:
    """The relation as a concept."""
    code = _CODES.get(Relation(relation), "")
    return {"coding": [{"system": ROLES, "code": code, "display": words}] if code else [], "text": words}


def extension(url: str, code: str) -> list[dict[str, str]]:
    """The extension of an element that says `code`."""
    return [{"url": url, "valueCode": code}]


def note(url: str, words: str) -> list[dict[str, str]]:
    """The extension of an element that says these words; none without words."""
    return [{"url": url, "valueString": words}] if words else []


def read_note(element: dict[str, Any], url: str) -> str:
    """The words of an extension of this program; "" when the element has none."""
    return _value_of_extension(element, url, "valueString")


def read_extension(element: dict[str, Any], url: str) -> str:
    """What an extension of this program says of the element; "" when it has none."""
    return _value_of_extension(element, url, "valueCode")


def _value_of_extension(element: dict[str, Any], url: str, name: str) -> str:
    """A text of an extension; those of others may be anything, and are passed over."""
    listed = element.get("extension")
    for part in listed if isinstance(listed, list) else ():
        if isinstance(part, dict) and part.get("url") == url and isinstance(part.get(name), str):
            return part[name]
    return ""


def read_relation(contact: dict[str, Any]) -> Relation:
    """The relation of a patient's contact; "other" when its codes are not known here."""
    said = read_extension(contact, RELATION)
    if said in set(Relation):
        return Relation(said)
    codes = {code for part in fields.parts(contact, "relationship") for code in _codes_of(part)}
    return next((_BY_CODE[code] for code in sorted(codes) if code in _BY_CODE), Relation.OTHER)


def _codes_of(concept: dict[str, Any]) -> set[str]:
    return {fields.line(coding, "code") for coding in fields.parts(concept, "coding")}
