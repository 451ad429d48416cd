"""Where an import stands, in words: its status with what failed, and how much of the work is done."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import ngettext

from hms.core.web.template_filters import whole_number
from hms.interop.enums import BATCH_LABELS, NOT_IMPORTED, BatchState, RowState

Counts = dict[RowState, int]


def status_words(state: str, counts: Counts) -> str:
    """The status of an import; one that is done says how many rows are not."""
    failed = sum(counts[one] for one in NOT_IMPORTED)
    if state == BatchState.CHECKED and counts[RowState.IMPORTED]:
        imported = counts[RowState.IMPORTED]
        return ngettext("%(num)s row imported so far", "%(num)s rows imported so far", imported)
    if state == BatchState.CHECKED and failed:
        return ngettext("Checked, %(num)s row to correct", "Checked, %(num)s rows to correct", failed)
    if state == BatchState.DONE and counts[RowState.UNDONE]:
        return ngettext("Partly undone: %(num)s row", "Partly undone: %(num)s rows", counts[RowState.UNDONE])
    if state == BatchState.DONE and failed:
        return ngettext("Imported, %(num)s row failed", "Imported, %(num)s rows failed", failed)
    if state == BatchState.UNDONE and counts[RowState.KEPT]:
        kept = counts[RowState.KEPT]
        return ngettext("Undone, %(num)s record stays", "Undone, %(num)s records stay", kept)
    return str(BATCH_LABELS[BatchState(state)])


def progress_words(state: str, counts: Counts) -> str:
    """How far the work is; rows that failed are no rows that are done. "" while nothing is done."""
    if state == BatchState.CHECKING:
        every = sum(counts.values())
        done = whole_number(every - counts[RowState.WAITING])
        said = _("%(done)s of %(all)s rows are checked.", done=done, all=whole_number(every))
    elif state == BatchState.RUNNING:
        every = counts[RowState.IMPORTED] + counts[RowState.READY]
        done = whole_number(counts[RowState.IMPORTED])
        said = _("%(done)s of %(all)s rows are imported.", done=done, all=whole_number(every))
    elif state == BatchState.UNDOING:
        finished = counts[RowState.UNDONE] + counts[RowState.KEPT]
        every, done = finished + counts[RowState.IMPORTED], whole_number(finished)
        said = _("%(done)s of %(all)s rows are done.", done=done, all=whole_number(every))
    else:
        return ""
    failed = sum(counts[one] for one in NOT_IMPORTED)
    more = ngettext("%(num)s row has errors.", "%(num)s rows have errors.", failed) if failed else ""
    return f"{said} {more}".strip()
