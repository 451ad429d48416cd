"""What every template may use: the person, the hospital, the bar, addresses."""

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
from hms.core.permissions import Permission, role_label
from hms.core.settings import store as settings
from hms.core.text import formatting

from . import navigation
from .controls import control_attributes
from .guard import current_person
from .page_words import page_words
from .security_headers import csp_nonce
from .static_assets import asset


class Hospital:
    """Name, address and phone as set by the hospital."""

    def __getattr__(self, name: str) -> Any:
        return settings.value(f"hospital.{name}")


def may(action: Permission | str) -> bool:
    """Whether the person at the page may do `action` (the enum, or its name: `may("TAKE_PAYMENT")`)."""
    who = current_person()
    wanted = action if isinstance(action, Permission) else Permission[action]
    return who.is_authenticated and who.may(wanted)


class Bar:
    """The top bar's items, made only for pages that show them."""

    def __iter__(self) -> Iterator[navigation.NavItem]:
        if "nav_items" not in g:
            g.nav_items = navigation.items(current_person())
        return iter(g.nav_items)


def _context() -> dict[str, Any]:
    locale, who, hospitals = get_locale(), current_person(), settings.value("staff.idle_minutes")
    return {
        "page_language": locale.language if locale else "en",
        "page_direction": "rtl" if locale and locale.text_direction == "rtl" else "ltr",
        "currency": current_app.config["CURRENCY"],
        "role_word": role_label(getattr(who, "role", None), getattr(who, "role_name", None)),
        "idle_seconds": min(hospitals, getattr(who, "idle_minutes", None) or hospitals) * 60,
        "keep_alive_url": url_for("staff.stay"),
        "lock_url": url_for("staff.lock_now"),
    }


def shown(value: Any) -> str:
    """A stored value in words: yes and no, a dash for nothing, several joined."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(one) for one in value) or "–"
    return re.sub(r"(\d{4}-\d{2}-\d{2})", _written_day, str(value))


def _written_day(found: re.Match[str]) -> str:
    try:
        return formatting.format_date(date.fromisoformat(found.group()))
    except ValueError:
        return found.group()


def install(app: Flask) -> None:
    app.jinja_env.filters["shown"] = shown
    app.context_processor(_context)
    app.jinja_env.globals.update(
        asset=asset if app.debug else cache(asset),  # a file changes with the program only
        control_attributes=control_attributes,
        csp_nonce=csp_nonce,
        hospital=Hospital(),
        is_demo=app.config["DEMO"],
        may=may,
        nav_items=Bar(),
        now=clock.now,
        page_words=page_words,
        once=lambda: secrets.token_urlsafe(16),
        today=clock.today,
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
