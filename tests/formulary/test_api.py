"""JSON of the formulary: fields, roles, bad input."""

from __future__ import annotations

import pytest

from tests.formulary.factories import load, medicine

DOCUMENTED = {"id", "name", "generic_name", "description", "unit", "current_stock", "reorder_level"}
NEW = {"generic_name": "Zinc oxide", "formulation": "Other", "strength": "15%", "unit": "tube", "reorder_level": 10}


@pytest.fixture(autouse=True)
def formulary(db):
    load()


@pytest.mark.parametrize("role", ["admin", "doctor", "nurse", "pharmacist", "cashier"])
def test_roles_that_work_with_stock_see_it(program, role):
    row = program(role).get("/api/medications/?search=amlodipine").json[0]
    assert set(row) >= DOCUMENTED | {"formulation", "strength", "total_quantity"}


@pytest.mark.parametrize("role", ["receptionist", "lab"])
def test_other_roles_see_only_name_and_unit(program, role):
    client = program(role)
    row = client.get("/api/medications/?search=amlodipine").json[0]
    assert set(row) == {"id", "name", "unit"}
    assert client.get(f"/api/medications/{row['id']}/").json == row


@pytest.mark.parametrize("role", ["doctor", "nurse", "receptionist", "pharmacist", "cashier", "lab"])
def test_only_administrators_write(program, role):
    target = f"/api/medications/{medicine('amlodipine-5-mg-tablet').id}/"
    client = program(role)
    assert client.post("/api/medications/", json=NEW).status_code == 403
    assert client.put(target, json={"reorder_level": 1}).status_code == 403
    assert client.delete(target).status_code == 403


def test_an_administrator_adds_changes_and_withdraws(program):
    client = program("admin")
    added = client.post("/api/medications/", json=NEW)
    assert added.status_code == 201
    assert added.json["name"] == "Zinc oxide 15%"
    target = f"/api/medications/{added.json['id']}/"
    changed = client.put(target, json={**added.json, "description": "For the skin", "current_stock": 900})
    assert changed.status_code == 200
    assert (changed.json["description"], changed.json["current_stock"]) == ("For the skin", 0)
    assert client.delete(target).status_code == 204
    assert client.get(target).json["is_active"] is False
    listed = [row["id"] for row in client.get("/api/medications/?search=zinc").json]
    assert client.put(target, json={"name": "Zinc oxide 15%", "is_active": True}).json["is_active"] is True
    listed_again = [row["id"] for row in client.get("/api/medications/?search=zinc").json]
    assert (added.json["id"] in listed, added.json["id"] in listed_again) == (False, True)


def test_the_same_product_twice_is_a_conflict(program):
    client = program("admin")
    client.post("/api/medications/", json=NEW)
    again = client.post("/api/medications/", json=NEW)
    assert again.status_code == 409


def test_an_old_version_is_refused(program):
    target = f"/api/medications/{medicine('amlodipine-5-mg-tablet').id}/"
    client = program("admin")
    stale = client.put(target, json={"reorder_level": 1}, headers={"If-Match": '"99"'})
    assert stale.status_code == 412
    assert stale.json["reorder_level"] != 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": "a\u0000b"}, "name"),
        ({"name": 5}, "name"),
        ({"name": None}, "name"),
        ({"name": "Zinc", "formulation": "Pill"}, "formulation"),
        ({"name": "Zinc", "reorder_level": -1}, "reorder_level"),
        ({"name": "Zinc", "reorder_level": "many"}, "reorder_level"),
        ({"name": "Zinc", "reorder_level": True}, "reorder_level"),
        ({"name": "Zinc", "current_stock": 10**12}, "current_stock"),
        ({"name": "Zinc", "total_quantity": -3}, "total_quantity"),
        ({"name": "Zinc", "is_controlled_substance": "perhaps"}, "is_controlled_substance"),
    ],
)
def test_bad_input_is_reported_at_its_field(program, body, field):
    answer = program("admin").post("/api/medications/", json=body)
    assert answer.status_code == 400
    assert list(answer.json) == [field]


@pytest.mark.parametrize("query", ["page=0", "page=x", "page_size=-1", "limit=1.5", "ordering=price"])
def test_an_unusable_query_is_400(program, query):
    assert program("admin").get(f"/api/medications/?{query}").status_code == 400


@pytest.mark.parametrize("words", ["%00", "%25", "zz%00zz", "x" * 500])
def test_a_search_for_odd_characters_finds_nothing(program, words):
    """The search takes any text, as in the other lists; characters that cannot be displayed count as blanks."""
    answer = program("admin").get(f"/api/medications/?search={words}")
    assert (answer.status_code, answer.json) == (200, [])


def test_the_list_needs_as_many_queries_for_many_rows_as_for_few(program):
    client = program("doctor")
    client.get("/api/medications/?page_size=10")
    few = client.get("/api/medications/?page_size=10").headers["X-Queries"]
    assert client.get("/api/medications/?page_size=100").headers["X-Queries"] == few
