"""Stored settings: values that differ from their default, with author and time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import ForeignKey, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from hms.core.actions import STALE_MESSAGE, action, after_commit
from hms.core.db.models import VersionedRecord
from hms.core.db.query_counter import NOT_COUNTED
from hms.core.db.session import db
from hms.core.errors import RuleBroken, StaleVersion
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.cleaning import clean_field
from hms.core.text.numbers import whole_number
from hms.core.text.translation import N_

from .definition import SettingDefinition
from .definitions import SETTINGS
from .logo import validate_picture

MAX_LENGTH = 500


class SystemSetting(VersionedRecord):
    """A setting that was changed at least once; its value may equal the default again."""

    __tablename__ = "system_setting"

    key: Mapped[str] = mapped_column(unique=True)
    value: Mapped[Any] = mapped_column(JSONB)
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="RESTRICT"))


CACHE_SECONDS = 5.0
_STORED = select(SystemSetting.key, SystemSetting.value)
_cache: tuple[float, dict[str, Any]] = (0.0, {})


def value(key: str) -> Any:
    """The setting's current value. It is cached: a change reaches every process within five seconds."""
    global _cache
    if time.monotonic() - _cache[0] > CACHE_SECONDS:
        rows = db.session.execute(_STORED, execution_options=NOT_COUNTED)
        _cache = (time.monotonic(), dict(rows.all()))
    return _cache[1].get(key, SETTINGS[key].default)


def clear_cache() -> None:
    """Read the settings from the database at the next use."""
    global _cache
    _cache = (0.0, {})


def stored_settings() -> dict[str, SystemSetting]:
    """The stored settings by key, read from the database."""
    return {row.key: row for row in db.session.scalars(select(SystemSetting))}


on_sensitive_change: list[Callable[[Person, SettingDefinition, Any, Any], None]] = []
"""Functions called inside the transaction when the value of a sensitive setting changes. Arguments: who changed it, the
setting, the old value, the new value. Desks add theirs."""


@action(Permission.MANAGE_SETTINGS, "core.change_setting")
def change_setting(key: str, new: Any, *, version: int | None = None, by: Any) -> SystemSetting:
    """Set `key` to `new`.

    `RuleBroken` when the key is unknown or `new` is not valid; `StaleVersion` when `version` is not the stored one (0 for a
    setting that was never changed).
    """
    setting = SETTINGS.get(key)
    if setting is None:
        raise RuleBroken(N_("This setting does not exist."), "key")
    stored = select(SystemSetting).filter_by(key=key).with_for_update()
    row = db.session.scalars(stored, execution_options={"populate_existing": True}).one_or_none()
    if version is not None and version != (row.version if row else 0):
        raise StaleVersion(STALE_MESSAGE)
    new_value, old_value = validated_value(setting, new), row.value if row else setting.default
    if row is None:
        row = SystemSetting(key=key, version=0)
        db.session.add(row)
    elif row.value == new_value:
        return row
    row.value, row.changed_by_id = new_value, by.id
    row.increment_version()
    _flush_first_value()
    after_commit(clear_cache)
    for alert in on_sensitive_change if setting.is_sensitive and new_value != old_value else ():
        alert(by, setting, old_value, new_value)
    return row


def _flush_first_value() -> None:
    """Write the setting; raises `StaleVersion` when another person changed it for the first time meanwhile."""
    try:
        db.session.flush()
    except IntegrityError as error:
        raise StaleVersion(STALE_MESSAGE) from error


@action(Permission.MANAGE_SETTINGS, "core.revert_setting")
def revert_setting(key: str, *, version: int | None = None, by: Any) -> SystemSetting:
    """Set `key` to its default; raises as `change_setting`."""
    if key not in SETTINGS:
        raise RuleBroken(N_("This setting does not exist."), "key")
    return change_setting(key, SETTINGS[key].default, version=version, by=by)


def is_entered(key: str) -> bool:
    """Whether somebody entered a value of the hospital's own: it is neither blank nor the default."""
    return value(key) not in ("", SETTINGS[key].default)


def validated_value(setting: SettingDefinition, new: Any) -> Any:
    """`new` converted to the setting's type; `RuleBroken` at the field `new` when it is not valid."""
    if setting.kind == "flag":
        return _validate_flag(new)
    if setting.kind == "whole":
        return _validate_whole(setting, new)
    if setting.kind == "picture":
        return validate_picture(new)
    if not isinstance(new, str):
        raise RuleBroken(N_("Enter a text."), "new")
    return _validate_text(setting, new)


def _validate_text(setting: SettingDefinition, new: str) -> str:
    text = clean_field(new, "new", longest=MAX_LENGTH)
    if setting.choices and text not in setting.choices:
        raise RuleBroken(N_("Choose one of these: %(choices)s."), "new", choices=", ".join(setting.choices))
    if setting.pattern and text and not re.fullmatch(setting.pattern, text):
        raise RuleBroken(N_("This does not have the format described in the help."), "new")
    if setting.check is not None:
        _check_text(setting.check, text)
    return text


def _check_text(check: Callable[[str], None], text: str) -> None:
    try:
        check(text)
    except RuleBroken as error:
        raise RuleBroken.from_error(error, "new") from error


def _validate_flag(new: Any) -> bool:
    flags = {True: True, False: False, "true": True, "false": False, "1": True, "0": False, "on": True, "": False}
    try:
        return flags[new]
    except (KeyError, TypeError) as error:
        raise RuleBroken(N_("Choose yes or no."), "new") from error


def _validate_whole(setting: SettingDefinition, new: Any) -> int:
    text = "" if isinstance(new, bool) else str(new).strip()
    low, high = setting.least or 0, setting.most or 1_000_000
    try:
        number = whole_number(text)
    except ValueError:
        number = -1
    if not low <= number <= high:
        raise RuleBroken(N_("Enter a whole number from %(low)s to %(high)s."), "new", low=low, high=high)
    return number
