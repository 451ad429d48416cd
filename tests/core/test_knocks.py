"""The alerts of one action go to Redis together; when that fails, one by one."""

from __future__ import annotations

import json

import pytest
from redis.exceptions import ConnectionError as Gone
from socketio import RedisManager

from hms.core.knocks import Knocks


class Line:
    """A pipeline that notes what it was given, or breaks."""

    def __init__(self, is_broken: bool) -> None:
        self.is_broken, self.waiting, self.sent = is_broken, [], []

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        return None

    def publish(self, channel, message):
        self.waiting.append((channel, json.loads(message)))

    def execute(self):
        if self.is_broken:
            raise Gone
        self.sent.append(self.waiting)

    def pipeline(self, transaction):
        assert not transaction
        return self


@pytest.fixture
def singly(monkeypatch):
    sent = []
    monkeypatch.setattr(RedisManager, "_publish", lambda _manager, message: sent.append(message))
    return sent


def knocks(line: Line) -> Knocks:
    manager = Knocks.__new__(Knocks)
    manager.connected, manager.redis, manager.channel, manager.json = True, line, "doors", json
    return manager


def test_what_is_emitted_together_is_one_round_trip(singly):
    line = Line(is_broken=False)
    manager = knocks(line)
    with manager.together():
        manager._publish("first")
        manager._publish("second")
        assert line.sent == []
    assert line.sent == [[("doors", "first"), ("doors", "second")]]
    manager._publish("alone")
    assert singly == ["alone"]


def test_a_broken_line_is_followed_by_each_on_its_own(singly):
    manager = knocks(Line(is_broken=True))
    with manager.together():
        manager._publish("first")
        manager._publish("second")
    assert singly == ["first", "second"]
