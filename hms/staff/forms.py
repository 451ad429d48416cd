"""Forms of signing in."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import PasswordField

from hms.core.forms import DeskForm, Required, Text


class SignInForm(DeskForm):
    """Name and password, and the code when the account has a second factor."""

    username = Text(_l("Username or e-mail"), [Required()], longest=254)
    password = PasswordField(_l("Password"), [Required()])
    otp = Text(_l("6-digit code"), longest=10)
