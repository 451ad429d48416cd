"""What must be true of accounts: usernames and e-mail addresses."""

from __future__ import annotations

import re

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_

MAX_USERNAME_LENGTH, MAX_EMAIL_LENGTH = 150, 254
_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*")
_EMAIL = re.compile(
    r"[^@\s]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)


def username(text: str, field: str = "username") -> str:
    """The username as it is kept; compare it without case. `RuleBroken` on `field` says what it may hold."""
    typed = text.strip()
    if not typed:
        raise RuleBroken(N_("Enter a username."), field)
    if len(typed) > MAX_USERNAME_LENGTH or not _USERNAME.fullmatch(typed):
        raise RuleBroken(N_("Use up to 150 letters A to Z, digits and . _ - + @ in a username, and no spaces."), field)
    return typed


def email(text: str, field: str = "email") -> str:
    """The address as it is kept, or nothing; hosts of the hospital's own network without a dot are fine."""
    typed = text.strip()
    if typed and (len(typed) > MAX_EMAIL_LENGTH or not _EMAIL.fullmatch(typed) or not typed.isprintable()):
        raise RuleBroken(N_("Enter the e-mail address like name@example.org."), field)
    return typed
