"""Clients that ask again as soon as they are answered, each over one connection that stays open."""

from __future__ import annotations

import http.client
import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from hms.demo.people import PASSWORD

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"|name="csrf-token" content="([^"]+)"')
TIMEOUT = 30
LONGEST = 240


class Failed(Exception):
    """The hospital did not do what was asked."""


@dataclass
class Answer:
    """One answer: status, headers in lower case, body as it was sent (compressed when the client may take that)."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One person or program. `queries` counts the statements the server says it made (demo mode only)."""

    def __init__(self, host: str, port: int, number: int = 0) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
        self.number = number
        self.queries = 0
        self._fixed = {"X-Forwarded-For": f"10.0.{number // 250}.{number % 250 + 1}"}
        self._csrf = ""

    def close(self) -> None:
        self._connection.close()

    def send(
        self, method: str, path: str, body: bytes | None = None, expected: tuple[int, ...] = (200,), **headers: str
    ) -> Answer:
        """One request; raises `Failed` with the answer's beginning when its status is not one of `expected`."""
        sent = self._fixed | {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            self._connection.request(method, path, body, sent)
            raw = self._connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self._connection.close()
            self._connection.request(method, path, body, sent)
            raw = self._connection.getresponse()
        answer = Answer(raw.status, {name.lower(): value for name, value in raw.getheaders()}, raw.read())
        self.queries += int(answer.headers.get("x-queries", 0))
        self._keep_cookie(answer)
        if answer.status not in expected:
            raise Failed(f"{method} {path}: {answer.status} {answer.body[:600]!r}")
        return answer

    def get(self, path: str, **more: Any) -> Answer:
        return self.send("GET", path, **more)

    def post_json(self, path: str, given: dict[str, Any], method: str = "POST") -> Answer:
        return self.send(method, path, json.dumps(given).encode(), (200, 201), Content_Type="application/json")

    def post_form(self, path: str, expected: tuple[int, ...] = (303,), **given: Any) -> Answer:
        """Sends a page's form, with the token of the page that was looked at last and a key of its own."""
        form = urlencode({"csrf_token": self._csrf, **given}).encode()
        return self.send("POST", path, form, expected, Content_Type="application/x-www-form-urlencoded")

    def token_for(self, username: str) -> Client:
        """Signs in as a program."""
        given = {"username": username, "password": PASSWORD}
        self._fixed["Authorization"] = f"Bearer {self.post_json('/api/auth/', given).json['access']}"
        return self

    def page_for(self, username: str) -> Client:
        """Signs in at the page, as a browser that takes compressed answers."""
        self.look("/login")
        self.post_form("/login", username=username, password=PASSWORD)
        self._fixed["Accept-Encoding"] = "gzip, deflate"
        return self

    def look(self, path: str) -> None:
        """Fetches a page and keeps its form token."""
        answer = self.get(path)
        found = _TOKEN.search(answer.body.decode())
        self._csrf = next(filter(None, found.groups())) if found else ""

    def _keep_cookie(self, answer: Answer) -> None:
        if "set-cookie" in answer.headers:
            self._fixed["Cookie"] = answer.headers["set-cookie"].partition(";")[0]


Do = Callable[[Client, int], None]


@dataclass
class Timing:
    """What the clients saw; times in seconds."""

    took: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: Timing) -> None:
        """Count what another saw as well."""
        self.took += other.took
        self.failures += other.failures
        self.seconds += other.seconds

    @property
    def per_second(self) -> float:
        return len(self.took) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """The time within which `share` of the requests were answered, in ms."""
        ordered = sorted(self.took)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else 0.0


def drive(clients: list[Client], do: Do, numbers: Iterator[int], count: int) -> Timing:
    """Lets `clients` do `do` until `count` are done, at most four minutes; each gets a number nobody had before."""
    timing, lock, ends = Timing(), threading.Lock(), time.monotonic() + LONGEST
    turns = itertools.islice(numbers, count)

    def work(client: Client) -> None:
        while time.monotonic() < ends:
            with lock:
                number = next(turns, None)
            if number is None:
                return
            began = time.perf_counter()
            try:
                do(client, number)
            except (Failed, OSError, http.client.HTTPException) as failure:
                timing.failures.append(str(failure))
            else:
                timing.took.append(time.perf_counter() - began)

    began = time.monotonic()
    threads = [threading.Thread(target=work, args=(client,), daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    timing.seconds = time.monotonic() - began
    return timing
