"""Work that nobody waits for: done when the answer of the request has been sent."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import Flask, Response, current_app, g, has_request_context

log = logging.getLogger(__name__)


def run_after_answer(step: Callable[[], object]) -> None:
    """Run `step` when this request's response has been sent; at once outside a request. In tests always at once."""
    if not has_request_context() or "steps_after_answer" not in g or current_app.testing:
        step()
    else:
        g.steps_after_answer.append(step)


def attach_to(response: Response) -> None:
    """Run the steps of this request when the server closes `response`, which it does after sending it."""
    steps = g.pop("steps_after_answer", None)
    if steps:
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        response.call_on_close(lambda: _run(app, steps))


def _run(app: Flask, steps: list[Callable[[], object]]) -> None:
    with app.app_context():
        for step in steps:
            try:
                step()
            except Exception as error:
                log.warning("a step after the answer failed: %s", type(error).__name__)
