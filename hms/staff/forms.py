"""Forms of accounts, roles and requests."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField, HiddenField, PasswordField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import EqualTo, ValidationError

from hms.core.permissions import Role as BuiltIn
from hms.core.text.numbers import parse_record_id
from hms.core.web.forms import ActionForm, LongText, RecordIdField, Required, Text, WholeField
from hms.core.web.localisation import offered_languages

from . import directory, rules
from .departments.actions import MAX_NAME_LENGTH as MAX_DEPARTMENT_NAME_LENGTH
from .models import Department, Role, User
from .roles import actions
from .roles.administrators import administrator_permissions


class IdSelect(SelectField):
    """One record of a short list, or none."""

    def __init__(self, label: str = "", **kwargs: Any) -> None:
        super().__init__(
            label, coerce=lambda value: parse_record_id(str(value)) if value not in (None, "") else None, **kwargs
        )


def _role_choices(rows: list[Role], none: str) -> list[SelectChoice]:
    return [SelectChoice("", none), *(SelectChoice(str(role.id), role.label) for role in rows)]


class PersonForm(ActionForm):
    """A new account, or a correction of one."""

    title = Text(_l("Title"), longest=20)
    first_name = Text(_l("First name"), longest=150)
    last_name = Text(_l("Family name"), [Required()], longest=150)
    username = Text(_l("Username"), [Required()], longest=rules.MAX_USERNAME_LENGTH)
    email = Text(_l("E-mail"), longest=rules.MAX_EMAIL_LENGTH)
    phone = Text(_l("Mobile phone"), longest=rules.MAX_PHONE_LENGTH)
    role_id = IdSelect(_l("Role"))
    department_id = IdSelect(_l("Department"))
    room = Text(_l("Room"), longest=40)
    version = RecordIdField()

    @staticmethod
    def stored_values(user: User) -> dict[str, Any]:
        """The account as the fields of this form."""
        names = ("title", "first_name", "last_name", "username", "email", "phone", "role_id", "department_id", "room")
        return {name: getattr(user, name) for name in (*names, "version")}

    def offer(self, user: User | None = None) -> None:
        """Set the choices: active roles and departments, and those of `user`."""
        active = roles_to_choose(user.role if user else None)
        self.role_id.choices = _role_choices(active, _("No role yet"))
        departments = directory.departments()
        if user and user.department and user.department_id not in {department.id for department in departments}:
            departments = [*departments, user.department]
        self.department_id.choices = [
            SelectChoice("", _("No department")),
            *(SelectChoice(str(department.id), department.name) for department in departments),
        ]


def roles_to_choose(present: Role | None = None) -> list[Role]:
    """Active roles, and the role `present` even when it is closed."""
    from hms.core.db.session import db

    active = list(db.session.scalars(directory.roles()))
    return [*active, present] if present is not None and present not in active else active


def roles_of_staff() -> list[Role]:
    """The active roles of people who work here: not that of patients."""
    return [role for role in roles_to_choose() if role.code != BuiltIn.PATIENT]


def roles_for_strangers() -> list[Role]:
    """The roles that somebody without an account may ask for on the page: none that manages people or roles."""
    return [role for role in roles_of_staff() if not administrator_permissions(role.grants)]


class ReasonForm(ActionForm):
    """The reason for closing an account."""

    reason = Text(_l("Reason"), longest=300)
    version = RecordIdField()


class RoleForm(ActionForm):
    """Name and description of a role."""

    name = Text(_l("Name"), [Required()], longest=actions.MAX_NAME_LENGTH)
    description = Text(_l("Description"), longest=actions.MAX_DESCRIPTION_LENGTH)
    copied_from = IdSelect(_l("Copy permissions from"))
    idle_minutes = WholeField(_l("Lock pages after minutes without activity"))
    version = RecordIdField()


class DepartmentForm(ActionForm):
    """The name of a department."""

    name = Text(_l("Name"), [Required()], longest=MAX_DEPARTMENT_NAME_LENGTH)
    version = RecordIdField()

    @staticmethod
    def stored_values(department: Department) -> dict[str, Any]:
        """The department as the fields of this form."""
        return {"name": department.name, "version": department.version}


class GrantsForm(ActionForm):
    """The permission matrix; `roles/views.py` reads its checkboxes."""

    reviewed = HiddenField()


class RequestForm(ActionForm):
    """A request for another role."""

    requested_role_id = IdSelect(_l("Role"), validators=[Required()])
    reason = LongText(_l("Reason"), [Required()], longest=1000)
    version = RecordIdField()

    def offer(self, present_id: int | None) -> None:
        """Set the choices: every active role but the person's present one."""
        others = [role for role in roles_of_staff() if role.id != present_id]
        self.requested_role_id.choices = _role_choices(others, _("Choose a role"))


class AnswerForm(ActionForm):
    """An administrator's note on a request."""

    admin_response = Text(_l("Note"), longest=1000)
    version = RecordIdField()


class ChosenPasswordForm(ActionForm):
    """A new password, typed twice."""

    password = PasswordField(_l("New password"), [Required()])
    again = PasswordField(
        _l("Repeat password"),
        [Required(), EqualTo("password", _l("The passwords are different. Type both again."))],
    )

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in super().values().items() if name != "again"}


class RegisterForm(ChosenPasswordForm):
    """A request for an account."""

    first_name = Text(_l("First name"), longest=150)
    last_name = Text(_l("Family name"), [Required()], longest=150)
    username = Text(_l("Username"), [Required()], longest=rules.MAX_USERNAME_LENGTH)
    email = Text(_l("E-mail"), longest=rules.MAX_EMAIL_LENGTH)
    role_id = IdSelect(_l("Role"))
    reason = Text(_l("Department, or a colleague who knows you"), longest=150)

    def offer(self) -> None:
        self.role_id.choices = _role_choices(roles_for_strangers(), _("Let an administrator decide"))


class NamesForm(ActionForm):
    """One's own name."""

    title = Text(_l("Title"), longest=20)
    first_name = Text(_l("First name"), longest=150)
    last_name = Text(_l("Family name"), longest=150)


class EmailForm(ActionForm):
    """One's own e-mail address, with the current password."""

    email = Text(_l("E-mail"), longest=rules.MAX_EMAIL_LENGTH)
    current = PasswordField(_l("Your password"), [Required()])


class PhoneForm(ActionForm):
    """One's own mobile phone, with the current password."""

    phone = Text(_l("Mobile phone"), longest=rules.MAX_PHONE_LENGTH)
    current = PasswordField(_l("Your password"), [Required()])


class PhotoForm(ActionForm):
    """A picture of oneself."""

    photo = FileField(_l("Picture"))

    def values(self) -> dict[str, Any]:
        chosen = self.photo.data
        return {"uploaded": chosen.read() if chosen else b""}


class PasswordForm(ChosenPasswordForm):
    """A new password, with the current one."""

    current = PasswordField(_l("Current password"), [Required()])


class PreferencesForm(ActionForm):
    """How the pages look for one person."""

    language = SelectField(_l("Language"), choices=lambda: list(offered_languages().items()))
    theme = RadioField(
        _l("Theme"),
        choices=[
            SelectChoice("system", _l("Same as this PC")),
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
    notify_on_page = BooleanField(_l("Show new alerts on the page"))
    notify_by_email = BooleanField(_l("Also send my alerts by e-mail"))
    notify_by_sms = BooleanField(_l("Also send my alerts by SMS"))

    def values(self) -> dict[str, Any]:
        values = super().values()
        language, single_keys = values.pop("language"), values.pop("single_keys")
        return {"language": language, "preferences": {**values, "shortcuts_off": not single_keys}}


class SignInForm(ActionForm):
    """Username, password, and the code when the account has a second factor."""

    username = Text(_l("Username or e-mail"), [Required()], longest=254)
    password = PasswordField(_l("Password"), [Required()])
    otp = Text(_l("6-digit code"), longest=40)


class CodeForm(ActionForm):
    """The code of the authenticator app, or a recovery code."""

    otp = Text(_l("Code"), [Required()], longest=40)


class UnlockForm(ActionForm):
    """A person and their PIN, or the password of the locked page's owner."""

    who = RadioField(_l("Who are you?"), coerce=int, validate_choice=False)
    pin = PasswordField(_l("PIN"))
    password = PasswordField(_l("Password"))

    def offer(self, people: list[User], chosen: int) -> None:
        """Set the choices to `people`; the default is the user id `chosen` when it is among them, else the first."""
        self.who.choices = [SelectChoice(user.id, user.display_name) for user in people]
        if self.who.data is None and people:
            self.who.data = chosen if any(user.id == chosen for user in people) else people[0].id

    def validate_pin(self, field: PasswordField) -> None:
        if not field.data and not self.password.data:
            raise ValidationError(_l("Enter your PIN."))


class PinForm(ActionForm):
    """A new PIN, typed twice, with the password or a code."""

    pin = PasswordField(_l("New PIN, 4 to 8 digits"), [Required()])
    pin_again = PasswordField(_l("Repeat PIN"), [EqualTo("pin", _l("The PINs are different."))])
    proof = PasswordField(_l("Your password or code"))


class ProofForm(ActionForm):
    """The password or a code, for re-authentication."""

    proof = PasswordField(_l("Your password or code"))


class EnrolForm(ProofForm):
    """The first code of an authenticator app."""

    otp = Text(_l("Code from the app"), [Required()], longest=10)


class SwitchOffForm(ActionForm):
    """Password and code: one factor alone must not remove the other."""

    password = PasswordField(_l("Password"), [Required()])
    otp = Text(_l("Code from the app, or a recovery code"), [Required()], longest=40)
