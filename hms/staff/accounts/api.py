"""JSON API: staff accounts, one's own account, registration."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from flask import Response, g, request, url_for
from sqlalchemy import func

from hms.core.api.pagination import paginated_response
from hms.core.api.preconditions import if_match, resource_response
from hms.core.db.keyset import Order, OrderedSelect
from hms.core.db.name_order import name_order
from hms.core.db.session import get_or_not_found
from hms.core.db.word_search import contains_all_words
from hms.core.errors import NotFound, RuleBroken
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.person import SYSTEM, Person
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import PAGING, Flag, Id, Ordering, Search, filter_by_columns, ordered, parameters
from hms.staff import directory, exports, schemas
from hms.staff.blueprints import api
from hms.staff.models import Role, User
from hms.staff.onboarding import actions as onboarding_actions
from hms.staff.onboarding import one_time_links
from hms.staff.profile import actions as profile_actions
from hms.staff.roles import assignment
from hms.staff.schemas import me_json, photo_url, user_json
from hms.staff.sign_in.reauthentication import reauthenticate

from . import actions, queries


def _own_account() -> Response:
    user, photo_mark = profile_actions.get_user_and_photo_mark(current_person().id)
    return resource_response(me_json(user, current_person(), photo_mark), user.version)


@api.get("/users/me/")
@requires(Permission.SIGNED_IN)
@api.response(200, schemas.MeOut)
def me() -> Response:
    """The signed-in person."""
    return _own_account()


@api.put("/users/me/")
@requires(Permission.SIGNED_IN)
@api.arguments(schemas.ProfileIn)
@api.response(200, schemas.MeOut)
def change_me(payload: dict[str, Any]) -> Response:
    """The same as PUT /profile/."""
    return _change_profile(payload)


def _manages_accounts(who: Person) -> bool:
    return who.may(Permission.MANAGE_STAFF)


USERS = parameters(
    **PAGING,
    role=Id(),
    is_active=Flag(may_use=_manages_accounts),
    search=Search(),
    ordering=Ordering(
        ("id", "last_name", "first_name", "username", "email"),
        hidden={"username": _manages_accounts, "email": _manages_accounts},
    ),
)


@api.get("/users/")
@requires(Permission.READ_STAFF, Permission.READ_OWN_RECORD)
@api.arguments(USERS, location="query")
@api.response(200, schemas.UserOut(many=True))
def users(arguments: dict[str, Any]) -> Response:
    """Staff by family name; administrators see their accounts too, patients the doctors only. `search` matches names, and
    for administrators the username."""
    rows = directory.users(only_doctors=current_person().is_patient)
    rows = filter_by_columns(rows, arguments, role=User.role_id, is_active=User.is_active)
    account = (User.username,) if _manages_accounts(current_person()) else ()
    names = func.hms_fold(func.concat_ws(" ", User.title, User.first_name, User.last_name, *account))
    rows = rows.where(*contains_all_words(names, arguments.get("search", "")))
    columns = {name: getattr(User, name) for name in ("last_name", "first_name", "username", "email")}
    by_name = Order(*name_order(User.last_name, User.first_name), User.id)
    in_order = (
        ordered(rows, arguments, User.id, **columns) if "ordering" in arguments else OrderedSelect.of(rows, by_name)
    )
    return paginated_response(in_order, lambda user: user_json(user, current_person()))


offer_export(api, users, exports.USERS, at="/users/export/")


@api.get("/users/<int:user_id>/")
@requires(Permission.READ_STAFF, Permission.READ_OWN_RECORD)
@api.response(200, schemas.UserOut)
def user(user_id: int) -> Response:
    """One colleague."""
    if current_person().is_patient and directory.doctor(user_id) is None:
        raise NotFound(N_("This record does not exist."))
    return _user_response(user_id)


def _user_response(user_id: int, status: int = 200, **more: Any) -> Response:
    row, body = get_or_not_found(User, user_id), user_json(get_or_not_found(User, user_id), current_person())
    if current_person().may(Permission.MANAGE_STAFF):
        body["last_login"] = queries.get_account(user_id).last_sign_in
    return resource_response(body | more, row.version, status)


@api.post("/users/")
@requires(Permission.MANAGE_STAFF)
@api.arguments(schemas.UserIn)
@api.response(201, schemas.NewUserOut)
def add_user(payload: dict[str, Any]) -> Response:
    """Create an account. The response has, once, the link to choose a password; a password in the request is ignored."""
    payload.pop("is_active", None)
    added = actions.add_person(**_with_role_id(payload), by=current_person())
    g.is_shown_once = True
    address = url_for("staff.welcome", secret=added.secret, _external=True)
    return _user_response(
        added.user.id, 201, one_time_link=address, role_needs_second_administrator=added.is_role_waiting
    )


def _with_role_id(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload with `role_id` when `role` is a number; `role` as an object, as GET returns it, is ignored."""
    role = payload.pop("role", None)
    if isinstance(role, int) and not isinstance(role, bool):
        payload.setdefault("role_id", role)
    return payload


@api.put("/users/<int:user_id>/")
@requires(Permission.MANAGE_STAFF)
@api.arguments(schemas.UserChangeIn)
@api.response(200, schemas.UserOut)
def change_user(payload: dict[str, Any], user_id: int) -> Response:
    """Correct an account, give its role, close or open it."""
    get_or_not_found(User, user_id)
    changes, who = _with_role_id(payload), current_person()
    with if_match(lambda: get_or_not_found(User, user_id), lambda user: user_json(user, who)) as version:
        actions.change_account(user_id, version=version, by=who, **changes)
    return _user_response(user_id)


@api.delete("/users/<int:user_id>/")
@requires(Permission.MANAGE_STAFF)
@api.response(204)
def close_user(user_id: int) -> None:
    """Close an account; it is never deleted."""
    actions.deactivate(user_id, reason=request.args.get("reason", ""), by=current_person())


@api.post("/users/<int:user_id>/deactivate/")
@requires(Permission.MANAGE_STAFF)
@api.response(200, schemas.StatusOut)
def deactivate(user_id: int) -> dict[str, str]:
    """Close an account."""
    actions.deactivate(user_id, by=current_person())
    return {"status": "deactivated"}


@api.post("/users/<int:user_id>/activate/")
@requires(Permission.MANAGE_STAFF)
@api.response(200, schemas.StatusOut)
def activate(user_id: int) -> dict[str, str]:
    """Open a closed account, or approve one that was asked for."""
    actions.reactivate(user_id, by=current_person())
    return {"status": "activated"}


@api.post("/users/<int:user_id>/reset_password/")
@requires(Permission.MANAGE_STAFF)
def reset_password(user_id: int) -> dict[str, str]:
    """Create a one-time link with which the person chooses a new password."""
    secret = one_time_links.make_link(user_id, by=current_person())
    g.is_shown_once = True
    return {"status": "password reset", "one_time_link": url_for("staff.welcome", secret=secret, _external=True)}


@api.post("/users/<int:user_id>/assign_role/")
@requires(Permission.REVIEW_ROLE_REQUESTS)
@api.arguments(schemas.RoleIdIn)
@api.response(200, schemas.StatusOut)
def give_role(payload: dict[str, Any], user_id: int) -> dict[str, str]:
    """Give a role directly."""
    return assign_role_directly(user_id, payload["role_id"])


def assign_role_directly(user_id: int, role_id: int) -> dict[str, str]:
    """Give a role and return its status; a role that needs a second administrator is not yet given."""
    if get_or_not_found(User, user_id) is None or not _is_active_role(role_id):
        raise NotFound(N_("Role not found."))
    assigned = assignment.assign_role(user_id, role_id, by=current_person())
    status = "waiting for a second administrator" if assigned.is_waiting else "role assigned"
    return {"status": status, "role": assigned.role.name}


def _is_active_role(role_id: int) -> bool:
    try:
        return get_or_not_found(Role, role_id).is_active
    except NotFound:
        return False


@api.get("/profile/")
@requires(Permission.SIGNED_IN)
@api.response(200, schemas.MeOut)
def profile() -> Response:
    """One's own account."""
    return _own_account()


@api.put("/profile/")
@requires(Permission.SIGNED_IN)
@api.arguments(schemas.ProfileIn)
@api.response(200, schemas.MeOut)
def change_profile(payload: dict[str, Any]) -> Response:
    """Change one's own name, e-mail, phone, language, preferences and password; e-mail, phone and password need
    `current_password`."""
    return _change_profile(payload)


def _change_profile(payload: dict[str, Any]) -> Response:
    who = current_person()
    user = get_or_not_found(User, who.id)
    if payload.get("email", user.email) == user.email:
        payload.pop("email", None)
    if payload.get("phone", user.phone) == user.phone:
        payload.pop("phone", None)
    if payload.keys() & {"email", "phone", "password"}:
        reauthenticate(payload.get("current_password"), by=who, field="current_password")
    with _if_own_version(lambda row, photo_mark: me_json(row, who, photo_mark)) as version:
        profile_actions.change_profile(payload, version=version, by=who)
    return _own_account()


def _if_own_version(to_json: Callable[[User, str | None], dict[str, Any]]) -> AbstractContextManager[int | None]:
    """`if_match` for the signed-in person's account; `to_json` takes it with the mark of its picture."""
    who = current_person()
    return if_match(
        lambda: get_or_not_found(User, who.id), lambda _row: to_json(*profile_actions.get_user_and_photo_mark(who.id))
    )


@api.get("/preferences/")
@requires(Permission.SIGNED_IN)
@api.response(200, schemas.PreferencesOut)
def preferences() -> Response:
    """Display and language of the signed-in person."""
    return _own_preferences()


def _own_preferences() -> Response:
    user, photo_mark = profile_actions.get_user_and_photo_mark(current_person().id)
    return resource_response(_preferences_json(user, photo_mark), user.version)


def _preferences_json(user: User, photo_mark: str | None) -> dict[str, Any]:
    return {
        "preferences": user.preferences,
        "language_preference": user.language,
        "profile_image": photo_url(user.id, photo_mark),
        "two_factor_enabled": user.two_factor_enabled,
    }


NOT_PREFERENCES = ("preferences", "language_preference", "profile_image", "two_factor_enabled")


@api.put("/preferences/")
@requires(Permission.SIGNED_IN)
@api.response(200, schemas.PreferencesOut)
def change_preferences() -> Response:
    """Change preferences, flat ({"theme": "dark"}) or nested under `preferences`; it does not change the second factor."""
    payload = request.get_json()
    nested = payload.get("preferences", {}) if isinstance(payload, dict) else None
    if not isinstance(nested, dict):
        raise RuleBroken(N_("Send the preferences as a JSON object."), "preferences")
    flat = {name: value for name, value in payload.items() if name not in NOT_PREFERENCES}
    changes = {"language": payload.get("language_preference"), "preferences": flat | nested}
    with _if_own_version(_preferences_json) as version:
        profile_actions.change_preferences(**changes, version=version, by=current_person())
    return _own_preferences()


@api.post("/register/")
@requires(Permission.PUBLIC)
@api.arguments(schemas.RegisterIn)
def register(payload: dict[str, Any]) -> tuple[dict[str, str], int]:
    """Request an account, while registration is open. It cannot sign in until an administrator approves it."""
    onboarding_actions.register(**payload, by=SYSTEM)
    return {"message": "Registration successful"}, 201
