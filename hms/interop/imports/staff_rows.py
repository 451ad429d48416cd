"""Accounts of the staff from the rows of a file."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from hms.core.db.session import db
from hms.core.errors import Conflict, RuleBroken
from hms.core.permissions import LABELS, Permission
from hms.core.person import Person
from hms.core.text.cleaning import fold
from hms.core.text.translation import N_
from hms.staff import directory
from hms.staff import rules as staff_rules
from hms.staff.accounts.actions import add_person, deactivate
from hms.staff.models import Role, User

from .fields import Field, identity, line, named
from .kind import UNDONE, AlreadyThere, ImportKind


def _role(text: str) -> int:
    """The id of the active role with this name or code."""
    word = fold(text)
    for role in db.session.scalars(select(Role).where(Role.is_active)):
        if word in {fold(role.name), fold(role.code or ""), fold(str(LABELS.get(role.code or "", "")))}:
            return role.id
    raise RuleBroken(N_("There is no role “%(name)s”. Enter the name of a role."), name=text[:50])


def _save(values: dict[str, Any], by: Person, _other_than: int | None) -> int:
    columns = {{"role": "role_id", "department": "department_id"}.get(name, name): v for name, v in values.items()}
    same = select(User.id).where(func.lower(User.username) == columns["username"].lower())
    if db.session.scalars(same).first() is not None:
        raise AlreadyThere(N_("There is an account with this username already: %(name)s."), name=columns["username"])
    return add_person(**columns, by=by).user.id


def _undo(record_id: int, by: Person) -> None:
    """Close the account; one whose owner has chosen a password is in use."""
    user = db.session.get(User, record_id, populate_existing=True)
    if user.password_hash is not None:
        raise Conflict(N_("The person has chosen a password already. Close the account under People."), code="used")
    deactivate(record_id, reason=UNDONE, by=by)


def _identities(values: dict[str, Any]) -> list[str]:
    return [identity("username", values["username"].lower()), identity("email", values.get("email", "").lower())]


STAFF = ImportKind(
    name="staff",
    label=_l("Staff"),
    needs=(Permission.IMPORT_RECORDS, Permission.MANAGE_STAFF),
    model=User,
    save=_save,
    undo=_undo,
    identities=_identities,
    page="staff.account user_id",
    used_in=frozenset(("appointment", "working_hours", "absence", "queue_entry", "encounter")),
    note=_l(
        "No file sets a password. Who has an e-mail address gets a one-time link, if the mail server is set up; for others make "
        "a link on the page of the account. A role that manages people needs a second administrator. An account whose import "
        "is undone is closed."
    ),
    fields=(
        Field(
            "username",
            _l("Username"),
            ("user", "login", "identifiant", "nom d utilisateur"),
            staff_rules.username,
            is_required=True,
            example="k.kamara",
        ),
        Field("first_name", _l("First name"), ("given name", "prenom"), line(150), example="Kadiatu"),
        Field(
            "last_name",
            _l("Family name"),
            ("surname", "nom", "nom de famille"),
            line(150),
            is_required=True,
            example="Kamara",
        ),
        Field("title", _l("Title"), ("titre",), line(20)),
        Field("email", _l("E-mail"), ("mail", "courriel"), staff_rules.email, example="k.kamara@hospital.example"),
        Field("role", _l("Role"), ("job", "fonction"), _role, example="Nurse"),
        Field(
            "department",
            _l("Department"),
            ("ward", "service", "departement"),
            named(
                directory.departments,
                N_("There is no department “%(name)s”. Add it first, or correct the name."),
            ),
        ),
        Field("room", _l("Room"), ("bureau", "salle"), line(40)),
    ),
)
