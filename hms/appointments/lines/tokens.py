"""Tokens of doctors and service points together, with their waits, for screens in waiting rooms. No patient names."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from hms.appointments.queue import queries as queue_queries
from hms.appointments.queue.queries import MAX_CALLS_SHOWN, MAX_NEXT_SHOWN
from hms.appointments.waits import queries as wait_queries
from hms.appointments.waits.queries import Callers
from hms.appointments.waits.rules import Minutes

from . import queries


def list_last_calls(*, doctor_id: int | None = None, point_id: int | None = None) -> list[Row]:
    """The last calls of one doctor or one service point, or of all, latest first."""
    calls: list[Any] = [] if point_id is not None else queue_queries.list_last_calls(doctor_id=doctor_id)
    if doctor_id is None:
        calls = [*calls, *queries.list_calls_of_points(point_id)]
    return sorted(calls, key=lambda call: call.called_at, reverse=True)[:MAX_CALLS_SHOWN]


def list_next_tokens(*, doctor_id: int | None = None, point_id: int | None = None) -> list[Row]:
    """The first tokens that wait for one doctor or at one service point; of all, first those for doctors."""
    waiting: list[Any] = [] if point_id is not None else queue_queries.list_next_tokens(doctor_id=doctor_id)
    if doctor_id is None:
        waiting = [*waiting, *queries.list_next_of_points(point_id)]
    return waiting[:MAX_NEXT_SHOWN]


def load_waits(*, doctor_id: int | None = None, point_id: int | None = None) -> dict[int | str, Minutes]:
    """The expected waits of those whose tokens wait for one doctor or at one service point, or of all, by the `id` of
    `list_next_tokens`."""
    waits: dict[int | str, Minutes] = {} if point_id is not None else {**wait_queries.expected_waits()}
    if doctor_id is None:
        of_points = wait_queries.expected_waits(Callers.POINTS)
        waits |= {f"point-{point_entry_id}": wait for point_entry_id, wait in of_points.items()}
    return waits
