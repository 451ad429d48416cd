"""Setting the second factor up, moving it to another phone, switching it off, and taking it from who lost the phone."""

from __future__ import annotations

from dataclasses import dataclass

import pyotp
import segno
from markupsafe import Markup
from sqlalchemy import select, update

from hms.core import clock
from hms.core.actions import action, action_context
from hms.core.audit import recording
from hms.core.db.locking import get_for_update
from hms.core.db.session import db
from hms.core.errors import Conflict, RuleBroken
from hms.core.permissions import Permission
from hms.core.person import SYSTEM, Person
from hms.core.settings import store as settings
from hms.core.text.translation import N_
from hms.core.web.template_filters import drawing
from hms.staff import request_user
from hms.staff.models import User

from . import codes as second_factor_codes
from . import recovery_codes

MAX_QR_NAME_LENGTH = 60


@dataclass(frozen=True)
class Enrolment:
    """A secret before it is confirmed, as a picture for the app's camera and as text for typing."""

    secret: str
    username: str

    @property
    def address(self) -> str:
        """The key URI that authenticator apps read; the names in it are cut so that it fits into a QR code."""
        issuer = settings.value("hospital.name")[:MAX_QR_NAME_LENGTH]
        return pyotp.TOTP(self.secret).provisioning_uri(name=self.username[:MAX_QR_NAME_LENGTH], issuer_name=issuer)

    @property
    def picture(self) -> Markup:
        """The QR code as inline SVG, dark on white in every theme."""
        return drawing(segno.make(self.address, error="m", micro=False).svg_inline(scale=5, border=4, light="#fff"))

    @property
    def spelled(self) -> str:
        """The secret in groups of four."""
        return " ".join(self.secret[at : at + 4] for at in range(0, len(self.secret), 4))


def new_secret() -> str:
    """160 random bits, as apps take them."""
    return pyotp.random_base32(32)


def enrol(*, secret: str, otp: str, by: Person) -> list[str]:
    """Make the app that shows `otp` the person's second factor; returns ten recovery codes, to be shown once.

    An earlier app and earlier recovery codes end, and so do the tokens of the person's programs.
    """
    step = second_factor_codes.matching_step(secret, second_factor_codes.clean_code(otp), int(clock.now().timestamp()))
    if step is None:
        raise RuleBroken(
            N_("This code is not correct. Check the time on your phone, then enter the code it shows now."), "otp"
        )
    codes = recovery_codes.new_codes()
    _save_factor(second_factor_codes.encrypt_secret(secret), step, recovery_codes.hash_codes(codes), by=by)
    return codes


@action(Permission.SIGNED_IN, "staff.enrol")
def _save_factor(sealed: str, step: int, code_hashes: list[str], *, by: Person) -> None:
    recovery_codes.replace_codes(by.id or 0, code_hashes)
    user = get_for_update(User, by.id or 0)
    user.totp_secret, user.totp_step = sealed, step


def renew_recovery_codes(*, by: Person) -> list[str]:
    """Ten new recovery codes in the place of the earlier ones."""
    codes = recovery_codes.new_codes()
    _save_codes(recovery_codes.hash_codes(codes), by=by)
    return codes


@action(Permission.SIGNED_IN, "staff.renew_recovery_codes")
def _save_codes(code_hashes: list[str], *, by: Person) -> None:
    if not get_for_update(User, by.id or 0).two_factor_enabled:
        raise Conflict(N_("Set up the authenticator app first."))
    recovery_codes.replace_codes(by.id or 0, code_hashes)
    recording.record("staff.renew_recovery_codes", by, entity="app_user", entity_id=by.id)


@action(Permission.SIGNED_IN, "staff.switch_off")
def switch_off_second_factor(*, by: Person) -> None:
    """The password is enough from now on; refused where the role needs a second factor."""
    if request_user.second_factor_is_required(by.role):
        raise Conflict(N_("Your role needs a second factor. You can move it to another phone, but not switch it off."))
    _remove_factor(get_for_update(User, by.id or 0))


@action(Permission.MANAGE_STAFF, "staff.reset_second_factor")
def reset_second_factor(user_id: int, *, by: Person) -> None:
    """Take the second factor from somebody who lost phone and codes; nobody does it for themselves."""
    if user_id == by.id:
        raise Conflict(N_("Another administrator must do this for you."))
    _remove_factor(get_for_update(User, user_id))
    recording.record("staff.reset_second_factor", by, entity="app_user", entity_id=user_id)


def _remove_factor(user: User) -> None:
    if not user.two_factor_enabled:
        raise Conflict(N_("This account has no second factor."))
    user.totp_secret = user.totp_step = None
    recovery_codes.delete_codes(user.id)


def rotate_keys() -> tuple[int, int]:
    """Encrypt every secret anew with the first of TOTP_KEYS; returns how many were, and how many no key opens."""
    done = lost = 0
    with action_context("staff.rotate_totp_keys", SYSTEM):
        sealed = select(User.id, User.totp_secret).where(User.totp_secret.is_not(None)).with_for_update(of=User)
        for user_id, stored in db.session.execute(sealed).all():
            secret = second_factor_codes.decrypt_secret(stored)
            if secret is None:
                lost += 1
                continue
            renewed = update(User).where(User.id == user_id).values(totp_secret=second_factor_codes.encrypt_secret(secret))
            db.session.execute(renewed)
            done += 1
    return done, lost
