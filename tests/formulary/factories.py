"""Medicines for tests."""

from __future__ import annotations

from hms.core.db.session import db
from hms.core.person import SYSTEM
from hms.formulary.medicines import actions
from hms.formulary.models import Medication


def load() -> None:
    """Load the whole starting list."""
    actions.load_catalogue(with_prices=True, by=SYSTEM)


def medicine(key: str) -> Medication:
    """A medicine of the starting list."""
    return db.session.query(Medication).filter_by(catalogue_key=key).one()
