"""JSON schemas of accounts, roles and requests, and functions that build the JSON each reader may see."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from hms.core.api.blueprint import ApiSchema
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.web.fields import REQUIRED, Pk, Text

from . import rules
from .models import Role, RoleChangeRequest, User
from .roles.actions import MAX_DESCRIPTION_LENGTH, MAX_NAME_LENGTH


class RoleOut(ApiSchema):
    id = fields.Integer()
    name = fields.String()
    description = fields.String()
    permissions = fields.List(fields.String())
    is_built_in = fields.Boolean()


class RoleIn(ApiSchema):
    name = Text(MAX_NAME_LENGTH, blank=False, required=True)
    description = Text(MAX_DESCRIPTION_LENGTH)
    permissions = fields.List(fields.String())


class RoleChangeIn(RoleIn):
    name = Text(MAX_NAME_LENGTH, blank=False)


class UserOut(ApiSchema):
    id = fields.Integer()
    username = fields.String()
    email = fields.String()
    phone = fields.String()
    first_name = fields.String()
    last_name = fields.String()
    display_name = fields.String()
    role = fields.Nested(RoleOut, allow_none=True)
    is_active = fields.Boolean()
    last_login = fields.DateTime(allow_none=True)
    two_factor_enabled = fields.Boolean()


class NewUserOut(UserOut):
    one_time_link = fields.String()
    role_needs_second_administrator = fields.Boolean()


class MeOut(UserOut):
    language_preference = fields.String()
    preferences = fields.Dict()
    profile_image = fields.String(allow_none=True)


class UserIn(ApiSchema):
    username = Text(rules.MAX_USERNAME_LENGTH, blank=False, required=True)
    email = Text(rules.MAX_EMAIL_LENGTH)
    phone = Text(rules.MAX_PHONE_LENGTH)
    title = Text(20)
    first_name = Text(150)
    last_name = Text(150)
    role_id = Pk(allow_none=True)
    role = fields.Raw(allow_none=True)
    is_active = fields.Boolean()


class UserChangeIn(UserIn):
    username = Text(rules.MAX_USERNAME_LENGTH, blank=False)


class RequestOut(ApiSchema):
    id = fields.Integer()
    user = fields.Nested(UserOut)
    requested_role = fields.Nested(RoleOut)
    reason = fields.String()
    status = fields.String()
    admin_response = fields.String()
    created_at = fields.DateTime()
    reviewed_at = fields.DateTime(allow_none=True)
    reviewed_by = fields.Integer(allow_none=True)
    updated_at = fields.DateTime()


class RequestIn(ApiSchema):
    requested_role_id = Pk(required=True)
    reason = Text(1000, multiline=True, blank=False, required=True)


class RequestChangeIn(ApiSchema):
    requested_role_id = Pk()
    reason = Text(1000, multiline=True, blank=False)


class AnswerIn(ApiSchema):
    admin_response = Text(1000, multiline=True)


class AssignIn(ApiSchema):
    user_id = Pk(required=True)
    role_id = Pk(required=True)


class RoleIdIn(ApiSchema):
    role_id = Pk(required=True)


class StatusOut(ApiSchema):
    status = fields.String()
    role = fields.String()


class RegisterIn(ApiSchema):
    username = Text(rules.MAX_USERNAME_LENGTH, blank=False, required=True)
    password = fields.String(required=True, error_messages=REQUIRED)
    email = Text(rules.MAX_EMAIL_LENGTH)
    first_name = Text(150)
    last_name = Text(150)
    role_id = Pk(allow_none=True)


class ProfileIn(ApiSchema):
    first_name = Text(150)
    last_name = Text(150)
    title = Text(20)
    email = Text(rules.MAX_EMAIL_LENGTH)
    phone = Text(rules.MAX_PHONE_LENGTH)
    language_preference = fields.String()
    preferences = fields.Dict()
    current_password = fields.String()
    password = fields.String()


class PreferencesOut(ApiSchema):
    preferences = fields.Dict()
    language_preference = fields.String()
    profile_image = fields.String(allow_none=True)
    two_factor_enabled = fields.Boolean()


def role_json(role: Role | None, who: Person | None = None) -> dict[str, Any] | None:
    """A role; with its permissions when `who` may manage roles."""
    if role is None:
        return None
    public = {"id": role.id, "name": role.name, "description": role.description}
    if who is not None and who.may(Permission.MANAGE_ROLES):
        return public | {"permissions": sorted(role.grants), "is_built_in": role.is_built_in}
    return public


def user_json(user: User, who: Person) -> dict[str, Any]:
    """An account as `who` may see it: name and role for colleagues, all fields for administrators and its owner."""
    public = {"id": user.id, "display_name": user.display_name, "role": role_json(user.role)}
    names = {"first_name": user.first_name, "last_name": user.last_name}
    if not (who.may(Permission.MANAGE_STAFF) or who.id == user.id):
        return public | names
    account = {"username": user.username, "email": user.email, "phone": user.phone}
    account["is_active"] = user.is_active
    return public | names | account | {"two_factor_enabled": user.two_factor_enabled}


def me_json(user: User, who: Person, photo_mark: str | None) -> dict[str, Any]:
    """The reader's own account, with preferences and picture."""
    return user_json(user, who) | {
        "language_preference": user.language,
        "preferences": user.preferences,
        "profile_image": photo_url(user.id, photo_mark),
    }


def photo_url(user_id: int, mark: str | None) -> str | None:
    return f"/people/{user_id}/photo?v={mark}" if mark else None


def request_json(row: RoleChangeRequest, who: Person) -> dict[str, Any]:
    """A role request; its user is shown as `who` may see them."""
    return {
        "id": row.id,
        "user": user_json(row.user, who),
        "requested_role": role_json(row.requested_role),
        "reason": row.reason,
        "status": row.status,
        "admin_response": row.admin_response,
        "created_at": row.created_at,
        "reviewed_at": row.reviewed_at,
        "reviewed_by": row.reviewed_by_id,
        "updated_at": row.updated_at,
    }
