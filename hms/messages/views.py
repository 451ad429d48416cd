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
    """The number of unread alerts of the signed-in person at the start of the request, for templates."""

    def _count(self) -> int:
        person = current_person()
        return person.unread_alerts or 0 if person.is_authenticated else 0

    def __bool__(self) -> bool:
        return self._count() > 0

    def __str__(self) -> str:
        return str(self._count())


@pages.record_once
def _add_unread_count(state: object) -> None:
    app: Flask = state.app  # type: ignore[attr-defined]
    app.jinja_env.globals["unread_alerts"] = Unread()


@pages.get("")
@requires(Permission.SIGNED_IN)
def inbox() -> str:
    """The unread alerts, or all with `?show=all`, newest first."""
    unread_only, before = request.args.get("show") != "all", request.args.get("before", type=int)
    rows = db.session.scalars(
        queries.own_notifications(current_person().id, unread_only=unread_only, before=before).limit(ROWS + 1)
    ).all()
    older = url_for(".inbox", show=request.args.get("show"), before=rows[ROWS - 1].id) if len(rows) > ROWS else None
    return render_template("messages/inbox.html", rows=rows[:ROWS], unread_only=unread_only, older=older)


@pages.post("/<int:notification_id>/open")
@requires(Permission.SIGNED_IN)
def open_one(notification_id: int) -> ResponseReturnValue:
    """Mark an alert as read and open its page."""
    notification = actions.mark_read(notification_id, by=current_person())
    return redirect(safe_next(notification.url) or url_for(".inbox"), 303)


@pages.post("/read")
@requires(Permission.SIGNED_IN)
def read_all() -> ResponseReturnValue:
    """Mark all alerts as read."""
    actions.mark_all_read(by=current_person())
    return redirect(url_for(".inbox"), 303)
