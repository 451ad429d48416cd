"""States of imported files and of their rows."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import lazy_gettext as _l


class BatchState(StrEnum):
    """Where an import stands; in the states of `WORKING` the background works, in the others a person goes on."""

    UPLOADED = "uploaded"
    CHECKING = "checking"
    CHECKED = "checked"
    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


class RowState(StrEnum):
    """What became of a row of the file."""

    WAITING = "waiting"
    READY = "ready"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    IMPORTED = "imported"
    KEPT = "kept"
    UNDONE = "undone"


WORKING = (BatchState.CHECKING, BatchState.RUNNING, BatchState.UNDOING)
"""The states in which the background works."""
NOT_IMPORTED = (RowState.REFUSED, RowState.DUPLICATE)
"""The rows that a person corrects."""

BATCH_LABELS = {
    BatchState.UPLOADED: _l("Not checked"),
    BatchState.CHECKING: _l("Being checked"),
    BatchState.CHECKED: _l("Checked"),
    BatchState.RUNNING: _l("Being imported"),
    BatchState.DONE: _l("Imported"),
    BatchState.UNDOING: _l("Being undone"),
    BatchState.UNDONE: _l("Undone"),
}
ROW_LABELS = {
    RowState.WAITING: _l("Not checked yet"),
    RowState.READY: _l("Ready"),
    RowState.REFUSED: _l("With errors"),
    RowState.DUPLICATE: _l("Already there"),
    RowState.IMPORTED: _l("Imported"),
    RowState.KEPT: _l("Stays"),
    RowState.UNDONE: _l("Undone"),
}
