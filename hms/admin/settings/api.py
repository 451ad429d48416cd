"""JSON: the settings of the hospital."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Response
from marshmallow import fields

from hms.admin.blueprints import api
from hms.core.api.blueprint import ApiSchema
from hms.core.api.pagination import paginated_response
from hms.core.api.preconditions import check_if_match, resource_response
from hms.core.errors import NotFound, RuleBroken
from hms.core.permissions import Permission
from hms.core.settings import definition, definitions
from hms.core.settings import store as settings
from hms.core.text.translation import N_
from hms.core.web.fields import REQUIRED, Text
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import PAGING, parameters
from hms.core.web.rate_limits import limiter
from hms.staff.sign_in.reauthentication import reauthenticate


class SettingOut(ApiSchema):
    key = fields.String()
    value = fields.Raw()
    description = fields.String()
    category = fields.String()
    is_public = fields.Boolean()
    updated_at = fields.DateTime(allow_none=True)
    help = fields.String()
    default = fields.Raw()
    type = fields.String()


class SettingIn(ApiSchema):
    value = fields.Raw(required=True, error_messages=REQUIRED)
    key = Text(100)
    current_password = fields.String()


def setting_json(setting: definition.SettingDefinition, row: settings.SystemSetting | None) -> dict[str, Any]:
    """A setting with its present value, fresh from the database."""
    return {
        "key": setting.key,
        "value": row.value if row else setting.default,
        "description": str(setting.label),
        "category": str(setting.category),
        "is_public": setting.is_public,
        "updated_at": row.updated_at if row else None,
        "help": str(setting.help),
        "default": setting.default,
        "type": setting.kind,
    }


LISTED = parameters(**PAGING)


def _settings(shown: list[definition.SettingDefinition]) -> Response:
    stored = settings.stored_settings()
    return paginated_response(shown, lambda setting: setting_json(setting, stored.get(setting.key)))


@api.get("/system-settings/")
@requires(Permission.READ_SETTINGS)
@api.arguments(LISTED, location="query")
@api.response(200, SettingOut(many=True))
def system_settings(_arguments: dict[str, Any]) -> Response:
    """Every setting with its present value."""
    return _settings(list(definitions.SETTINGS.values()))


@api.get("/system-settings/public/")
@requires(Permission.PUBLIC)
@limiter.limit("120/minute")
@api.arguments(LISTED, location="query")
@api.response(200, SettingOut(many=True))
def public_settings(_arguments: dict[str, Any]) -> Response:
    """The settings that anybody may read, without signing in."""
    return _settings([setting for setting in definitions.SETTINGS.values() if setting.is_public])


@api.get("/system-settings/<key>/")
@requires(Permission.READ_SETTINGS)
@api.response(200, SettingOut)
def system_setting(key: str) -> Response:
    """One setting."""
    return _one_setting(_known(key))


def _known(key: str) -> definition.SettingDefinition:
    if key not in definitions.SETTINGS:
        raise NotFound(N_("This setting does not exist."))
    return definitions.SETTINGS[key]


def _one_setting(setting: definition.SettingDefinition) -> Response:
    row = settings.stored_settings().get(setting.key)
    return resource_response(setting_json(setting, row), row.version if row else 0)


@api.put("/system-settings/<key>/")
@requires(Permission.MANAGE_SETTINGS)
@api.arguments(SettingIn)
@api.response(200, SettingOut)
def change_setting(given: dict[str, Any], key: str) -> Response:
    """Change one setting. A page proves who it is once more by `current_password`; a token is minutes old anyway."""
    setting, row = _known(key), settings.stored_settings().get(key)
    check_if_match(row.version if row else 0, lambda: setting_json(setting, row))
    with _value():
        settings.validated_value(setting, given["value"])
        if setting.is_sensitive and not current_person().by_token:
            reauthenticate(given.get("current_password"), by=current_person(), field="current_password")
        settings.change_setting(key, given["value"], by=current_person())
    return _one_setting(setting)


@api.delete("/system-settings/<key>/")
@requires(Permission.MANAGE_SETTINGS)
@api.response(204)
def revert_setting(key: str) -> None:
    """Give a setting its default again; a page does so for a sensitive one by PUT, with the password."""
    setting = _known(key)
    if setting.is_sensitive and not current_person().by_token:
        raise RuleBroken(N_("Send the default with PUT and your current_password."), "current_password")
    settings.revert_setting(key, by=current_person())


@contextmanager
def _value() -> Iterator[None]:
    """What is refused about the new value is told under the API's name of it."""
    try:
        yield
    except RuleBroken as refused:
        raise RuleBroken.from_error(refused, "value" if refused.field == "new" else refused.field) from refused
