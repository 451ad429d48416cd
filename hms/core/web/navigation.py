"""The entries of the top bar: each desk adds its pages; a person sees those that their role uses."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request, url_for

from hms.core.permissions import Permission
from hms.core.person import Person


@dataclass(frozen=True)
class NavigationEntry:
    """A page in the top bar. `order` is its position; pressing `g` and then `key` opens it.

    `needs` is the permission of the work done on the page; the permission to read it is not enough to show the entry.
    """

    label: str
    endpoint: str
    needs: Permission
    order: int
    key: str = ""
    also: tuple[str, ...] = ()
    """Beginnings of further addresses whose pages belong to this entry."""


@dataclass(frozen=True)
class NavItem:
    """An entry as the template shows it."""

    label: str
    url: str
    is_current: bool
    count: int | None = None
    key: str = ""


_entries: dict[str, NavigationEntry] = {}


def add_entry(
    label: str, endpoint: str, needs: Permission, order: int, key: str = "", also: tuple[str, ...] = ()
) -> None:
    """Add a page to the top bar; see `NavigationEntry`. `label` is a `lazy_gettext` literal."""
    _entries[endpoint] = NavigationEntry(label, endpoint, needs, order, key, also)


def items(person: Person) -> list[NavItem]:
    """The top bar of `person`, in its order. The current entry has the longest address that this page's begins with."""
    allowed = [entry for entry in _entries.values() if person.is_authenticated and person.may(entry.needs)]
    entries = sorted(allowed, key=lambda entry: entry.order)
    urls = [url_for(entry.endpoint) for entry in entries]
    beginnings = [(begin, url) for entry, url in zip(entries, urls, strict=True) for begin in (url, *entry.also)]
    matching = [pair for pair in beginnings if request.path.startswith(pair[0])]
    current = max(matching, key=lambda pair: len(pair[0]), default=("", None))[1]
    return [NavItem(entry.label, url, url == current, key=entry.key) for entry, url in zip(entries, urls, strict=True)]
