"""The top bar: each desk names its place in it; a person sees the places their role works at."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request, url_for

from hms.core.permissions import Permission
from hms.core.person import Person


@dataclass(frozen=True)
class NavigationEntry:
    """One item of the bar. `order` sorts it, `key` after `g` opens it.

    `needs` is the action that makes it useful (not merely allowed).
    """

    label: str
    endpoint: str
    needs: Permission
    order: int
    key: str = ""


@dataclass(frozen=True)
class NavItem:
    label: str
    url: str
    is_current: bool
    count: int | None = None
    key: str = ""


_entries: dict[str, NavigationEntry] = {}


def add_entry(label: str, endpoint: str, needs: Permission, order: int, key: str = "") -> None:
    """Put a page in the top bar. `label` is a `lazy_gettext` literal; `g` and then `key` opens it."""
    _entries[endpoint] = NavigationEntry(label, endpoint, needs, order, key)


def items(who: Person) -> list[NavItem]:
    """The bar of this person, in their order of work. Current is the place whose address begins this page's."""
    seen = sorted((p for p in _entries.values() if who.is_authenticated and who.may(p.needs)), key=lambda p: p.order)
    urls = [url_for(p.endpoint) for p in seen]
    here = max((url for url in urls if request.path.startswith(url)), key=len, default=None)
    return [NavItem(p.label, url, url == here, key=p.key) for p, url in zip(seen, urls, strict=True)]
