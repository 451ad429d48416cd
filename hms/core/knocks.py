"""Alerts on their way to Redis: those of one action go in one round trip, however many doors they knock at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from redis.exceptions import RedisError
from socketio import RedisManager

_held: ContextVar[list[Any] | None] = ContextVar("held", default=None)


class Knocks(RedisManager):
    """Socket.IO's manager, that can hold messages back until all are there."""

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is emitted inside is published at the end."""
        messages: list[Any] = []
        mark = _held.set(messages)
        try:
            yield
        finally:
            _held.reset(mark)
        self._publish_all(messages)

    def _publish(self, data: Any) -> Any:
        held = _held.get()
        return super()._publish(data) if held is None else held.append(data)

    def _publish_all(self, messages: list[Any]) -> None:
        try:
            if not self.connected:
                self._redis_connect()
            with self.redis.pipeline(transaction=False) as line:
                for message in messages:
                    line.publish(self.channel, self.json.dumps(message))
                line.execute()
        except (RedisError, OSError):
            for message in messages:  # one by one, as it connects anew and says what fails; a second knock does no harm
                super()._publish(message)
