"""Pages: the person's alerts."""

from __future__ import annotations

from flask import Blueprint, Flask, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hms.core.db.session import db
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires, safe_next

from . import actions, queries

pages = Blueprint("messages", __name__, url_prefix="/notifications")
ROWS = 25


class Unread:
    """How many alerts the signed-in person had not read when the request came in."""

    def _count(self) -> int:
        who = current_person()
        return who.unread_alerts or 0 if who.is_authenticated else 0

    def __bool__(self) -> bool:
        return self._count() > 0

    def __str__(self) -> str:
        return str(self._count())


@pages.record_once
def _give_count(state: object) -> None:
    app: Flask = state.app  # type: ignore[attr-defined]
    app.jinja_env.globals["unread_alerts"] = Unread()


@pages.get("")
@requires(Permission.SIGNED_IN)
def inbox() -> str:
    """All or the unread alerts, newest first."""
    unread_only, before = request.args.get("show") != "all", request.args.get("before", type=int)
    rows = db.session.scalars(
        queries.own(current_person().id, unread_only=unread_only, before=before).limit(ROWS + 1)
    ).all()
    older = url_for(".inbox", show=request.args.get("show"), before=rows[ROWS - 1].id) if len(rows) > ROWS else None
    return render_template("messages/inbox.html", rows=rows[:ROWS], unread_only=unread_only, older=older)


@pages.post("/<int:notification_id>/open")
@requires(Permission.SIGNED_IN)
def open_one(notification_id: int) -> ResponseReturnValue:
    """Mark one read and go where it leads."""
    row = actions.mark_read(notification_id, by=current_person())
    return redirect(safe_next(row.url) or url_for(".inbox"), 303)


@pages.post("/read")
@requires(Permission.SIGNED_IN)
def read_all() -> ResponseReturnValue:
    """Mark everything read."""
    actions.mark_all_read(by=current_person())
    return redirect(url_for(".inbox"), 303)
