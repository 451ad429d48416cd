"""Endpoints of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

from flask import Response
from marshmallow import fields

from hms.admin.blueprints import api
from hms.core.api.blueprint import ApiSchema
from hms.core.api.pagination import paginated_response
from hms.core.api.preconditions import if_match, resource_response
from hms.core.api.small_lists import filter_rows, order_rows
from hms.core.errors import NotFound, RuleBroken
from hms.core.permissions import Permission
from hms.core.settings import definition, definitions
from hms.core.settings import store as settings
from hms.core.text.cleaning import fold
from hms.core.text.translation import N_
from hms.core.web.fields import REQUIRED, Text
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Ordering, Search, TextLine, parameters
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
    """A setting as JSON; `row` is its stored value, None when it has the default."""
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


SETTING_PARAMETERS = parameters(
    **PAGING, **DAYS, category=TextLine(100), search=Search(), ordering=Ordering(("key", "category", "updated_at"))
)


def _settings(shown: list[definition.SettingDefinition], arguments: dict[str, Any]) -> Response:
    stored = settings.stored_settings()
    rows = [setting_json(setting, stored.get(setting.key)) for setting in shown]
    numbers = {setting.key: number for number, setting in enumerate(shown)}
    rows = filter_rows(rows, arguments, on=itemgetter("updated_at"), category=itemgetter("category"))
    words = fold(arguments.get("search", "")).split()
    rows = [row for row in rows if all(word in fold(f"{row['key']} {row['description']}") for word in words)]
    columns = {name: itemgetter(name) for name in ("key", "category", "updated_at")}
    rows = order_rows(rows, arguments, lambda row: (numbers[row["key"]],), **columns)
    return paginated_response(rows, lambda row: row)


@api.get("/system-settings/")
@requires(Permission.READ_SETTINGS)
@api.arguments(SETTING_PARAMETERS, location="query")
@api.response(200, SettingOut(many=True))
def system_settings(arguments: dict[str, Any]) -> Response:
    """Every setting with its current value. Filters: category, and the days of the last change; `search` matches key and
    description."""
    return _settings(list(definitions.SETTINGS.values()), arguments)


@api.get("/system-settings/public/")
@requires(Permission.PUBLIC)
@limiter.limit("120/minute")
@api.arguments(SETTING_PARAMETERS, location="query")
@api.response(200, SettingOut(many=True))
def public_settings(arguments: dict[str, Any]) -> Response:
    """The settings that everyone may read without signing in."""
    return _settings([setting for setting in definitions.SETTINGS.values() if setting.is_public], arguments)


@api.get("/system-settings/<key>/")
@requires(Permission.READ_SETTINGS)
@api.response(200, SettingOut)
def system_setting(key: str) -> Response:
    """One setting."""
    return _setting_response(_definition(key))


def _definition(key: str) -> definition.SettingDefinition:
    if key not in definitions.SETTINGS:
        raise NotFound(N_("This setting does not exist."))
    return definitions.SETTINGS[key]


def _setting_response(setting: definition.SettingDefinition) -> Response:
    row = settings.stored_settings().get(setting.key)
    return resource_response(setting_json(setting, row), row.version if row else 0)


def _stored(key: str) -> settings.SystemSetting:
    """The stored setting; one of version 0 when it was never changed."""
    return settings.stored_settings().get(key) or settings.SystemSetting(key=key, version=0)


@api.put("/system-settings/<key>/")
@requires(Permission.MANAGE_SETTINGS)
@api.arguments(SettingIn)
@api.response(200, SettingOut)
def change_setting(payload: dict[str, Any], key: str) -> Response:
    """Change one setting. In a page's session a sensitive setting needs `current_password`; with a token it does not."""
    setting = _definition(key)
    with (
        if_match(lambda: _stored(key), lambda row: setting_json(setting, row if row.version else None)) as version,
        _errors_at_value(),
    ):
        settings.validated_value(setting, payload["value"])
        if setting.is_sensitive and not current_person().by_token:
            reauthenticate(payload.get("current_password"), by=current_person(), field="current_password")
        settings.change_setting(key, payload["value"], version=version, by=current_person())
    return _setting_response(setting)


@api.delete("/system-settings/<key>/")
@requires(Permission.MANAGE_SETTINGS)
@api.response(204)
def revert_setting(key: str) -> None:
    """Reset a setting to its default. In a page's session use PUT for a sensitive setting, with `current_password`."""
    setting = _definition(key)
    if setting.is_sensitive and not current_person().by_token:
        raise RuleBroken(
            N_("To reset this setting, send its default with PUT, with your current_password."), "current_password"
        )
    settings.revert_setting(key, by=current_person())


@contextmanager
def _errors_at_value() -> Iterator[None]:
    """Move an error from the action's field `new` to the API's field `value`."""
    try:
        yield
    except RuleBroken as error:
        raise RuleBroken.from_error(error, "value" if error.field == "new" else error.field) from error
