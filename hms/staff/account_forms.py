"""Forms of accounts, roles and requests."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, PasswordField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import EqualTo

from hms.core.forms import DeskForm, LongText, RecordIdField, Required, Text, WholeField
from hms.core.numbers import parse_record_id

from . import queries, roles, rules
from .models import Role, User


class IdSelect(SelectField):
    """One record of a short list, or none."""

    def __init__(self, label: str = "", **kwargs: Any) -> None:
        super().__init__(
            label, coerce=lambda given: parse_record_id(str(given)) if given not in (None, "") else None, **kwargs
        )


def _role_choices(rows: list[Role], none: str) -> list[SelectChoice]:
    return [SelectChoice("", none), *(SelectChoice(str(role.id), role.label) for role in rows)]


class PersonForm(DeskForm):
    """A new account, or a correction of one."""

    title = Text(_l("Title"), longest=20)
    first_name = Text(_l("First name"), longest=150)
    last_name = Text(_l("Family name"), [Required()], longest=150)
    username = Text(_l("Username"), [Required()], longest=rules.LONGEST_USERNAME)
    email = Text(_l("E-mail"), longest=rules.LONGEST_EMAIL)
    role_id = IdSelect(_l("Role"))
    department_id = IdSelect(_l("Department"))
    room = Text(_l("Room"), longest=40)
    version = RecordIdField()

    def offer(self, user: User | None = None) -> None:
        """Fill the lists: active roles and departments, and the ones the person has."""
        active = roles_to_choose(user.role if user else None)
        self.role_id.choices = _role_choices(active, _("No role yet"))
        places = queries.departments()
        if user and user.department and user.department_id not in {place.id for place in places}:
            places = [*places, user.department]
        self.department_id.choices = [
            SelectChoice("", _("No department")),
            *(SelectChoice(str(place.id), place.name) for place in places),
        ]


def roles_to_choose(present: Role | None = None) -> list[Role]:
    """Active roles, and the one somebody has although it was put away."""
    from hms.core.db import db

    active = list(db.session.scalars(queries.roles()))
    return [*active, present] if present is not None and present not in active else active


class ReasonForm(DeskForm):
    """Why an account is closed."""

    reason = Text(_l("Reason"), longest=300)
    version = RecordIdField()


class RoleForm(DeskForm):
    """Name and description of a role."""

    name = Text(_l("Name"), [Required()], longest=roles.LONGEST_NAME)
    description = Text(_l("What it is for"), longest=roles.LONGEST_DESCRIPTION)
    copied_from = IdSelect(_l("Begin with the permissions of"))
    idle_minutes = WholeField(_l("Lock pages after idle minutes"))
    version = RecordIdField()


class GrantsForm(DeskForm):
    """The matrix; its ticks are read by `role_views`."""

    reviewed = HiddenField()


class RequestForm(DeskForm):
    """A request for another role."""

    requested_role_id = IdSelect(_l("Role"), validators=[Required()])
    reason = LongText(_l("Why you need it"), [Required()], longest=1000)
    version = RecordIdField()

    def offer(self, present_id: int | None) -> None:
        """Every active role but the one the person has."""
        others = [role for role in roles_to_choose() if role.id != present_id]
        self.requested_role_id.choices = _role_choices(others, _("Choose a role"))


class AnswerForm(DeskForm):
    """An administrator's note to a request."""

    admin_response = Text(_l("Note"), longest=1000)
    version = RecordIdField()


class ChosenPasswordForm(DeskForm):
    """A password, typed twice so that a slip does not lock its owner out."""

    password = PasswordField(_l("New password"), [Required()])
    again = PasswordField(
        _l("The same once more"),
        [Required(), EqualTo("password", _l("The two are not the same. Type both again."))],
    )

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in super().values().items() if name != "again"}


class RegisterForm(ChosenPasswordForm):
    """Somebody asks for an account."""

    first_name = Text(_l("First name"), longest=150)
    last_name = Text(_l("Family name"), [Required()], longest=150)
    username = Text(_l("Username"), [Required()], longest=rules.LONGEST_USERNAME)
    email = Text(_l("E-mail"), longest=rules.LONGEST_EMAIL)
    role_id = IdSelect(_l("Role you work in"))
    reason = Text(_l("Where you work, or who can tell about you"), longest=150)

    def offer(self) -> None:
        self.role_id.choices = _role_choices(roles_to_choose(), _("An administrator decides"))
