"""Counts the queries of a request, for the header `X-Queries` that tests and the benchmark read (not in production)."""

from __future__ import annotations

from typing import Any

from flask import Flask, g, has_request_context
from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine

NOT_COUNTED = {"is_upkeep": True}
"""Execution options of statements that run every few seconds, in whichever request comes next; requests do not count them."""


def _count(_connection: Connection, _cursor: Any, _statement: str, _values: Any, context: Any, _many: bool) -> None:
    options = context.execution_options if context else {}
    if has_request_context() and not options.get("is_upkeep"):
        g.queries = g.get("queries", 0) + 1


def watch_queries(app: Flask) -> None:
    """Count every statement of a request when the application is in demo or test mode."""
    if not (app.testing or app.config["DEMO"]):
        return

    if not event.contains(Engine, "before_cursor_execute", _count):
        event.listen(Engine, "before_cursor_execute", _count)

    @app.after_request
    def add_header(response):
        response.headers["X-Queries"] = str(g.get("queries", 0))
        return response
