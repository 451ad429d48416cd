"""The payers beside the patient that the hospital works with."""

from __future__ import annotations

from . import store

SELF = "self"
"""The payer code of the patient; no other payer has this name."""
MAX_LENGTH = 60


def payer_names() -> list[str]:
    """The payers of the setting `billing.payers`."""
    names = (name.strip()[:MAX_LENGTH] for name in store.value("billing.payers").split(","))
    return [name for name in dict.fromkeys(names) if name and name.casefold() != SELF]
