"""The 503 while the database is gone, frozen or busy: made without a query, in the reader's language as far as it is known."""

from __future__ import annotations

import logging
import time
from typing import Any

from flask import Response, current_app, g, jsonify, request
from flask_babel import gettext as _
from sqlalchemy.exc import DBAPIError

from hms.core.db.session import db
from hms.core.db.transient_errors import can_be_repeated

from .guard import is_api_request
from .localisation import current_language
from .request_repeats import mark_for_repeat

log = logging.getLogger(__name__)

RETRY_AFTER = 10
"""Seconds."""
LOG_EVERY = 60.0
"""Seconds between two lines about the same problem."""
_last_logged: dict[str, float] = {}


def unavailable_response(message: str, kept: list[tuple[str, str]] | None = None) -> Response:
    """The 503 with `message`: JSON for the API, else a page that offers the fields `kept` to be sent again.

    The page is rendered without the variables of other pages, which need the person and the settings.
    """
    if is_api_request():
        response = jsonify({"detail": message})
        response.status_code = 503
    else:
        response = Response(_page(message, kept or []), 503)
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def _page(message: str, kept: list[tuple[str, str]]) -> str:
    template = current_app.jinja_env.get_template("errors/unavailable.html")
    return template.render(message=message, kept=kept, page_language=current_language(), request=request)


def database_unavailable(error: DBAPIError | None = None, kept: list[tuple[str, str]] | None = None) -> Response:
    """The 503 for a lost, refused or silent connection; the request is done again first where that is safe."""
    db.session.rollback()  # the transaction of a lost connection can only be rolled back
    forget_reader()
    if error is not None and can_be_repeated(error):
        return mark_for_repeat()
    log_seldom("database", "the database is not available: %s", type(error.orig).__name__ if error else "no connection")
    return unavailable_response(_("The database is not available. Wait a minute, then try again."), kept)


def forget_reader() -> None:
    """Do not load the person for the words of the response: that needs the database. A person already loaded stays known."""
    g.is_reader_known = g.get("_login_user") is not None


def log_seldom(problem: str, message: str, *values: Any) -> None:
    """Log a warning about `problem`, once a minute in this process."""
    now = time.monotonic()
    if now - _last_logged.get(problem, -LOG_EVERY) >= LOG_EVERY:
        _last_logged[problem] = now
        log.warning(message, *values)


class SeldomWithoutTraceback(logging.Filter):
    """Lets the connection pool log one line a minute, without a traceback: a database that is gone is one event."""

    _last = -LOG_EVERY

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now - self._last < LOG_EVERY:
            return False
        self._last, record.exc_info, record.exc_text = now, None, None
        return True


def install() -> None:
    """Let a missing database fill no log."""
    pool_log = logging.getLogger("sqlalchemy.pool.impl.QueuePool")
    if not any(isinstance(one, SeldomWithoutTraceback) for one in pool_log.filters):
        pool_log.addFilter(SeldomWithoutTraceback())
