"""The areas of addresses."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Select, bindparam, case, func, select

from hms.core.db.session import db
from hms.core.errors import RuleBroken
from hms.core.text.cleaning import escape_like, fold, search_text
from hms.core.text.translation import N_
from hms.patients.models import AddressArea

from .rules import SEPARATOR

MAX_SHOWN = 10
MAX_WORDS = 6


def find_areas(typed: str, limit: int = MAX_SHOWN) -> list[AddressArea]:
    """At most `limit` listed areas that have every typed word, those first whose own name begins with the words."""
    line = search_text(typed).replace(SEPARATOR.strip(), " ")
    words = fold(line).split()[:MAX_WORDS]
    if not words:
        return []
    values = {f"word_{nth}": f"%{escape_like(word)}%" for nth, word in enumerate(words)}
    own = f"%{SEPARATOR}{escape_like(' '.join(words))}%"
    return list(db.session.scalars(_matching(len(words)), values | {"own": own, "limit": limit}))


@cache
def _matching(words: int) -> Select:
    row = AddressArea
    parts = [row.search_path.like(func.hms_fold(bindparam(f"word_{nth}"))) for nth in range(words)]
    begins = (func.concat(SEPARATOR, row.search_path)).like(func.hms_fold(bindparam("own")))
    order = (case((begins, 0), else_=1), row.level, row.search_path, row.id)
    return select(row).where(row.is_listed, *parts).order_by(*order).limit(bindparam("limit"))


def resolve_area(area_id: int | None, typed: str, field: str = "area") -> int | None:
    """The area that was chosen (`area_id`), or the only one that the typed words name; None without any.

    Raises `RuleBroken` with the areas that the words may mean.
    """
    chosen = db.session.get(AddressArea, area_id) if area_id is not None else None
    if chosen is not None and typed in ("", chosen.path):
        return chosen.id
    if not typed:
        return None
    found = find_areas(typed, limit=5)
    exact = [row for row in found if fold(row.path) == fold(typed)]
    if len(exact or found) == 1:
        return (exact or found)[0].id
    if not found:
        raise RuleBroken(N_("No area has this name. Type a part of the name, or leave it blank."), field)
    areas = "; ".join(row.path for row in found)
    raise RuleBroken(N_("Several areas have this name: %(areas)s. Type one of them."), field, areas=areas)


def check_area(area_id: int | None) -> None:
    """Raise `RuleBroken` at `area` unless there is an area with this id."""
    if area_id is not None and db.session.get(AddressArea, area_id) is None:
        raise RuleBroken(N_('Invalid pk "%(id)s" - object does not exist.'), "area", id=area_id)


def area_path(area_id: int | None) -> str:
    """The names of an area and of those above it; "" without one."""
    row = db.session.get(AddressArea, area_id) if area_id is not None else None
    return row.path if row is not None else ""


def find_by_path(path: str) -> int | None:
    """The listed area whose names, with those of the areas above it, are exactly `path`; None when there is none."""
    if not path:
        return None
    query = select(AddressArea.id).where(AddressArea.path == path, AddressArea.is_listed)
    return db.session.scalar(query)


def has_areas() -> bool:
    """Whether the hospital loaded a hierarchy."""
    return db.session.scalar(select(AddressArea.id).where(AddressArea.is_listed).limit(1)) is not None


def count_areas() -> dict[str, int]:
    """The number of listed areas by the name of their level, from the top."""
    query = select(AddressArea.level_name, func.count()).where(AddressArea.is_listed)
    query = query.group_by(AddressArea.level_name, AddressArea.level).order_by(AddressArea.level)
    return {name: count for name, count in db.session.execute(query)}
