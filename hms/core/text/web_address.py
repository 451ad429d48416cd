"""The address of another program that HMS calls (a gateway), checked when it is saved and again before it is used."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from hms.core.errors import RuleBroken

from .translation import N_

_NOT_ALLOWED = re.compile(r"[\x00-\x20\x7f-\uffff]")
_SECRET_NAME = re.compile(r"auth|key|pass|pwd|secret|token", re.IGNORECASE)


def names_secret(name: str) -> bool:
    """Whether a header or a parameter with this name usually holds a password."""
    return bool(_SECRET_NAME.search(name))


def check_web_address(address: str) -> None:
    """Raise `RuleBroken` unless `address` is blank or an http or https address with a host and without a password."""
    if not address:
        return
    if _NOT_ALLOWED.search(re.sub(r"\{\{\s*\w+\s*\}\}", "x", address)):
        raise RuleBroken(N_("The address may not hold blanks, control characters or letters with accents."))
    try:
        parts = urlsplit(address)
        has_host, _port = bool(parts.hostname), parts.port
    except ValueError as error:
        raise RuleBroken(N_("The address has no valid host or port. Check it.")) from error
    if parts.scheme not in ("http", "https"):
        raise RuleBroken(N_("The address must begin with https:// or http://."))
    if not has_host or "{{" in parts.netloc:
        raise RuleBroken(N_("The address names no host. Write it like https://gateway.example/send."))
    if "@" in parts.netloc:
        raise RuleBroken(N_("Leave the name and the password out of the address. Put the password into HMS_SMS_TOKEN."))
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if names_secret(name) and "{{" not in value:
            raise RuleBroken(
                N_("Leave the password out of the address. Put it into HMS_SMS_TOKEN, and write {{ token }}.")
            )
