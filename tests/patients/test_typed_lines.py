"""One line finds the right person first: lines of every kind over ten thousand patients, on the pages and in the API."""

from __future__ import annotations

import random
from collections import Counter
from itertools import islice

import pytest
from sqlalchemy import insert, text

from hms.core import clock
from hms.core.db.session import db as database
from hms.patients.identity import hospital_numbers
from hms.patients.models import Patient
from hms.patients.search import queries
from tests.patients.typed_lines import KINDS, Known, lines_of, population

PEOPLE = 10_000
EACH = 13
NOTE_WORDS = """
INSERT INTO name_word (word) SELECT DISTINCT word FROM patient, unnest(string_to_array(search_names, ' ')) word
 WHERE word <> '' ON CONFLICT DO NOTHING
"""


@pytest.fixture
def hospital(db) -> list[Known]:
    """Ten thousand patients, without the trail's triggers."""
    people = population(random.Random(2026), PEOPLE, clock.today())
    database.session.execute(text("RESET ROLE"))
    database.session.execute(text("SET LOCAL session_replication_role = replica"))
    rest = iter(people)
    while some := list(islice(rest, 500)):
        database.session.execute(insert(Patient), [_row(person) for person in some])
    database.session.execute(text("SET LOCAL session_replication_role = origin"))
    database.session.execute(text(NOTE_WORDS))
    database.session.execute(text("ANALYZE patient, name_word"))
    database.session.commit()
    return people


def _row(person: Known) -> dict[str, object]:
    return {
        "number": person.number,
        "hospital_number": hospital_numbers.format_hospital_number(person.number),
        "given_names": person.given,
        "family_name": person.family,
        "other_names": person.other,
        "sex": person.sex,
        "birth_date": person.born,
        "birth_is_estimated": person.is_estimated,
        "phone": person.phone,
        "phone_is_checked": True,
        "next_of_kin": f"Relative, {person.kin_phone}",
        "national_id": person.national_id,
        "other_numbers": f"X 1, {person.old_number}" if person.old_number else "",
    }


@pytest.mark.slow
def test_the_right_person_comes_first(hospital, person, program):
    desk, lines = person("receptionist"), list(lines_of(hospital, clock.today(), EACH))
    assert len(lines) >= 300
    api = program("receptionist")
    first, soon, misses = Counter(), Counter(), []
    for nth, (kind, line, number) in enumerate(lines):
        hits = queries.search_patients(line, who=desk)
        numbers, wanted = [hit.hospital_number for hit in hits], hospital_numbers.format_hospital_number(number)
        first[kind] += wanted in numbers[:1]
        soon[kind] += wanted in numbers[:3]
        if wanted not in numbers[:1]:
            misses.append(
                f"{kind}: {line!r} means {wanted}; found {[(hit.given_name, hit.family_name) for hit in hits[:3]]}"
            )
        if nth % 5 == 0:
            rows = api.get("/api/patients/", query_string={"search": line, "limit": 8}).json["results"]
            assert [row["unique_id"] for row in rows] == numbers, line
    figures = [f"{kind}: {first[kind]} first, {soon[kind]} in the first three of {EACH}" for kind in KINDS]
    report = "\n".join([*figures, *misses])
    assert first.total() >= 0.95 * len(lines), report
    assert soon.total() >= 0.99 * len(lines), report
