"""The people of `make chaos`: each does one piece of work after the other and keeps what was acknowledged."""

from __future__ import annotations

import re
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import requests

PASSWORD = "hospital-demo-2026"  # noqa: S105 - of the demo accounts
PATIENCE_SECONDS = 90
"""How long a person repeats one request."""
LONGEST_ANSWER = 20
REPEATED = (409, 425, 429, 503)
TRY_AGAIN_CODES = ("busy", "in_progress")
PAUSE_SECONDS = 2
"""Between two pieces of work. It is far less than a person takes: four cashiers still issue a hundred bills a minute."""


@dataclass
class Journal:
    """What was acknowledged, (kind, marker) → value, and what was wrong."""

    done: dict[tuple[str, str], Any] = field(default_factory=dict)
    answers: Counter[Any] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    patients: list[int] = field(default_factory=list)


class Unanswered(Exception):
    """No answer came while the person was patient."""


def wait_for_health(url: str, seconds: float) -> None:
    """Return when the hospital answers; `TimeoutError` after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if requests.get(f"{url}/api/health/", timeout=5).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.5)
    raise TimeoutError(f"The hospital did not answer within {seconds:.0f} seconds")


def sign_in(url: str, username: str) -> str:
    """The access token of a demo account."""
    answer = requests.post(f"{url}/api/auth/", json={"username": username, "password": PASSWORD}, timeout=60)
    answer.raise_for_status()
    return str(answer.json()["access"])


@dataclass
class Person:
    """One of the ten: works until `is_over`."""

    url: str
    username: str
    token: str
    number: int
    journal: Journal
    is_over: Event

    def work(self) -> None:
        """Do one piece of work after the other. What cannot be understood is a problem, not the end."""
        do = self._sell if self.username == "cashier" else self._register
        if self.number == 0:
            do = self._register_on_page
        while not self.is_over.is_set():
            try:
                do()
            except Unanswered:
                self.journal.answers["gave up"] += 1
            except Exception as error:
                self.journal.problems.append(f"{self.username} {self.number}: {type(error).__name__}: {error}"[:300])
            self.is_over.wait(PAUSE_SECONDS)

    def _register(self) -> None:
        marker = _marker()
        body = {"first_name": marker, "last_name": "Chaos", "gender": "F", "date_of_birth": "1990-05-01"}
        if self.username in ("doctor", "nurse"):
            self._send("GET", "/api/patients/?page_size=5")
            self._send("GET", "/api/appointments/?page_size=5")
            return
        patient = self._send("POST", "/api/patients/", body, marker)
        if patient is not None:
            self._keep_patient(marker, patient["id"])

    def _sell(self) -> None:
        """A bill of one line, and its payment, which issues it and makes its paper."""
        marker = _marker()
        patient = self._any_patient()
        if patient is None:
            return
        item = {"description": marker, "quantity": 1, "unit_price": "12.50"}
        bill = self._send("POST", "/api/bills/", {"patient": patient, "items": [item]}, f"b{marker}")
        if bill is None:
            return
        self.journal.done["bill", marker] = bill["id"]
        payment = {"bill": bill["id"], "amount": "12.50", "method": "Card", "reference": marker}
        paid = self._send("POST", "/api/payments/", payment, f"p{marker}")
        if paid is not None:
            self.journal.done["payment", marker] = paid["id"]

    def _keep_patient(self, marker: str, patient_id: int) -> None:
        self.journal.done["patient", marker] = patient_id
        self.journal.patients.append(patient_id)

    def _any_patient(self) -> int | None:
        known = self.journal.patients
        return known[self.number % len(known)] if known else None

    def _register_on_page(self) -> None:
        """The form of a browser, with its one-time key; the same form is sent until it is answered."""
        marker, session = _marker(), requests.Session()
        signed_in = self._on_page(session, "/login", {"username": self.username, "password": PASSWORD})
        if signed_in.status_code != 303:
            return  # the answer of the first try was dropped; nobody is signed in with this cookie
        fields = self._form(session, "/patients/new")
        typed = {"first_name": marker, "last_name": "Chaos", "gender": "female", "date_of_birth": "1 5 1990"}
        answer = self._on_page(session, "/patients/new", fields | typed)
        if answer.status_code == 303:
            self._keep_patient(marker, int(re.findall(r"/patients/(\d+)", answer.headers["Location"])[0]))
        elif answer.status_code != 409:
            self.journal.problems.append(f"the page answered {answer.status_code} to a registration")

    def _form(self, session: requests.Session, path: str) -> dict[str, str]:
        page = self._answer(lambda: session.get(self.url + path, timeout=LONGEST_ANSWER), path).text
        found = {}
        for name in ("csrf_token", "once"):
            value = re.search(rf'name="{name}"[^>]*?value="([^"]*)"', page)
            found[name] = value[1] if value else ""
        return found

    def _on_page(self, session: requests.Session, path: str, fields: dict[str, str]) -> requests.Response:
        if path == "/login":
            fields |= self._form(session, path)
        send = lambda: session.post(  # noqa: E731 - sent again as it is
            self.url + path, data=fields, timeout=LONGEST_ANSWER, allow_redirects=False
        )
        return self._answer(send, path)

    def _send(self, method: str, path: str, body: Any = None, key: str = "") -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
        answer = self._answer(
            lambda: requests.request(method, self.url + path, json=body, headers=headers, timeout=LONGEST_ANSWER), path
        )
        if answer.status_code >= 300:
            self.journal.problems.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
            return None
        return answer.json()

    def _answer(self, send: Any, path: str) -> requests.Response:
        """The first real answer; a dropped connection and "try again" are none."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            try:
                answer: requests.Response = send()
            except requests.RequestException:
                self.journal.answers["dropped"] += 1
                time.sleep(0.3)
                continue
            self.journal.answers[answer.status_code] += 1
            if answer.status_code >= 500 and answer.status_code != 503:
                self.journal.problems.append(f"{path}: {answer.status_code} {answer.text[:200]}")
            if answer.status_code not in REPEATED and answer.status_code < 500:
                return answer
            if answer.status_code == 409 and not any(code in answer.text for code in TRY_AGAIN_CODES):
                return answer
            time.sleep(0.3)
        raise Unanswered(path)


def _marker() -> str:
    """A name made of letters, as names of people are."""
    return "Zz" + "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(14))
