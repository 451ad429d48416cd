"""Forms of signing in."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import PasswordField, RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import EqualTo, ValidationError

from hms.core.forms import DeskForm, Required, Text

from .models import User


class SignInForm(DeskForm):
    """Name and password, and the code when the account has a second factor."""

    username = Text(_l("Username or e-mail"), [Required()], longest=254)
    password = PasswordField(_l("Password"), [Required()])
    otp = Text(_l("6-digit code"), longest=40)


class CodeForm(DeskForm):
    """The code of the authenticator app, or a recovery code."""

    otp = Text(_l("Code"), [Required()], longest=40)


class UnlockForm(DeskForm):
    """One person and their PIN, or the password of whose page it is."""

    who = RadioField(_l("Who are you?"), coerce=int, validate_choice=False)
    pin = PasswordField(_l("PIN"))
    password = PasswordField(_l("Password"))

    def offer(self, people: list[User], chosen: int) -> None:
        """Let one of `people` be chosen; `chosen`, or else the first of them, stands there before anybody does."""
        self.who.choices = [SelectChoice(user.id, user.display_name) for user in people]
        if self.who.data is None and people:
            self.who.data = chosen if any(user.id == chosen for user in people) else people[0].id

    def validate_pin(self, field: PasswordField) -> None:
        if not field.data and not self.password.data:
            raise ValidationError(_l("Fill this in."))


class PinForm(DeskForm):
    """A new PIN, twice, and a proof that it is its owner who sets it."""

    pin = PasswordField(_l("New PIN, 4 to 8 digits"), [Required()])
    pin_again = PasswordField(_l("The same again"), [EqualTo("pin", _l("The two are not the same."))])
    proof = PasswordField(_l("Your password or code"))


class ProofForm(DeskForm):
    """A fresh proof of who sits at the page."""

    proof = PasswordField(_l("Your password or code"))


class EnrolForm(ProofForm):
    """The first code of an authenticator app."""

    otp = Text(_l("Code that the app shows now"), [Required()], longest=10)


class SwitchOffForm(DeskForm):
    """Password and code: both, because one factor alone must not take the other away."""

    password = PasswordField(_l("Password"), [Required()])
    otp = Text(_l("Code of the app, or a recovery code"), [Required()], longest=40)
