"""Search by parts of names, digits, dates and numbers; duplicates among many patients."""

from __future__ import annotations

import random
from datetime import date

import pytest
from sqlalchemy import event, text

from hms.core import clock
from hms.core.text.cleaning import fold
from hms.patients.records import actions
from hms.patients.search import duplicates, queries
from hms.patients.search.match_scoring import ComparedPerson, likely_typos
from tests.patients.factories import a_patient
from tests.patients.people import again, somebody


@pytest.fixture
def ward(db):
    people = {
        "kadiatu": ("Kadiatu", "Zkamara", date(1991, 3, 13), "076 123 476"),
        "kadie": ("Kadie", "Zkamara", date(2004, 6, 2), "077 976 410"),
        "pierre": ("Jean-Pierre", "N'Ztraoré", date(1980, 1, 1), "+33 6 12 34 56 78"),
        "musa": ("Musa", "", date(1985, 12, 24), ""),
        "obrien": ("Síle", "O'Zbrien", date(1913, 3, 9), "030 764 112"),
    }
    return {
        key: a_patient(given_names=given, family_name=family, birth_date=born, phone=phone)
        for key, (given, family, born, phone) in people.items()
    }


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("zkam", {"kadiatu", "kadie"}),
        ("ZKAMARA kad", {"kadiatu", "kadie"}),
        ("kadia zkam", {"kadiatu"}),
        ("zkam 76", {"kadiatu", "kadie"}),
        ("zkam 76 123", {"kadiatu"}),
        ("zkam 410", {"kadie"}),
        ("076 123 476", {"kadiatu"}),
        ("123476", {"kadiatu"}),
        ("+232 76 123 476", {"kadiatu"}),
        ("13/3/91", {"kadiatu"}),
        ("130391", {"kadiatu"}),
        ("13-mar-91", {"kadiatu"}),
        ("zkam 2004", {"kadie"}),
        ("pierre nztra", {"pierre"}),
        ("jean-pierre", {"pierre"}),
        ("o'zbr", {"obrien"}),
        ("ozbrien sile", {"obrien"}),
        ("zkam xyz", set()),
        ("amara zk", set()),
        ("%", set()),
    ],
)
def test_every_part_of_the_search_must_match(ward, person, typed, found):
    hits = [hit for hit in queries.search_patients(typed, who=person("receptionist"), limit=25) if not hit.is_similar]
    names = {patient.id: key for key, patient in ward.items()}
    assert {names[hit.id] for hit in hits if hit.id in names} == found


OWN_SPELLINGS = {
    "Kɛma Zŋgɔbɛ": ("kɛma", "kema zngobe", "KƐMA ZŊGƆBƐ", "kɛ\u0301ma"),
    "Ɓinta Zɗan": ("ɓinta", "binta zdan", "ƁINTA", "bin\u200bta"),
    "Þórr Zæsa": ("þórr", "thorr", "zæsa", "zaesa", "ZÆSA"),
    "Œuvray Zǝbo": ("œuvray", "oeuvray", "zǝbo", "zebo"),
    "Síle O‘Zbryan": ("o'zbryan", "o’zbryan", "o`zbryan", "o´zbryan", "ozbryan", "oʼzbryan"),
    "Abdul‑Zrahman": ("abdul-zrahman", "abdul zrahman", "abdul–zrahman", "zrahman"),
}
"""Names as people write them, and lines that find them."""


def test_their_own_spelling_finds_them_on_the_page_and_in_the_api(person, program):
    reception = program("receptionist")
    for name, lines in OWN_SPELLINGS.items():
        given, _, family = name.partition(" ")
        patient = a_patient(given_names=given, family_name=family, birth_date=date(1990, 1, 1))
        for line in (name, *lines):
            found = queries.search_patients(line, who=person("receptionist"))
            assert [hit.id for hit in found if not hit.is_similar] == [patient.id], line
            answer = reception.get("/api/patients/", query_string={"search": line})
            assert [row["id"] for row in answer.json] == [patient.id], line
        twice = ComparedPerson(fold(given), fold(family), date(1990, 1, 1))
        assert patient.id in {c.hit.id for c in duplicates.duplicate_candidates(twice, who=person("receptionist"))}, (
            name
        )


def test_a_line_that_shows_nothing_finds_nobody(ward, person):
    for line in ("\u3164", "\u200b\u200b", "ʼ", "‘ ’"):
        assert queries.search_patients(line, who=person("receptionist")) == [], ascii(line)


def test_the_whole_number_comes_first(ward, person):
    number = ward["musa"].hospital_number
    for typed in (number, number.replace("-", ""), number.lower(), number[4:]):
        assert queries.search_patients(typed, who=person("receptionist"))[0].id == ward["musa"].id


def test_a_whole_name_comes_before_a_longer_one(person):
    longer = a_patient(given_names="A", family_name="Zcolema")
    whole = a_patient(given_names="Z", family_name="Zcole")
    hits = queries.search_patients("zcole", who=person("receptionist"))
    assert [hit.id for hit in hits][:2] == [whole.id, longer.id]


def test_similar_names_come_last_and_match_the_other_parts(ward, person):
    hits = queries.search_patients("kadijatu zkamara", who=person("receptionist"))
    assert (hits[0].id, hits[0].is_similar) == (ward["kadiatu"].id, True)
    assert queries.search_patients("kadijatu zkamara 1950", who=person("receptionist"))[0].id == ward["kadiatu"].id


def test_namesakes_are_flagged(person):
    for born in (date(1990, 1, 1), date(1970, 1, 1)):
        a_patient(given_names="Foday", family_name="Zsesay", birth_date=born)
    assert [hit.same_name_count for hit in queries.search_patients("foday zsesay", who=person("receptionist"))] == [
        1,
        1,
    ]


def test_withdrawn_patients_are_not_found(ward, person):
    actions.withdraw_patient(ward["musa"].id, by=person("admin"))
    assert queries.search_patients(ward["musa"].hospital_number, who=person("admin")) == []


def test_a_mistyped_date_differs_in_one_digit_one_day_or_a_swap():
    near = likely_typos(date(1991, 3, 12))
    for slip in (date(1991, 12, 3), date(1991, 3, 11), date(1991, 3, 13), date(1981, 3, 12), date(1991, 3, 2)):
        assert slip in near
    assert date(1992, 4, 12) not in near
    assert likely_typos(date(2000, 2, 29))


@pytest.mark.slow
def test_a_second_registration_is_found_among_many(db, person):
    """Of 200 people registered again, 95 % are among the first three candidates."""
    dice = random.Random(482)
    people = [somebody(dice) for _ in range(600)]
    ids = [
        a_patient(
            given_names=patient.given,
            family_name=patient.family,
            sex=patient.sex,
            birth_date=min(patient.birth_date, clock.today()),
            birth_is_estimated=patient.is_estimated,
            phone=patient.phone or "",
            address=patient.address,
        ).id
        for patient in people
    ]
    desk, again_dice = person("receptionist"), random.Random(7)
    chosen = again_dice.sample(range(600), 200)
    found = sum(
        ids[nth]
        in [candidate.hit.id for candidate in duplicates.duplicate_candidates(again(again_dice, people[nth]), who=desk)]
        for nth in chosen
    )
    assert found >= 190


def test_without_a_name_there_are_no_duplicates(person):
    assert duplicates.duplicate_candidates(ComparedPerson(""), who=person("receptionist")) == []


def test_finding_by_name_uses_the_index(ward, db):
    plan = "EXPLAIN SELECT id FROM patient WHERE search_names LIKE '% kadia%'"
    db.session.execute(text("SET LOCAL enable_seqscan = off"))
    assert "ix_patient_names" in "\n".join(db.session.scalars(text(plan)))


@pytest.fixture
def statements(db):
    """The SELECTs of patients and words that were executed since `clear()`."""
    seen = []

    def note(_connection, _cursor, statement, *_rest):
        if "FROM patient" in statement or "name_word" in statement:
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.engine, "before_cursor_execute", note)


HOSTILE = (
    *(
        "a" * 5000,
        "%_%",
        "\\",
        "' OR 1=1 --",
        "\u202eatufaD",
        "🩺 kad",
        "1" * 400,
        "kad " * 40,
        "é" * 99,
        "hms 0",
        "0 0 0",
    ),
    *(
        "99/99/9999",
        "0000",
        "kad 31/02/1991",
        "m f m f",
        "mr mrs dr",
        "- -52y",
        "52y 52y 52y",
        "999y",
        "\x00\x07",
        "٣٣٣٣",
        "كادي 12",
    ),
    *("hms 999999", "AB123456789012", "SL " * 30 + "1234567", "~~~~ 1990", "a b c d e f g h", "ka 1 2 3 4 5 6 7 8"),
)


def test_a_search_is_few_statements_whatever_is_typed(ward, person, statements):
    desk = person("receptionist")
    most = {"kadiatu zkamara": 1, "zkam kad": 2, "kadijatu zkamarra": 3, "zkamara xyzzyx 1950": 4, "qqqq xxxx": 4}
    for line, limit in most.items():
        statements.clear()
        queries.search_patients(line, who=desk, limit=1)
        assert 1 <= len(statements) <= limit, line
    for line in HOSTILE:
        statements.clear()
        queries.search_patients(line, who=desk)
        assert len(statements) <= 5, line
        assert queries.search_patients(line, who=person("cashier")) is not None
