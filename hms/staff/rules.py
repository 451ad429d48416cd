"""What must be true of accounts: usernames, e-mail addresses and passwords.

Passwords follow NIST SP 800-63B: long, not guessable, without rules about kinds of characters, never cut.
"""

from __future__ import annotations

import re

from hms.core.errors import RuleBroken
from hms.core.text.translation import N_

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 1024
LONGEST_USERNAME, LONGEST_EMAIL = 150, 254
FEWEST_SIGNS = 5
SHORTEST_LEAKED = 6
_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*")
_EMAIL = re.compile(
    r"[^@\s]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_PIN = re.compile(r"[0-9]{4,8}", re.ASCII)
_YEAR = re.compile(r"(19|20)[0-9]{2}", re.ASCII)
_READ_AS = (str.maketrans("013457@$!|", "oieastasil"), str.maketrans("013457@$!|", "oleastasli"))
LONGEST_PIECE = 6
_WALKS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop[]",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "azertyuiop",
    "qsdfghjklm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "1q2w3e4r5t6y7u8i9o0p",
)


def username(text: str, field: str = "username") -> str:
    """The username as it is kept; compare it without case. `RuleBroken` on `field` says what it may hold."""
    typed = text.strip()
    if not typed:
        raise RuleBroken(N_("Enter a username."), field)
    if len(typed) > LONGEST_USERNAME or not _USERNAME.fullmatch(typed):
        raise RuleBroken(N_("Use up to 150 letters A to Z, digits and . _ - + @ in a username, and no spaces."), field)
    return typed


def email(text: str, field: str = "email") -> str:
    """The address as it is kept, or nothing; hosts of the hospital's own network without a dot are fine."""
    typed = text.strip()
    if typed and (len(typed) > LONGEST_EMAIL or not _EMAIL.fullmatch(typed) or not typed.isprintable()):
        raise RuleBroken(N_("Enter the e-mail address like name@example.org."), field)
    return typed
