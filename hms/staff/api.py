"""JSON: sign-in, tokens, who I am, staff and roles."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from marshmallow import fields

from hms.core.api import Shape, listed
from hms.core.db import found
from hms.core.errors import NotFound
from hms.core.fields import REQUIRED
from hms.core.people import Person
from hms.core.permissions import Action
from hms.core.start import limiter
from hms.core.web import needs, person
from hms.core.words import _

from . import queries, signing_in, tokens
from .desk import WRONG_TRIES_OF_AN_ADDRESS, api, was_refused
from .models import Role, User

__all__ = ("api",)


class Credentials(Shape):
    username = fields.String(required=True, error_messages=REQUIRED)
    password = fields.String(required=True, error_messages=REQUIRED)
    otp = fields.String(allow_none=True)


class Refresh(Shape):
    refresh = fields.String(required=True, error_messages=REQUIRED)


class TokenPair(Shape):
    refresh = fields.String()
    access = fields.String()


class RoleOut(Shape):
    id = fields.Integer()
    name = fields.String()
    description = fields.String()


class UserOut(Shape):
    id = fields.Integer()
    username = fields.String()
    email = fields.String()
    first_name = fields.String()
    last_name = fields.String()
    display_name = fields.String()
    role = fields.Nested(RoleOut, allow_none=True)
    is_active = fields.Boolean()


class MeOut(UserOut):
    language_preference = fields.String()
    preferences = fields.Dict()
    profile_image = fields.String(allow_none=True)
    two_factor_enabled = fields.Boolean()


@api.post("/auth/")
@needs(Action.PUBLIC)
@limiter.limit(WRONG_TRIES_OF_AN_ADDRESS, deduct_when=was_refused)
@api.arguments(Credentials)
@api.response(200, TokenPair)
def sign_in(given: dict[str, Any]) -> dict[str, str]:
    """Sign in: an access token for 15 minutes and a refresh token that works once, within a day of signing in.

    An account with a second factor needs `otp` too: 401 with the code `otp_required` asks for it.
    """
    return tokens.issue(signing_in.prove(given["username"], given["password"], given.get("otp"), is_program=True))


@api.post("/auth/refresh/")
@needs(Action.PUBLIC)
@limiter.limit(WRONG_TRIES_OF_AN_ADDRESS, deduct_when=was_refused)
@api.arguments(Refresh)
@api.response(200, TokenPair)
def refresh(given: dict[str, Any]) -> dict[str, str]:
    """The next pair of tokens."""
    return tokens.rotate(given["refresh"])


def role_json(role: Role | None) -> dict[str, Any] | None:
    return None if role is None else {"id": role.id, "name": role.name, "description": role.description}


def user_json(user: User, who: Person) -> dict[str, Any]:
    """An account as `who` may see it: colleagues see name and role, administrators and oneself the account too."""
    seen = {"id": user.id, "display_name": user.display_name, "role": role_json(user.role)}
    names = {"first_name": user.first_name, "last_name": user.last_name}
    if who.may(Action.MANAGE_STAFF) or who.id == user.id:
        return seen | names | {"username": user.username, "email": user.email, "is_active": user.is_active}
    return seen | names


def me_json(user: User, who: Person) -> dict[str, Any]:
    return user_json(user, who) | {
        "language_preference": user.language,
        "preferences": user.preferences,
        "profile_image": None,
        "two_factor_enabled": user.two_factor_enabled,
    }


@api.get("/users/me/")
@needs(Action.SIGNED_IN)
@api.response(200, MeOut)
def me() -> dict[str, Any]:
    """The signed-in person."""
    return me_json(found(User, person().id), person())


@api.get("/users/")
@needs(Action.READ_STAFF)
@api.response(200, UserOut(many=True))
def users() -> Response:
    """Staff."""
    return listed(queries.users(), lambda user: user_json(user, person()))


@api.get("/users/<int:user_id>/")
@needs(Action.READ_STAFF)
@api.response(200, UserOut)
def user(user_id: int) -> dict[str, Any]:
    """One colleague."""
    return user_json(found(User, user_id), person())


@api.get("/roles/")
@needs(Action.READ_STAFF)
@api.response(200, RoleOut(many=True))
def roles() -> Response:
    """The roles of the hospital."""
    return listed(queries.roles(), role_json)


@api.get("/roles/<int:role_id>/")
@needs(Action.READ_STAFF)
@api.response(200, RoleOut)
def role(role_id: int) -> Response:
    """One role."""
    row = found(Role, role_id)
    if not row.is_active:
        raise NotFound(_("There is no such record."))
    return jsonify(role_json(row))
