"""Rules of phones and relatives: what is stored of the typed values."""

from __future__ import annotations

from typing import Any

from hms.core.errors import RuleBroken
from hms.core.text import phone_numbers
from hms.core.text.cleaning import clean_field, clean_name
from hms.core.text.translation import N_
from hms.patients.enums import PhoneOwner, Relation

MAX_NUMBER_LENGTH = 50
MAX_LABEL_LENGTH = 60
MAX_NAME_LENGTH = 100


def clean_phone(number: str, owner: str, label: str, country: str, *, prefix: str = "") -> dict[str, Any]:
    """The columns of a phone. `RuleBroken` names the field, which begins with `prefix`."""
    typed = clean_field(number, f"{prefix}number", longest=MAX_NUMBER_LENGTH)
    if not any(sign.isdigit() for sign in typed):
        raise RuleBroken(N_("Enter the phone."), f"{prefix}number")
    if owner not in set(PhoneOwner):
        raise RuleBroken(N_("Choose whose phone it is."), f"{prefix}owner")
    phone = phone_numbers.parse_phone(typed, country)
    return {
        "number": phone.e164 or phone.as_typed,
        "is_checked": phone.e164 is not None,
        "owner": owner,
        "label": clean_field(label, f"{prefix}label", longest=MAX_LABEL_LENGTH),
    }


def clean_relative(name: str, relation: str, phone: str, country: str, *, prefix: str = "") -> dict[str, Any]:
    """The columns of a relative. `RuleBroken` names the field, which begins with `prefix`."""
    cleaned = clean_name(name, f"{prefix}name", longest=MAX_NAME_LENGTH)
    if not cleaned:
        raise RuleBroken(N_("Enter the name."), f"{prefix}name")
    if relation not in set(Relation):
        raise RuleBroken(N_("Choose the relation."), f"{prefix}relation")
    typed = clean_field(phone, f"{prefix}phone", longest=MAX_NUMBER_LENGTH)
    parsed = phone_numbers.parse_phone(typed, country)
    return {
        "name": cleaned,
        "relation": relation,
        "phone": parsed.e164 or parsed.as_typed,
        "phone_is_checked": parsed.e164 is not None,
    }
