"""Counts the queries of a request, for the header `X-Queries` that tests and the benchmark read (not in production)."""

from __future__ import annotations

from flask import Flask, g, has_request_context
from sqlalchemy import event
from sqlalchemy.engine import Engine


def _count(*_statement: object) -> None:
    if has_request_context():
        g.queries = g.get("queries", 0) + 1


def watch_queries(app: Flask) -> None:
    """Count every statement of a request when the application is in demo or test mode."""
    if not (app.testing or app.config["DEMO"]):
        return

    if not event.contains(Engine, "before_cursor_execute", _count):
        event.listen(Engine, "before_cursor_execute", _count)

    @app.after_request
    def tell(response):
        response.headers["X-Queries"] = str(g.get("queries", 0))
        return response
