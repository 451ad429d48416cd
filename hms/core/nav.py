"""The top bar: each desk names its place in it; a person sees the places their role works at."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request, url_for
from flask_babel import gettext as _

from .people import Person
from .permissions import Action


@dataclass(frozen=True)
class Place:
    """One item of the bar. `order` sorts it; `needs` is the action that makes it useful (not merely allowed)."""

    label: str
    endpoint: str
    needs: Action
    order: int


@dataclass(frozen=True)
class NavItem:
    label: str
    url: str
    is_current: bool
    count: int | None = None


_places: dict[str, Place] = {}


def place(label: str, endpoint: str, needs: Action, order: int) -> None:
    """Put a page in the top bar. `label` is marked with `hms.core.words._`."""
    _places[endpoint] = Place(label, endpoint, needs, order)


def items(who: Person) -> list[NavItem]:
    """The bar of this person, in their order of work."""
    seen = sorted((p for p in _places.values() if who.is_authenticated and who.may(p.needs)), key=lambda p: p.order)
    here = (request.endpoint or "").split(".")[0]
    return [NavItem(_(p.label), url_for(p.endpoint), _is_current(p, here)) for p in seen]


def _is_current(place_: Place, here: str) -> bool:
    return request.endpoint == place_.endpoint or (place_.endpoint.split(".")[0] == here and not _has_own_place())


def _has_own_place() -> bool:
    return request.endpoint in _places
