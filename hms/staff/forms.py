"""Forms of signing in."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, PasswordField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice

from hms.core.forms import DeskForm, Required, Text


class SignInForm(DeskForm):
    """Name and password, and the code when the account has a second factor."""

    username = Text(_l("Username or e-mail"), [Required()], longest=254)
    password = PasswordField(_l("Password"), [Required()])
    otp = Text(_l("6-digit code"), longest=10)


class PreferencesForm(DeskForm):
    """How the pages look for one person."""

    language = SelectField(
        _l("Language"),
        choices=[SelectChoice("en", "English"), SelectChoice("fr", "Français"), SelectChoice("sw", "Kiswahili")],
    )
    theme = RadioField(
        _l("Theme"),
        choices=[
            SelectChoice("system", _l("As the PC")),
            SelectChoice("light", _l("Light")),
            SelectChoice("dark", _l("Dark")),
        ],
    )
    density = RadioField(
        _l("Density"), choices=[SelectChoice("comfortable", _l("Comfortable")), SelectChoice("compact", _l("Compact"))]
    )
    text_size = RadioField(
        _l("Text size"),
        choices=[
            SelectChoice("normal", _l("Normal")),
            SelectChoice("large", _l("Large")),
            SelectChoice("larger", _l("Larger")),
        ],
    )
    single_keys = BooleanField(_l("Single-key shortcuts (/, ?, g…)"))
