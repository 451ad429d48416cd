"""The PIN: four to eight digits that open a locked page again, only where its owner signed in fully within twelve hours."""

from __future__ import annotations

from hms.core.actions import action
from hms.core.db.locking import get_for_update
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_, Sentence
from hms.staff.login_security import activity, attempts, known_devices, passwords
from hms.staff.login_security.errors import SignInRefused
from hms.staff.login_security.password_rules import check_pin
from hms.staff.models import User


def set_pin(*, pin: str, by: Person) -> None:
    """Choose or change one's own PIN; `RuleBroken` when it is no PIN or one that everybody tries first."""
    check_pin(pin)
    _save_pin(passwords.hash_secret(pin), by=by)


@action(Permission.SIGNED_IN, "staff.set_pin")
def _save_pin(pin_hash: str, *, by: Person) -> None:
    get_for_update(User, by.id or 0).pin_hash = pin_hash


@action(Permission.SIGNED_IN, "staff.drop_pin")
def remove_pin(*, by: Person) -> None:
    """From now on only the password unlocks."""
    user = get_for_update(User, by.id or 0)
    if user.pin_hash is None:
        raise RuleBroken(N_("You have no PIN."))
    user.pin_hash = None


def is_valid_here(user: User) -> bool:
    """Whether the account's PIN opens pages of this browser at this moment."""
    return user.pin_hash is not None and known_devices.pin_valid_until(known_devices.hash_of_request(), user.id) is not None


def verify_pin(user: User, pin: str) -> None:
    """Pass when `pin` is the account's; after five wrong ones the account has to sign in fully. Raises `SignInRefused`."""
    device = known_devices.hash_of_request()
    if device is None or not is_valid_here(user):
        raise SignInRefused(N_("The PIN can no longer unlock this page. Use your password."), "secret", code="no_pin")
    door = attempts.AttemptLimit(known_devices.pin_attempt_key(device, user.id), user_id=user.id)
    with attempts.counted_attempt((door,), user, user.username) as attempt:
        if passwords.is_correct(user.pin_hash, pin):
            attempt.succeeded()
            activity.record_login(user, user.username, "pin")
            return
        left = attempt.failed()
    if left < 1:
        known_devices.end_pin(device, user.id)
    activity.record_login(user, user.username, "pin_failed" if left else "lockout")
    raise SignInRefused(_wrong_pin_message(left), "secret", code="pin_wrong")


def _wrong_pin_message(left: int) -> Sentence:
    if left < 1:
        return Sentence(N_("Wrong PIN. Use your password now."))
    if left == 1:
        return Sentence(N_("Wrong PIN. 1 attempt left, then you must use your password."))
    return Sentence(N_("Wrong PIN. %(count)s attempts left, then you must use your password."), count=left)
