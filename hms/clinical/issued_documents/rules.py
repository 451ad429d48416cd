"""What a document that is handed out must say, and the code by which it is checked."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import date

from hms.clinical.enums import EncounterStatus, IssuedKind
from hms.core.errors import Conflict, RuleBroken
from hms.core.text.cleaning import clean_field
from hms.core.text.dates import parse_recent_date, parse_upcoming_date
from hms.core.text.translation import N_

MAX_ADDRESSEE, MAX_BODY = 200, 5000
MAX_SICK_DAYS = 183
MAX_DAYS_AWAY = 92
"""A first day that is further away is taken for a wrong year."""
_SIGNS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""Letters and digits that are not taken for each other when somebody reads the code on the telephone."""
_LENGTH, _GROUP = 12, 4
_CODE = re.compile(rf"[{_SIGNS}]{{{_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class Words:
    """The checked text of a document. A sick note has the first and the last day of the illness."""

    addressee: str = ""
    body: str = ""
    from_on: date | None = None
    until_on: date | None = None
    shows_diagnosis: bool = False


def make_code() -> str:
    """A random code such as "K7QD-2MXR-9VTB": nobody guesses it (58 bits)."""
    return _in_groups("".join(secrets.choice(_SIGNS) for _ in range(_LENGTH)))


def read_code(typed: str) -> str:
    """A typed code in the form of `make_code`; "" for a text that is none. Blanks, dashes and small letters do not matter."""
    signs = re.sub(r"[\s-]", "", typed).upper()
    return _in_groups(signs) if _CODE.fullmatch(signs) else ""


def _in_groups(signs: str) -> str:
    return "-".join(signs[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))


def check_kind(kind: str) -> IssuedKind:
    """The kind; raises `RuleBroken` on `kind`."""
    if kind not in tuple(IssuedKind):
        raise RuleBroken(N_("Choose the document."), "kind")
    return IssuedKind(kind)


def check_signed(status: str) -> None:
    """Raise `Conflict` unless the encounter is signed: what is handed out does not change afterwards."""
    if status != EncounterStatus.SIGNED:
        raise Conflict(N_("The encounter is not signed. Sign it first, then print the document."), code="not_signed")


def check_words(
    kind: IssuedKind, *, addressee: str, body: str, from_on: str, until_on: str, shows_diagnosis: bool, today: date
) -> Words:
    """The text of a document of this kind; what the kind does not have is ignored. `from_on` and `until_on` are days as
    typed. Raises `RuleBroken` on the field that is wrong."""
    if kind == IssuedKind.REFERRAL_LETTER:
        addressee = clean_field(addressee, "addressee", longest=MAX_ADDRESSEE)
        if not addressee:
            raise RuleBroken(N_("Enter who the letter is for, for example a clinic or a specialist."), "addressee")
        return Words(addressee, _body(body, N_("Enter the reason for the referral.")))
    if kind == IssuedKind.SICK_NOTE:
        first, last = _sick_days(from_on, until_on, today)
        return Words("", _body(body, ""), first, last, shows_diagnosis)
    return Words()


def _body(text: str, missing: str) -> str:
    body = clean_field(text, "body", longest=MAX_BODY, multiline=True)
    if missing and not body:
        raise RuleBroken(missing, "body")
    return body


def _sick_days(from_on: str, until_on: str, today: date) -> tuple[date, date]:
    if not from_on.strip():
        raise RuleBroken(N_("Enter the first day of the sick leave."), "from_on")
    if not until_on.strip():
        raise RuleBroken(N_("Enter the last day of the sick leave."), "until_on")
    first, last = parse_recent_date(from_on, today, "from_on"), parse_upcoming_date(until_on, today, "until_on")
    if abs((first - today).days) > MAX_DAYS_AWAY:
        raise RuleBroken(N_("Enter a first day that is not more than three months away, with its year."), "from_on")
    if last < first:
        raise RuleBroken(N_("The sick leave cannot end before it begins."), "until_on")
    if (last - first).days >= MAX_SICK_DAYS:
        raise RuleBroken(
            N_("The sick leave cannot be longer than six months. Enter the last day with its year."), "until_on"
        )
    return first, last
