"""The request kinds that are measured: the account, the request, and the aim for its cost compared with the floor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from benchmarks.data import MORE_DOCTORS, OPEN_EACH, PRESCRIBERS, SLOTS_KEPT_FREE_FROM
from benchmarks.load import Client, Failed, Send
from hms.core.permissions import Role
from hms.demo.people import FAMILY_NAMES, GIVEN_FEMALE, STAFF

AIMS = {
    "read": 3.0,
    "list": 4.0,
    "search": 5.0,
    "page": 10.0,
    "dashboard": 5.0,
    "report": 8.0,
    "write": 5.0,
    "stock": 6.0,
    "payment": 6.0,
    "sign-in": None,
}
"""The largest CPU time of one request of each category, of the web processes and the database together, as a multiple of the
floor's."""
READS = ("read", "list", "search", "page")
ACCOUNTS = {account.username for account in STAFF}
SEARCHES = ("kad kam", "sesay", "moh jal", "aminata", "77 12", "bangura ibr", "trao", "fat conteh")


@dataclass(frozen=True)
class Known:
    """The data that requests need: the number of patients, and ids of records."""

    patients: int
    today: date
    doctors: tuple[int, ...]
    to_dispense: tuple[int, ...]
    open_encounters: tuple[tuple[int, ...], ...]
    """By prescribing doctor (`bench1` …)."""
    demo_encounters: tuple[int, ...]
    """Unsigned encounters of the account `doctor`."""
    paid_bills: tuple[int, ...]


@dataclass(frozen=True)
class Kind:
    """One kind of request. `category` is a key of `AIMS`; `sign_in` signs a client in; `send` makes the request."""

    name: str
    category: str
    sign_in: Callable[[Client], Client]
    send: Send
    calls: int = 1
    """The number of requests of one `send`."""
    grows: bool = False
    """Whether its cost at full size is compared with that at a tenth."""


def program(username: str) -> Callable[[Client], Client]:
    return lambda client: client.token_for(username)


def page(username: str) -> Callable[[Client], Client]:
    return lambda client: client.page_for(username)


def prescriber(client: Client) -> Client:
    """Each client signs in as another doctor, because an encounter belongs to one doctor."""
    return client.token_for(f"bench{client.number % PRESCRIBERS + 1}")


def letters(number: int) -> str:
    """The number written with letters, for a name that nobody has."""
    text = ""
    while number or not text:
        number, digit = divmod(number, 20)
        text += "abdefgiklmnoprstuwyz"[digit]
    return text


def kinds(known: Known, only: Sequence[str] = ()) -> list[Kind]:
    """Every request kind, reads first; with `only` those whose name has one of these words."""
    return [kind for kind in _all(known) if not only or any(word in kind.name for word in only)]


def _all(known: Known) -> list[Kind]:
    return [
        *_reads(known),
        *_lists(),
        *_pages(known),
        *_homes(),
        *_dashboards(),
        *_reports(known),
        *_front_desk(known),
        *_care(known),
        *_counters(known),
        _sign_in(),
    ]


def _patient(known: Known, number: int) -> int:
    return 1 + number * 7919 % known.patients


def _reads(known: Known) -> list[Kind]:
    def search(client: Client, n: int) -> None:
        client.get(f"/api/patients/?search={SEARCHES[n % len(SEARCHES)].replace(' ', '+')}&page_size=25")

    def one(client: Client, n: int) -> None:
        client.get(f"/api/patients/{_patient(known, n)}/")

    def today(client: Client, n: int) -> None:
        client.get(f"/api/appointments/?date={known.today}&page_size=25")

    return [
        Kind("search patients (API)", "search", program("receptionist"), search, grows=True),
        Kind("one patient (API)", "read", program("receptionist"), one),
        Kind("today's list (API)", "list", program("receptionist"), today, grows=True),
    ]


def _lists() -> list[Kind]:
    """Lists read to their end by cursor, then from the beginning."""
    accounts = {
        "patients": "receptionist",
        "appointments": "receptionist",
        "encounters": "doctor",
        "prescriptions": "doctor",
        "bills": "cashier",
        "payments": "cashier",
    }
    return [
        Kind(f"{name} by cursor (API)", "list", program(account), _next_page(f"/api/{name}/"), grows=True)
        for name, account in accounts.items()
    ]


def _next_page(path: str) -> Send:
    following: dict[Client, str | None] = {}

    def fetch(client: Client, _number: int) -> None:
        address = following.get(client) or f"{path}?cursor=&page_size=25"
        following[client] = client.get(address).json["next"]

    return fetch


def _pages(known: Known) -> list[Kind]:
    def find(client: Client, n: int) -> None:
        client.get(f"/find/rows?q={SEARCHES[n % len(SEARCHES)].replace(' ', '+')}")

    def chart(client: Client, n: int) -> None:
        client.get(f"/patients/{_patient(known, n)}")

    def encounter(client: Client, n: int) -> None:
        client.get(f"/encounters/{known.demo_encounters[n % len(known.demo_encounters)]}")

    def bill(client: Client, n: int) -> None:
        client.get(f"/billing/bills/{known.paid_bills[n % len(known.paid_bills)]}")

    return [
        Kind("find box (page)", "page", page("receptionist"), find, grows=True),
        Kind("day's appointments (page)", "page", page("receptionist"), _get("/appointments/"), grows=True),
        Kind("queue board (page)", "page", page("nurse"), _get("/queue/")),
        Kind("chart (page)", "page", page("doctor"), chart),
        Kind("encounter (page)", "page", page("doctor"), encounter),
        Kind("bill (page)", "page", page("cashier"), bill),
    ]


def _get(path: str) -> Send:
    return lambda client, _number: client.get(path)  # type: ignore[return-value]


def _homes() -> list[Kind]:
    return [
        Kind(f"home, {role.value} (page)", "page", page(role.value), _get("/"), grows=True)
        for role in Role
        if role.value in ACCOUNTS
    ]


def _dashboards() -> list[Kind]:
    roles = [role.value for role in Role if role.value in ACCOUNTS and role is not Role.LAB]
    dashboards = [
        Kind(f"dashboard, {role} (API)", "dashboard", program(role), _get("/api/dashboard/"), grows=True)
        for role in roles
    ]
    return [
        *dashboards,
        Kind("dashboard stats (API)", "dashboard", program("admin"), _get("/api/dashboard-stats/"), grows=True),
    ]


def _reports(known: Known) -> list[Kind]:
    """The reports of all days, and the page over five years that end in the middle of a month."""
    names = ("patient_count", "appointments_by_doctor", "top_prescribed_medications", "billing-stats")
    endpoints = [
        Kind(f"report, {name} (API)", "report", program("admin"), _get(f"/api/report/{name}/"), grows=True)
        for name in names
    ]
    first, last = (known.today - timedelta(days=days) for days in (1820, 10))
    days = f"day_from={first}&day_to={last}"
    pages = {"this month": "period=month", "five years": days}
    return endpoints + [
        Kind(f"reports, {label} (page)", "report", page("admin"), _get(f"/reports/?{query}"), grows=True)
        for label, query in pages.items()
    ]


def _front_desk(known: Known) -> list[Kind]:
    def register(client: Client, n: int) -> None:
        given_name = GIVEN_FEMALE[n % len(GIVEN_FEMALE)]
        names = {"first_name": given_name, "last_name": f"{FAMILY_NAMES[n % 9]} {letters(n * 7 + 400).title()}"}
        born = date(1950, 1, 1) + timedelta(days=n * 37 % 25_000)
        others = {"date_of_birth": born.isoformat(), "gender": "F", "contact_info": f"076{n * 7919 % 1_000_000:06d}"}
        client.post_json("/api/patients/", names | others)

    def book(client: Client, n: int) -> None:
        doctor, rest = n % MORE_DOCTORS, n // MORE_DOCTORS
        slot, days = SLOTS_KEPT_FREE_FROM + rest % 12, 1 + rest // 12
        when = {
            "date": (known.today + timedelta(days=days)).isoformat(),
            "time": f"{8 + slot // 4:02d}:{slot % 4 * 15:02d}:00",
        }
        client.post_json("/api/appointments/", {"patient": _patient(known, n), "doctor": known.doctors[doctor], **when})

    return [
        Kind("register a patient (API)", "write", program("receptionist"), register),
        Kind("book (API)", "write", program("receptionist"), book),
    ]


def _care(known: Known) -> list[Kind]:
    def save(client: Client, n: int) -> None:
        encounter = _encounter(known, client, n)
        body = {"notes": f"Headache since yesterday, no fever. Seen again, {n}.", "chief_complaint": "Headache"}
        client.post_json(f"/api/encounters/{encounter}/", body, method="PUT")

    def prescribe(client: Client, n: int) -> None:
        body = {"encounter": _encounter(known, client, n), "medication_name": "Paracetamol 500mg", "dosage": "500 mg"}
        more = {
            "frequency": "3x daily",
            "duration": "3 days",
            "override_code": "benefit_outweighs",
            "override_reason": "Known, agreed",
        }
        client.post_json("/api/prescriptions/", body | more)

    return [
        Kind("save encounter (API)", "write", prescriber, save),
        Kind("prescribe with checks (API)", "write", prescriber, prescribe),
    ]


def _counters(known: Known) -> list[Kind]:
    def dispense(client: Client, n: int) -> None:
        if n >= len(known.to_dispense):
            raise Failed("every prescription is dispensed")
        client.post_json(f"/api/prescriptions/{known.to_dispense[n]}/dispense/", {})

    def bill(client: Client, n: int) -> None:
        items = [
            {"description": what, "amount": amount, "quantity": 1}
            for what, amount in (
                ("Consultation", "150.00"),
                ("Dressing, small", "25.00"),
                ("Injection, giving", "15.00"),
            )
        ]
        created = client.post_json("/api/bills/", {"patient": _patient(known, n), "items": items}).json
        client.post_json("/api/payments/", {"bill": created["id"], "amount": "190.00", "method": "Cash"})

    return [
        Kind("dispense (API)", "stock", program("pharmacist"), dispense),
        Kind("bill of 3 items and payment (2 API calls)", "payment", program("cashier"), bill, calls=2),
    ]


def _encounter(known: Known, client: Client, number: int) -> int:
    """An unsigned encounter of the client's doctor."""
    return known.open_encounters[client.number % PRESCRIBERS][number % OPEN_EACH]


def _sign_in() -> Kind:
    def sign_in(client: Client, n: int) -> None:
        name = STAFF[client.number % len(STAFF)].username
        client._fixed["X-Forwarded-For"] = f"10.{1 + n // 62_500}.{n // 250 % 250}.{n % 250 + 1}"
        client.token_for(name)
        del client._fixed["Authorization"]

    return Kind("sign in (API)", "sign-in", lambda client: client, sign_in)
