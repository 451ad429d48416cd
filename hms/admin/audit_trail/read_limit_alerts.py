"""Telling administrators of an account that reads very many records in a short time."""

from __future__ import annotations

from hms.core import read_limit
from hms.core.permissions import Permission
from hms.core.person import SYSTEM, Person
from hms.core.read_limit import Limit
from hms.core.text.translation import N_, Sentence
from hms.messages.actions import notify_everyone_with


def tell_administrators(by: Person, _limit: Limit) -> None:
    """A message to every administrator but the account itself, with the way to what it read."""
    message = N_("%(name)s (%(username)s) is now limited. Check what this account opened, and ask why.")
    notify_everyone_with(
        Permission.ADMINISTER,
        title=N_("An account opened too many records"),
        message=str(Sentence(message, name=by.name, username=by.username)),
        url=f"/admin/audit?who={by.username}&did=:looked",
        except_for=by,
        by=SYSTEM,
    )


read_limit.on_limit_passed.append(tell_administrators)
