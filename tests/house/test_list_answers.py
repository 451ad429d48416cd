"""Every list of the API filters and sorts by what it shows, and says so when it does not: nothing sent is ignored."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from hms.core.web.parameters import PAGING, Choice, Id, Number, Ordering
from tests.house.hospital import whole_record
from tests.house.places import filled
from tests.house.test_parameters import NOT_PAGED, _lists, _name

pytestmark = pytest.mark.slow

REFERENCES = {
    *("adjusted_by", "appointment", "author", "bill", "decided_by", "dispensed_by", "doctor", "encounter"),
    *("medication", "medication_item", "ordered_by", "patient", "payment", "point", "prescription", "proposed_by"),
    *("received_by", "related_appointment", "requested_role", "reviewed_by", "role", "service", "stock_batch", "user"),
}
"""Fields that hold the id of another record."""
NOT_ITS_OWN_DAY = {
    *("users", "medications/below_reorder_level", "medications", "service-points", "visit-types", "wall-screens"),
}
"""Lists of things that happen on no day."""
OF_ONE_DAY = {"queue", "point-queue"}
"""`date` chooses the day; a queue of several days has no order of calling."""
OF_DAYS = {"calendar"}
"""Its rows are the days that are asked for, and not records."""
NO_WORDS = "zzqqxx"
_unused_ids = count(987_654_321)
"""A new one for each request: the trail remembers the ids that were looked for."""


def _shown(app: Any, rule: Any) -> dict[str, Any]:
    """The fields of one row, as the API's document says."""
    document = app.extensions["hms_api"].spec.to_dict()
    answer = document["paths"][filled(rule, "{{}}")]["get"]["responses"]["200"]["content"]["application/json"]
    return document["components"]["schemas"][answer["schema"]["items"]["$ref"].rpartition("/")[2]]["properties"]


def test_every_list_filters_and_sorts_by_what_it_shows(app):
    wrong = []
    for rule, declared in _lists(app):
        if _name(rule) in NOT_PAGED:
            continue
        shown, fixed = _shown(app, rule), {argument.removesuffix("_id") for argument in rule.arguments}
        fixed |= {"medication": {"medication_item"}, "encounter": {"patient"}}.get(next(iter(fixed), ""), set())
        due = (set(shown) & REFERENCES) - fixed | (set(shown) & {"status"}) | {"ordering"}
        times = {name for name, field in shown.items() if field.get("format") == "date-time"}
        if times and _name(rule) not in NOT_ITS_OWN_DAY:
            due |= {"date"} if _name(rule) in OF_ONE_DAY else {"date", "date_from", "date_to"}
        if missing := due - set(declared.fields):
            wrong.append(f"{rule.rule} does not filter by {sorted(missing)}")
        orders = {value for field in declared.fields.values() if isinstance(field, Ordering) for value in field.known}
        own_id = {"id"} & set(shown)
        if missing := (own_id | times - {"last_login", "next_step_at"}) - orders:
            wrong.append(f"{rule.rule} does not sort by {sorted(missing)}")
    assert wrong == []


@pytest.fixture
def lists(app, program):
    """Every list with the records of three visits in it: path, parameters, rows."""
    known = [whole_record(f"Listed{number}", days_ago=3 - number) for number in range(3)][-1]
    clients, found = [program(role) for role in ("admin", "doctor")], []
    for rule, declared in _lists(app):
        if _name(rule) in NOT_PAGED | OF_DAYS:
            continue
        path = rule.rule
        for argument in rule.arguments:
            path = path.replace(f"<int:{argument}>", str(known[argument]))
        path += "?show=done" if path in ("/api/queue/", "/api/point-queue/") else "?page_size=100"
        answers = [(client, client.get(path)) for client in clients]
        found += [(client, path, declared, _rows(answer)) for client, answer in answers if answer.status_code == 200][
            :1
        ]
    assert len(found) > 28
    return found


def _rows(answer: Any) -> list[dict[str, Any]]:
    body = answer.get_json()
    return body if isinstance(body, list) else body["results"]


def _value(row: dict[str, Any], name: str) -> Any:
    value = row.get(name)
    return value.get("id") if isinstance(value, dict) else value


def test_a_filter_keeps_only_what_it_names(lists):
    wrong, sent = [], 0
    for client, path, declared, rows in lists:
        for name, field in declared.fields.items():
            if (
                name in PAGING
                or isinstance(field, Ordering)
                or name in ("show", "days", "months", "upcoming", "is_paid", "unread", "weekday")
                or (path.startswith("/api/clinic-hours/") and name.startswith("date"))  # hours that are valid then
            ):
                continue
            for value, is_right in _questions(name, field, rows):
                answer = client.get(f"{path}&{name}={value}")
                sent += 1
                if answer.status_code != 200 or not is_right(_rows(answer)):
                    wrong.append(f"{path}&{name}={value}: {answer.status_code}")
    assert wrong == []
    assert sent > 200


def _questions(name: str, field: Any, rows: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    """Values of a filter, each with what its rows must be like."""

    def is_empty(answer):
        return answer == []

    nobody = str(next(_unused_ids))
    if isinstance(field, Id):
        own = field.stands_for or name
        asked = [(nobody, is_empty)]
        if value := next((_value(row, own) for row in rows if isinstance(_value(row, own), int)), None):
            asked.append((str(value), lambda answer: answer and {_value(row, own) for row in answer} == {value}))
        return asked
    if isinstance(field, Choice):
        return [(word, _only(name, word)) for word in field.known]
    if name == "search":
        return [(NO_WORDS, is_empty)]
    return {
        "date": [("1999-01-01", is_empty)],
        "date_to": [("1999-01-01", is_empty)],
        "date_from": [("2999-01-01", is_empty)],
        "user": [(NO_WORDS, is_empty), (nobody, is_empty)],
        "user_id": [(nobody, is_empty)],
        "method": [("Card", _only("method", "Card"))],
    }.get(name, [(nobody, is_empty)] if isinstance(field, Number) else [])


def _only(name: str, word: str) -> Any:
    return lambda answer: {row.get(name) for row in answer} <= {word}


def test_an_ordering_is_the_order_of_the_rows(lists):
    wrong = []
    for client, path, declared, _all in lists:
        words = [word for one in declared.fields.values() if isinstance(one, Ordering) for word in one.known[::2]]
        for word in words:
            up, down = (_rows(client.get(f"{path}&ordering={sign}{word}")) for sign in ("", "-"))
            values = [[row[word] for row in rows if row.get(word) is not None] for rows in (up, down)]
            has_all = len(up) < 100 and all(row.get(word) is not None for row in up)
            if has_all and up and "id" in up[0] and up != down[::-1]:
                wrong.append(f"{path}&ordering={word}: not the reverse of -{word}")
            if any(isinstance(value, str) and not value[:1].isdigit() for value in values[0]):
                continue  # words are sorted by the rules of the hospital's language
            numbers = [
                [float(v) if isinstance(v, str) and v.replace(".", "").isdigit() else v for v in vs] for vs in values
            ]
            if numbers[0] != sorted(numbers[0]) or numbers[1] != sorted(numbers[1], reverse=True):
                wrong.append(f"{path}&ordering={word}: {values[0][:4]} {values[1][:4]}")
    assert wrong == []


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("appointments/?status=scheduled&status=completed", "status"),
        ("patients/?search=a&search=b", "search"),
        ("dashboard/?x=1&x=2", "x"),
        ("bills/?patient=1&patient_id=2", "patient_id"),
        ("stock-batches/?medication=1&medication_item=2", "medication"),
        ("payments/?date=2026-11-02&date_from=2026-11-01", "date_from"),
        ("encounters/?limit=5&page_size=7", "limit"),
        ("notifications/?unread=true&is_read=true", "unread"),
        ("audit-logs/?date=", "date"),
        ("audit-logs/?user=", "user"),
        ("payments/?method=", "method"),
        ("users/?role=", "role"),
        ("queue/?status=asleep", "status"),
        ("system-settings/?ordering=value", "ordering"),
        ("system-settings/?cursor=2", "cursor"),
    ],
)
def test_what_could_only_be_ignored_is_refused_by_name(program, query, named):
    answer = program("admin").get(f"/api/{query}")
    assert (answer.status_code, set(answer.get_json())) == (400, {named})


def test_the_trail_is_found_by_the_number_of_an_account(program):
    """As by every other foreign key; a number is never looked for in names."""
    client = program("admin")
    own = client.put("/api/users/me/", json={"first_name": "Hawa"}).get_json()["id"]
    for name in ("user", "user_id"):
        rows = client.get(f"/api/audit-logs/?{name}={own}").get_json()
        assert rows
        assert {row["user"] for row in rows} == {"admin"}
    assert client.get(f"/api/audit-logs/?user=nurse&user_id={own}").get_json() == []


def test_the_same_value_in_both_spellings_is_no_contradiction(program):
    answer = program("admin").get("/api/bills/?patient=1&patient_id=1&limit=5&page_size=5")
    assert answer.status_code == 200
