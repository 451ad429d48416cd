"""Loads the hierarchy of addresses."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import insert, select, text, update

from hms.core.actions import action
from hms.core.audit import recording
from hms.core.db.session import db
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.patients.models import AddressArea

from .rules import SEPARATOR, AreaFile, Path

AT_ONCE = 5000
_LOCK = text("LOCK TABLE address_area IN SHARE ROW EXCLUSIVE MODE")


@dataclass(frozen=True)
class Loaded:
    """How many areas are new, and how many of those before are not in the list any more."""

    added: int
    removed: int
    listed: int


@action(Permission.MANAGE_SETTINGS, "patients.load_areas")
def load_areas(read: AreaFile, *, by: Person) -> Loaded:
    """Make the areas of a file the list. Areas that are not in it are not offered any more; patients who have one keep it.

    Raises `RuleBroken` for a file with faults.
    """
    if read.errors or not read.paths:
        raise RuleBroken(N_("The file has faults. Correct them, then load it again."), "file")
    db.session.execute(_LOCK)
    stored = {
        row.path: row for row in db.session.execute(select(AddressArea.id, AddressArea.path, AddressArea.is_listed))
    }
    wanted = {SEPARATOR.join(path) for path in read.paths}
    ids = {path: row.id for path, row in stored.items()}
    added = _add_missing(read, ids)
    again = [row.id for path, row in stored.items() if path in wanted and not row.is_listed]
    gone = [row.id for path, row in stored.items() if path not in wanted and row.is_listed]
    for rows, is_listed in ((again, True), (gone, False)):
        for start in range(0, len(rows), AT_ONCE):
            chosen = AddressArea.id.in_(rows[start : start + AT_ONCE])
            db.session.execute(update(AddressArea).where(chosen).values(is_listed=is_listed))
    loaded = Loaded(added, len(gone), len(wanted))
    details = {"added": loaded.added, "removed": loaded.removed, "listed": loaded.listed}
    recording.record("patients.load_areas", by, entity="address_area", details=details)
    return loaded


def _add_missing(read: AreaFile, ids: dict[str, int]) -> int:
    """Insert the areas that are not stored, level by level; `ids` gets their ids. Returns how many."""
    count = 0
    for level in range(1, len(read.levels) + 1):
        missing = [path for path in read.paths if len(path) == level and SEPARATOR.join(path) not in ids]
        for start in range(0, len(missing), AT_ONCE):
            rows = [_row(path, read.levels, ids) for path in missing[start : start + AT_ONCE]]
            made = insert(AddressArea).returning(AddressArea.id, AddressArea.path)
            ids |= {path: area_id for area_id, path in db.session.execute(made, rows)}
        count += len(missing)
    return count


def _row(path: Path, levels: Path, ids: dict[str, int]) -> dict[str, object]:
    above = SEPARATOR.join(path[:-1])
    return {
        "parent_id": ids[above] if above else None,
        "level": len(path),
        "level_name": levels[len(path) - 1],
        "path": SEPARATOR.join(path),
        "is_listed": True,
    }
