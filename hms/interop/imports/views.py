"""Pages: import lists from files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.background.outbox import job_status
from hms.core.text.numbers import parse_record_id
from hms.core.web.buttons import press
from hms.core.web.guard import current_person, requires
from hms.core.web.template_filters import whole_number
from hms.interop.enums import NOT_IMPORTED, WORKING, BatchState, RowState
from hms.interop.models import ImportBatch
from hms.staff.directory import display_names

from . import actions, queries, rules
from .failed_rows import failed_csv, row_faults, template_csv
from .forms import FileForm, columns_form
from .kinds import IMPORTERS, KINDS, get_kind, open_kinds
from .people import questions, record_matches
from .progress import progress_words, status_words
from .tables import MAX_BYTES

pages = Blueprint("imports", __name__, url_prefix="/imports")
PAGE = 25
SHOWN_ROWS = 3


@pages.route("/", methods=["GET", "POST"])
@requires(*IMPORTERS)
def imports() -> ResponseReturnValue:
    """The person's own imports; choose a file."""
    form = FileForm(current_person())
    if form.save(actions.upload, by=current_person()):
        flash(_("File read. Check its columns."), "success")
        return redirect(url_for(".batch", import_id=form.result.id), 303)
    before = parse_record_id(request.args.get("before", ""))
    rows = queries.list_batches(current_person(), before, PAGE + 1)
    shown = rows[:PAGE]
    counts = queries.count_rows_of([row.id for row in shown])
    page = render_template(
        "interop/imports.html",
        form=form,
        max_size=MAX_BYTES,
        batches=shown,
        statuses={row.id: status_words(row.state, counts[row.id]) for row in shown},
        owners=display_names({row.user_id for row in shown} - {current_person().id}),
        older=url_for(".imports", before=rows[PAGE - 1].id) if len(rows) > PAGE else None,
        newest=url_for(".imports") if before else None,
        kinds=open_kinds(current_person()),
        all_kinds=KINDS,
    )
    return page, form.status


@pages.get("/template/<kind>.csv")
@requires(*IMPORTERS)
def template(kind: str) -> Response:
    """A file with the headings of a kind, and one row as an example."""
    return _csv(template_csv(get_kind(kind, current_person())), f"{kind}.csv")


@pages.get("/<int:import_id>")
@requires(*IMPORTERS)
def batch(import_id: int) -> ResponseReturnValue:
    """Where an import stands: columns, what was checked, progress, result."""
    row = queries.get_batch(import_id, current_person())
    return _batch_page(row, columns_form(row, KINDS[row.kind]))


@pages.get("/<int:import_id>/state")
@requires(*IMPORTERS)
def state(import_id: int) -> ResponseReturnValue:
    """The part of the page that fetches itself again while the background works."""
    row = queries.get_batch(import_id, current_person())
    return _batch_page(row, columns_form(row, KINDS[row.kind]), "interop/_import_state.html")


@pages.post("/<int:import_id>/check")
@requires(*IMPORTERS)
def check(import_id: int) -> ResponseReturnValue:
    """Choose the columns; the check begins."""
    row = queries.get_batch(import_id, current_person())
    form = columns_form(row, KINDS[row.kind])
    if form.save(actions.check, by=current_person(), batch_id=import_id):
        flash(_("Check started. Nothing is imported yet."), "success")
        return redirect(url_for(".batch", import_id=import_id), 303)
    return _batch_page(queries.get_batch(import_id, current_person()), form)


def _batch_page(row: ImportBatch, form: Any, template: str = "interop/import.html") -> ResponseReturnValue:
    counts, is_working = queries.count_rows(row.id), row.state in WORKING
    page = render_template(
        template,
        batch=row,
        kind=KINDS[row.kind],
        form=form,
        counts=counts,
        status=status_words(row.state, counts),
        progress=progress_words(row.state, counts),
        figures=[(KINDS[row.kind].row_labels[state], whole_number(count)) for state, count in counts.items() if count],
        unused=[name for place, name in enumerate(row.headings) if name and place not in row.columns.values()],
        listed=None if is_working or row.state == BatchState.UPLOADED else _listed(row, counts),
        samples=queries.first_cells(row.id, SHOWN_ROWS) if row.state == BatchState.UPLOADED else [],
        is_working=is_working,
        is_stuck=is_working and job_status(actions.JOB, row.id) == "failed",
        owner=_owner(row),
        problem=rules.shown(row.problem) if row.problem else None,
    )
    return page, form.status


def _owner(row: ImportBatch) -> str:
    """Whose import it is; "" for the person's own."""
    return "" if row.user_id == current_person().id else display_names({row.user_id})[row.user_id]


def _listed(row: ImportBatch, counts: dict[RowState, int]) -> dict[str, Any]:
    """The rows of one state, and the addresses of the others; what is shown of patients is recorded."""
    shown, after = request.args.get("show", ""), parse_record_id(request.args.get("after", ""))
    states = [RowState(shown)] if shown in list(RowState) else [*NOT_IMPORTED, RowState.KEPT]
    rows = queries.list_rows(row.id, states, after, PAGE + 1)
    record_matches(row, rows[:PAGE])
    return {
        "rows": [(one, row_faults(row, one)) for one in rows[:PAGE]],
        "questions": questions(row, rows[:PAGE], current_person()),
        "labels": KINDS[row.kind].row_labels,
        "more": _address(row, shown, after=rows[PAGE - 1].number) if len(rows) > PAGE else None,
        "first": _address(row, shown) if after else None,
        "segments": _segments(row, counts, shown),
    }


def _address(row: ImportBatch, shown: str, **more: Any) -> str:
    return url_for(".batch", import_id=row.id, show=shown or None, **more)


def _segments(row: ImportBatch, counts: dict[RowState, int], shown: str) -> list[dict[str, Any]]:
    """The rows to correct, and each other state that has rows."""
    to_correct = sum(counts[state] for state in (*NOT_IMPORTED, RowState.KEPT))
    first = {"label": _("To correct"), "count": to_correct, "url": _address(row, ""), "is_current": not shown}
    others = [
        {
            "label": KINDS[row.kind].row_labels[state],
            "count": count,
            "url": _address(row, state),
            "is_current": shown == state,
        }
        for state, count in counts.items()
        if count
    ]
    return [first, *others]


@pages.post("/<int:import_id>/run")
@requires(*IMPORTERS)
def run(import_id: int) -> ResponseReturnValue:
    """Import the rows that are ready."""
    return _press(import_id, actions.run, _("Import started."))


@pages.post("/<int:import_id>/stop")
@requires(*IMPORTERS)
def stop(import_id: int) -> ResponseReturnValue:
    """Stop the check, the import or its undoing."""
    done = {
        BatchState.CHECKING: _("Check stopped. Check the rows again before you import them."),
        BatchState.UNDOING: _("Undoing stopped. The rest of the import stays."),
    }
    state = queries.get_batch(import_id, current_person()).state
    return _press(import_id, actions.stop, done.get(state, _("Import stopped. Rows already imported stay.")))


@pages.route("/<int:import_id>/undo", methods=["GET", "POST"])
@requires(*IMPORTERS)
def undo(import_id: int) -> ResponseReturnValue:
    """Ask before an import is undone; undo it."""
    if request.method == "GET":
        return _question_page(import_id, "undo")
    return _press(import_id, actions.undo, _("Undo started. Records that are used stay."))


@pages.route("/<int:import_id>/delete", methods=["GET", "POST"])
@requires(*IMPORTERS)
def delete(import_id: int) -> ResponseReturnValue:
    """Ask before the content of a file is deleted; delete it."""
    if request.method == "GET":
        return _question_page(import_id, "delete")
    return _press(import_id, actions.delete_content, _("Content of the file deleted."))


def _question_page(import_id: int, what: str) -> str:
    row = queries.get_batch(import_id, current_person())
    counts = queries.count_rows(row.id)
    left = sum(counts[state] for state in (RowState.WAITING, RowState.READY, *NOT_IMPORTED))
    return render_template(
        "interop/import_question.html", batch=row, kind=KINDS[row.kind], what=what, counts=counts, left=left
    )


@pages.post("/<int:import_id>/rows/<int:row_number>/allow")
@requires(*IMPORTERS)
def allow(import_id: int, row_number: int) -> ResponseReturnValue:
    """Say that a row is another person than the one who is there."""
    return _press(
        import_id, actions.allow_row, _("Row %(row)s is ready to be imported.", row=row_number), number=row_number
    )


def _press(import_id: int, action: Callable[..., Any], done: str, **values: Any) -> ResponseReturnValue:
    if press(action, batch_id=import_id, **values):
        flash(done, "success")
    return redirect(url_for(".batch", import_id=import_id), 303)


@pages.get("/<int:import_id>/failed.csv")
@requires(*IMPORTERS)
def failed(import_id: int) -> Response:
    """The rows that were not imported, each with the reason, to correct and to import again."""
    row = queries.get_batch(import_id, current_person())
    return _csv(failed_csv(row), f"import-{row.id}-failed.csv")


def _csv(content: bytes, name: str) -> Response:
    response = Response(content, mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
