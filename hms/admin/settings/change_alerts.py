"""Alerts administrators when a sensitive setting changes."""

from __future__ import annotations

from typing import Any

from hms.core.permissions import Permission
from hms.core.person import SYSTEM, Person
from hms.core.settings import store as settings
from hms.core.settings.definition import SettingDefinition
from hms.core.text.translation import N_, Sentence
from hms.core.web.localisation import in_english
from hms.messages.actions import notify_everyone_with


def alert_administrators(by: Person, setting: SettingDefinition, before: Any, after: Any) -> None:
    """Send every other administrator an alert with the setting, its old and new value, and who changed it."""
    message = Sentence(
        N_(
            "%(setting)s: %(before)s → %(after)s, by %(name)s (%(username)s). If you did not expect "
            "this change, ask why."
        ),
        setting=setting.label,
        before=_shown(before),
        after=_shown(after),
        name=by.name,
        username=by.username,
    )
    notify_everyone_with(
        Permission.ADMINISTER,
        title=N_("A security or money setting was changed"),
        message=in_english(message),
        url=f"/admin/settings/{setting.key}",
        except_for=by,
        by=SYSTEM,
    )


def _shown(value: Any) -> Any:
    words = {True: Sentence(N_("Yes")), False: Sentence(N_("No"))}
    return words[value] if isinstance(value, bool) else value if value != "" else "–"


settings.on_sensitive_change.append(alert_administrators)
