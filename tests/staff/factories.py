"""People and roles for tests of the staff desk."""

from __future__ import annotations

from sqlalchemy import select

from hms.core import person
from hms.core.actions import action_context
from hms.core.db.session import db
from hms.core.permissions import DEFAULT_GRANTS, Role
from hms.core.person import SYSTEM
from hms.staff import request_user
from hms.staff.accounts import actions
from hms.staff.models import Role as RoleRow
from hms.staff.models import User
from tests.conftest import PASSWORD

GOOD = "gutter piano seven lamps"


def account(username: str, role: str | None = "admin", **details: object) -> User:
    """An account that can sign in with the tests' password."""
    with action_context("tests.seed", SYSTEM):
        return actions.add_user(username=username, role=role, password=PASSWORD, by=SYSTEM, **details)


def user(username: str) -> User:
    """The account as it is stored now."""
    query = select(User).filter_by(username=username).execution_options(populate_existing=True)
    return db.session.scalars(query).unique().one()


def who(username: str) -> person.Person:
    """The person to act with, their grants read now."""
    return request_user.load_active_person(user(username).id)


def role(code: str) -> RoleRow:
    """A role as it is stored now."""
    return db.session.scalars(select(RoleRow).filter_by(code=code).execution_options(populate_existing=True)).one()


def defaults(code: str) -> set[str]:
    return {action.value for action in DEFAULT_GRANTS[Role(code)]}
