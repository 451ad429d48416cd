"""Every endpoint of the original × every role (and nobody) answers as the permission matrix says."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from werkzeug.exceptions import MethodNotAllowed, NotFound

pytestmark = pytest.mark.security("D")

MATRIX = Path(__file__).with_name("permissions.csv")
ROLES = ("admin", "doctor", "nurse", "receptionist", "pharmacist", "cashier", "lab", "patient")
REFUSED = "N"
with MATRIX.open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))


def _name(row: dict[str, str]) -> str:
    return f"{row['method']} {row['rule']}"


def _is_open(app, row: dict[str, str]) -> bool:
    try:
        app.url_map.bind("").match(row["rule"].replace("{id}", "1"), method=row["method"])
    except (NotFound, MethodNotAllowed):
        return False
    return True


def test_every_endpoint_is_open(app):
    assert [_name(row) for row in ROWS if not _is_open(app, row)] == []


@pytest.mark.parametrize("role", [*ROLES, "anon"])
def test_a_role_is_refused_exactly_where_the_matrix_says(program, role):
    """Patients' own records open with the portal: until then they may be refused more than the matrix says, never less."""
    client = program(None if role == "anon" else role)
    wrong = []
    for row in ROWS:
        path = row["rule"].replace("{id}", "987654321")
        answer = client.open(path, method=row["method"], json={} if row["method"] in ("POST", "PUT") else None)
        refusal = 401 if role == "anon" else 403
        is_refused, is_due = answer.status_code == refusal, row[role] == REFUSED
        if is_refused != is_due and not (role == "patient" and is_refused):
            wrong.append(f"{_name(row)}: {row[role]} but {answer.status_code}")
    assert wrong == []
