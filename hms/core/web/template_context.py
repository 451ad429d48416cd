"""The variables and functions of every template: hospital, permissions, top bar, addresses."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import Any

from flask import Flask, current_app, g, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from jinja2 import StrictUndefined

from hms.core import clock
from hms.core.money import ZERO, Money, currency_decimals
from hms.core.permissions import Permission, role_label
from hms.core.settings import store as settings
from hms.core.text import formatting
from hms.core.text.numbers import show, shown_sign

from . import navigation
from .controls import control_attributes
from .guard import current_person
from .localisation import is_right_to_left
from .logo import logo_address
from .script_messages import script_messages_json
from .security_headers import csp_nonce
from .static_assets import asset
from .template_filters import attributes


class Hospital:
    """The settings `hospital.*`: `hospital.name`, `hospital.address`, `hospital.phone` and so on."""

    def __getattr__(self, name: str) -> Any:
        return logo_address() if name == "logo" else settings.value(f"hospital.{name}")


def may(permission: Permission | str) -> bool:
    """Whether the signed-in person has a permission, given as the enum or by its name: `may("TAKE_PAYMENT")`."""
    person = current_person()
    return person.is_authenticated and person.may(
        permission if isinstance(permission, Permission) else Permission[permission]
    )


class TopBar:
    """The entries of the top bar, made when a page shows them."""

    def __iter__(self) -> Iterator[navigation.NavItem]:
        if "nav_items" not in g:
            g.nav_items = navigation.items(current_person())
        return iter(g.nav_items)


def _context() -> dict[str, Any]:
    locale, person, idle_minutes = get_locale(), current_person(), settings.value("staff.idle_minutes")
    return {
        "page_language": locale.language if locale else "en",
        "page_direction": "rtl" if is_right_to_left() else "ltr",
        "currency": current_app.config["CURRENCY"],
        "current_role_name": role_label(getattr(person, "role", None), getattr(person, "role_name", None)),
        "idle_seconds": min(idle_minutes, getattr(person, "idle_minutes", None) or idle_minutes) * 60,
        "keep_alive_url": url_for("staff.stay"),
        "lock_url": url_for("staff.lock_now"),
    }


def display_value(value: Any) -> str:
    """A stored value for the screen: yes or no, a dash for an empty value, lists joined, dates formatted."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, (list, tuple)):
        return ", ".join(display_value(item) for item in value) or "–"
    return re.sub(r"(\d{4}-\d{2}-\d{2})", _format_match, str(value))


def _format_match(match: re.Match[str]) -> str:
    try:
        return formatting.format_date(date.fromisoformat(match.group()))
    except ValueError:
        return match.group()


def install(app: Flask) -> None:
    """Register the context, the globals and the filter `display_value`; an undefined variable in a template is an error."""
    app.jinja_env.filters["display_value"] = display_value
    app.context_processor(_context)
    app.jinja_env.globals.update(
        asset=asset if app.debug else cache(asset),  # files change only with a new release
        attributes=attributes,
        control_attributes=control_attributes,
        csp_nonce=csp_nonce,
        currency_decimals=currency_decimals,
        decimal_sign=shown_sign,
        example=lambda whole: show(Money(whole)),
        hospital=Hospital(),
        is_demo=app.config["DEMO"],
        may=may,
        nav_items=TopBar(),
        now=clock.now,
        script_messages_json=script_messages_json,
        once=lambda: secrets.token_urlsafe(16),
        today=clock.today,
        zero=ZERO,
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
