"""Clients that send the next request as soon as they have a response, each over one open connection."""

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
MAX_SECONDS = 240


class Failed(Exception):
    """The response has another status than expected."""


@dataclass
class Answer:
    """A response: status, headers in lower case, body as it was sent (compressed when the client accepts that)."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One person or program. `queries` counts the statements that the server reports (in demo mode only)."""

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
        """Send one request; `Failed` with the beginning of the response when its status is not in `expected`."""
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

    def post_json(self, path: str, payload: dict[str, Any], method: str = "POST") -> Answer:
        return self.send(method, path, json.dumps(payload).encode(), (200, 201), Content_Type="application/json")

    def post_form(self, path: str, expected: tuple[int, ...] = (303,), **values: Any) -> Answer:
        """Send a page's form with the CSRF token of the last opened page."""
        form = urlencode({"csrf_token": self._csrf, **values}).encode()
        return self.send("POST", path, form, expected, Content_Type="application/x-www-form-urlencoded")

    def token_for(self, username: str) -> Client:
        """Sign in as a program."""
        credentials = {"username": username, "password": PASSWORD}
        self._fixed["Authorization"] = f"Bearer {self.post_json('/api/auth/', credentials).json['access']}"
        return self

    def page_for(self, username: str) -> Client:
        """Sign in on the page, as a browser that accepts compressed responses."""
        self.open_page("/login")
        self.post_form("/login", username=username, password=PASSWORD)
        self._fixed["Accept-Encoding"] = "gzip, deflate"
        return self

    def open_page(self, path: str) -> None:
        """Fetch a page and store its CSRF token."""
        answer = self.get(path)
        match = _TOKEN.search(answer.body.decode())
        self._csrf = next(filter(None, match.groups())) if match else ""

    def _keep_cookie(self, answer: Answer) -> None:
        if "set-cookie" in answer.headers:
            self._fixed["Cookie"] = answer.headers["set-cookie"].partition(";")[0]


Send = Callable[[Client, int], None]


@dataclass
class Timing:
    """The response times of the clients, in seconds, and their failures."""

    took: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: Timing) -> None:
        """Add the times and failures of `other`."""
        self.took += other.took
        self.failures += other.failures
        self.seconds += other.seconds

    @property
    def per_second(self) -> float:
        return len(self.took) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """The time in ms within which the share `share` (0 to 1) of the requests were answered."""
        ordered = sorted(self.took)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else 0.0


def drive(clients: list[Client], send: Send, numbers: Iterator[int], count: int) -> Timing:
    """Let `clients` call `send` `count` times in all, for at most `MAX_SECONDS`; each call gets a new number."""
    timing, lock, ends = Timing(), threading.Lock(), time.monotonic() + MAX_SECONDS
    turns = itertools.islice(numbers, count)

    def work(client: Client) -> None:
        while time.monotonic() < ends:
            with lock:
                number = next(turns, None)
            if number is None:
                return
            started = time.perf_counter()
            try:
                send(client, number)
            except (Failed, OSError, http.client.HTTPException) as failure:
                timing.failures.append(str(failure))
            else:
                timing.took.append(time.perf_counter() - started)

    started = time.monotonic()
    threads = [threading.Thread(target=work, args=(client,), daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    timing.seconds = time.monotonic() - started
    return timing
