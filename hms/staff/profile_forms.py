"""Forms of one's own page."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField, PasswordField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice

from hms.core.forms import DeskForm, Required, Text

from . import looks, rules
from .account_forms import ChosenPasswordForm


class NamesForm(DeskForm):
    """One's own name."""

    title = Text(_l("Title"), longest=20)
    first_name = Text(_l("First name"), longest=150)
    last_name = Text(_l("Family name"), longest=150)


class EmailForm(DeskForm):
    """One's own address, behind a fresh password."""

    email = Text(_l("E-mail"), longest=rules.LONGEST_EMAIL)
    current = PasswordField(_l("Your password"), [Required()])


class PhotoForm(DeskForm):
    """A picture of oneself."""

    photo = FileField(_l("Picture"))

    def values(self) -> dict[str, Any]:
        chosen = self.photo.data
        return {"uploaded": chosen.read() if chosen else b""}


class PasswordForm(ChosenPasswordForm):
    """Another password, behind the present one."""

    current = PasswordField(_l("Present password"), [Required()])


class PreferencesForm(DeskForm):
    """How the pages look for one person."""

    language = SelectField(_l("Language"), choices=[SelectChoice(code, name) for code, name in looks.LANGUAGES.items()])
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
    notify_on_page = BooleanField(_l("Show alerts on the page as they come"))
    notify_by_email = BooleanField(_l("Send me my alerts by e-mail too"))

    def values(self) -> dict[str, Any]:
        given = super().values()
        language, single_keys = given.pop("language"), given.pop("single_keys")
        return {"language": language, "preferences": {**given, "shortcuts_off": not single_keys}}
