"""Every list of the API is read page by page by a cursor: once, whole and in order, whatever changes meanwhile."""

from __future__ import annotations

import base64
import re
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from hms.core.api import cursors
from hms.core.db import row_counts
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.core.web.parameters import Ordering
from hms.patients.models import NameWord, Patient
from hms.patients.records import actions as record_actions
from tests.house.hospital import whole_record
from tests.house.test_list_answers import _rows
from tests.house.test_list_answers import lists as lists
from tests.patients.factories import a_patient

pytestmark = pytest.mark.slow

MOST_PAGES = 4
GROWING = "/api/audit"
"""The trail has entries of the test's own requests, at its end."""


def _walk(client: Any, address: str, size: int, *, most: int = 1000, between: Any = None) -> Any:
    """The rows of the pages from an empty cursor on, by following `next`; and the last page."""
    rows, following = [], f"{address}{'&' if '?' in address else '?'}cursor=&limit={size}"
    for _nth in range(most):
        answer = client.get(following)
        assert answer.status_code == 200, f"{following}: {answer.get_json()}"
        page = answer.get_json()
        rows += page["results"]
        assert (page["next"] is not None) == ('rel="next"' in answer.headers.get("Link", ""))
        assert "page=" not in (page["next"] or "")
        following = page["next"]
        if following is None:
            break
        if between:
            between(page)
    return rows, page


def _walk_back(client: Any, page: dict[str, Any]) -> list[dict[str, Any]]:
    rows = page["results"]
    while page["previous"]:
        page = client.get(page["previous"]).get_json()
        rows = page["results"] + rows
    return rows


def test_a_cursor_walks_every_list_once_and_in_each_order(lists):
    wrong, walks = [], 0
    for client, path, declared, all_rows in lists:
        address = path.replace("?page_size=100", "?")
        size = max(1, -(-len(all_rows) // MOST_PAGES))
        orderings = [word for field in declared.fields.values() if isinstance(field, Ordering) for word in field.known]
        for order in ("", *(f"&ordering={word}" for word in orderings)):
            expected = _rows(client.get(f"{address}{order}"))
            rows, last = _walk(client, f"{address}{order}", size, most=MOST_PAGES)
            walks += 1
            if path.startswith(GROWING):
                if order in ("&ordering=id", "&ordering=timestamp") and rows[: len(expected)] != expected[: len(rows)]:
                    wrong.append(f"{address}{order}")
                continue
            if rows != expected or _walk_back(client, last) != expected:
                wrong.append(f"{address}{order}: {len(rows)} rows, {len(expected)} expected")
    assert wrong == []
    assert walks > 150


def _counted(statement: str, start: int) -> str:
    """What the count at `start` counts: the subquery or the CTE that it reads from; "" when it reads a table."""
    source = re.search(r"(?i)\bfrom\s+(?:\(|(\w+))", statement[start:])
    begin = start + source.end()
    if source[1]:
        named = re.search(rf"(?i)\b{source[1]}(?:\([^)]*\))? as (?:materialized )?\(", statement)
        if named is None:
            return ""
        begin = named.end()
    depth = 1
    for end, sign in enumerate(statement[begin:], begin):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if not depth:
            return statement[begin:end]
    return ""


def test_no_list_counts_a_whole_table(lists):
    """Every count of a list is of at most `MAX_EXACT` rows and one. A window (of one day's queue) counts what it lists."""
    counts, wrong = 0, []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        nonlocal counts
        for found in re.finditer(r"(?i)\bcount\((?!distinct)[^()]*\)(?! over)", statement):
            counts += 1
            if "limit" not in _counted(statement, found.start()).lower():
                wrong.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        for client, path, _declared, _all in lists:
            if path.startswith("/api/safety-rule-alerts/"):
                continue  # figures of a month, made of its alerts
            for query in ("?limit=1", "?cursor=&limit=1"):
                client.get(path.replace("?page_size=100", query).replace("?show=done", f"{query}&show=done"))
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    assert wrong == []
    assert counts > 30


@pytest.fixture
def people(db) -> list[int]:
    """Patients of equal names and birth dates, and without birth dates."""
    births = [None, date(1990, 1, 1), None, date(1990, 1, 1), date(1985, 5, 5), None, date(1990, 1, 1)]
    return [
        a_patient(family_name="Kamara", birth_date=birth, phone=f"07612340{n}").id for n, birth in enumerate(births)
    ]


@pytest.mark.parametrize("order", ["date_of_birth", "-date_of_birth", "last_name", "-first_name", "-id"])
@pytest.mark.parametrize("words", ["", "&search=kamara"])
def test_equal_values_and_none_are_walked_once(program, people, order, words):
    client, address = program("receptionist"), f"/api/patients/?ordering={order}{words}"
    expected = client.get(address).get_json()
    assert [row["id"] for row in expected if row["id"] in people]
    for size in (1, 2, 3, 4):
        rows, last = _walk(client, address, size)
        assert rows == expected
        assert _walk_back(client, last) == expected


@pytest.mark.parametrize("order", ["last_name", "-last_name", "date_of_birth", "-created_at", "-id"])
def test_what_changes_meanwhile_moves_nobody_else(program, people, order):
    """The last row of the page is withdrawn and others are registered: all who stay are listed once."""
    client, address = program("receptionist"), f"/api/patients/?ordering={order}"
    known = [row["id"] for row in client.get(address).get_json()]
    phones = iter(range(76_999_000, 76_999_100))

    def change(page: dict[str, Any]) -> None:
        record_actions.withdraw_patient(page["results"][-1]["id"], reason="Registered twice", by=SYSTEM)
        if next(phones) < 76_999_003:
            a_patient(family_name="Aa", birth_date=date(1901, 1, 1), phone=f"0{next(phones)}")
            a_patient(family_name="Zz", birth_date=None, phone=f"0{next(phones)}")

    seen = [row["id"] for row in _walk(client, address, 2, between=change)[0]]
    assert len(seen) == len(set(seen))
    assert [patient_id for patient_id in seen if patient_id in known] == known


def test_a_cursor_of_something_else_is_refused_in_words(program, people, monkeypatch):
    client, place = program("receptionist"), "/api/patients/?cursor=&limit=2&ordering=date_of_birth"
    cursor = client.get(place).get_json()["next"].split("cursor=")[1].split("&")[0]
    good = f"/api/patients/?ordering=date_of_birth&cursor={cursor}"
    assert client.get(good).status_code == 200
    assert client.get(f"{good}&limit=7").status_code == 200
    refused = {
        f"{good}&page=2": client,
        good.replace("date_of_birth", "-date_of_birth"): client,
        f"{good}&search=kamara": client,
        f"/api/appointments/?cursor={cursor}": client,
        f"/api/patients/?ordering=date_of_birth&cursor={cursor[:-8]}AAAA": client,
        "/api/patients/?cursor=2": client,
        "/api/patients/?cursor=%00%C3%A9": client,
        good: program("nurse"),
    }
    for address, caller in refused.items():
        answer = caller.get(address)
        assert (answer.status_code, set(answer.get_json())) == (400, {"cursor"}), address
        assert " " in answer.get_json()["cursor"][0]
    monkeypatch.setattr(cursors, "MAX_AGE", -1)
    assert client.get(good).status_code == 400


def test_a_cursor_does_not_show_what_it_holds(program, people):
    answer = program("receptionist").get("/api/patients/?cursor=&limit=4&ordering=-date_of_birth").get_json()
    cursor = answer["next"].split("cursor=")[1].split("&")[0]
    assert b"1990" not in base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


def _add_many(many: int) -> None:
    """Patients of one name, without the trail's triggers."""
    database.session.execute(text("RESET ROLE"))
    database.session.execute(text("SET LOCAL session_replication_role = replica"))
    names = {"given_names": "Fatu", "family_name": "Conteh"}
    rows = [
        {"number": number, "hospital_number": f"HMS-{number}-0", "birth_date": date(1960, 1, 1) + timedelta(nth % 9000)}
        for nth, number in enumerate(range(600_000, 600_000 + many))
    ]
    database.session.execute(insert(Patient), [row | names for row in rows])
    database.session.execute(insert(NameWord), [{"word": name.lower()} for name in names.values()])
    database.session.execute(text("SET LOCAL session_replication_role = origin"))
    database.session.execute(text("ANALYZE patient"))
    database.session.commit()


def test_more_than_ten_thousand_rows_are_estimated(program, desk, people):
    many = row_counts.MAX_EXACT + 50
    _add_many(many)
    client = program("receptionist")
    for words in ("", "search=conteh&", "search=fat+conteh&ordering=-date_of_birth&", "ordering=last_name&"):
        for paging in ("limit=5", "page=3&limit=5", "cursor=&limit=5"):
            answer = client.get(f"/api/patients/?{words}{paging}")
            assert answer.headers["X-Total-Count-Estimated"] == "true"
            count = answer.get_json()["count"]
            assert count == int(answer.headers["X-Total-Count"])
            assert row_counts.MAX_EXACT <= count <= 2 * many
            exact = client.get(f"/api/patients/?{words}{paging}&count=exact")
            assert "X-Total-Count-Estimated" not in exact.headers
            assert exact.get_json()["count"] >= many
            assert exact.get_json()["results"] == answer.get_json()["results"]
    page = desk("receptionist").get("/patients/").get_data(as_text=True)
    assert "25 of about 10,000 · by family name" in " ".join(page.split())
    few = client.get("/api/patients/?search=kamara&limit=2")
    assert (few.get_json()["count"], "X-Total-Count-Estimated" in few.headers) == (len(people), False)


def test_frequent_names_are_listed_in_order_however_deep(program, people):
    _add_many(row_counts.MAX_EXACT + 50)
    client = program("receptionist")
    address = "/api/patients/?search=conteh"
    page = client.get(f"{address}&page=100&limit=100").get_json()
    beyond = client.get(f"{address}&page=101&limit=100").get_json()
    assert len(page["results"]) == 100
    assert page["next"]
    assert len(beyond["results"]) == 50
    assert beyond["next"] is None
    assert beyond["count"] == row_counts.MAX_EXACT + 50
    rows, last = _walk(client, address, 20, most=4)
    assert [row["id"] for row in rows] == [row["id"] for row in client.get(f"{address}&limit=80").get_json()["results"]]
    assert _walk_back(client, last) == rows


def test_an_estimate_is_of_the_rows_that_the_reader_may_see(program, desk, people):
    whole_record("Known")
    _add_many(row_counts.MAX_EXACT + 50)
    answer = program("patient").get("/api/patients/?limit=5")
    assert answer.get_json()["count"] <= 1
    assert "X-Total-Count-Estimated" not in answer.headers


@pytest.mark.parametrize(("rows", "said"), [(97_812, 98_000), (10_200, 10_000), (1_004_000, 1_000_000), (3, 10_000)])
def test_an_estimate_has_two_digits(rows, said):
    assert row_counts.round_estimate(rows) == said
