"""Rules for usernames, e-mail addresses and phones."""

from __future__ import annotations

import re

from hms.core.errors import RuleBroken
from hms.core.text import phone_numbers
from hms.core.text.translation import N_

MAX_USERNAME_LENGTH, MAX_EMAIL_LENGTH, MAX_PHONE_LENGTH = 150, 254, 40
_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*")
_EMAIL = re.compile(
    r"[^@\s]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)


def username(text: str, field: str = "username") -> str:
    """The username to store, without spaces around it; raises `RuleBroken` on `field`. Usernames ignore case."""
    name = text.strip()
    if not name:
        raise RuleBroken(N_("Enter a username."), field)
    if len(name) > MAX_USERNAME_LENGTH or not _USERNAME.fullmatch(name):
        raise RuleBroken(N_("Use up to 150 letters A to Z, digits and . _ - + @ in a username, and no spaces."), field)
    return name


def email(text: str, field: str = "email") -> str:
    """The e-mail address to store, or ""; raises `RuleBroken` on `field`. Host names without a dot are allowed."""
    address = text.strip()
    if address and (len(address) > MAX_EMAIL_LENGTH or not _EMAIL.fullmatch(address) or not address.isprintable()):
        raise RuleBroken(N_("Enter the e-mail address like name@example.org."), field)
    return address


def phone(text: str, country: str, field: str = "phone") -> str:
    """The mobile phone to store, or "": a whole number, because messages are sent to it; raises `RuleBroken` on `field`."""
    number = phone_numbers.parse_phone(text, country)
    if number.as_typed and number.e164 is None:
        raise RuleBroken(
            N_("Enter the whole phone number, with the country code when it is of another country."), field
        )
    return number.e164 or ""
