"""PostgreSQL keeps the plans of busy statements, instead of planning them at each use."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from hms.clinical.encounters import actions, queries
from hms.core.db.fixed_words import fixed_word
from hms.core.db.session import db as database
from hms.core.errors import NotFound
from hms.pharmacy.dispensing import locked_lines
from hms.staff import request_user
from hms.staff.models import User
from tests.clinical.factories import a_patient

ANY_PLANNED = text("""
    SELECT sum(custom_plans) AS each_time, sum(generic_plans) AS kept FROM pg_prepared_statements
     WHERE statement LIKE :part""")
PLANNED = text(f"{ANY_PLANNED.text} AND statement LIKE '%is_restricted%'")


def test_statements_with_a_condition_of_access_keep_their_plan(real_app):
    """psycopg prepares a statement at its fourth use; PostgreSQL then plans it at most five times.

    In a database of its own: the rows and the statistics that other tests leave could make a plan look dear.
    """
    doctor, pharmacist = (
        request_user.load_active_person(database.session.scalars(select(User.id).filter_by(username=role)).one())
        for role in ("doctor", "pharmacist")
    )
    encounter = actions.start_encounter(patient_id=a_patient().id, by=doctor)
    for _ in range(12):
        queries.get_encounter_row(encounter.id, doctor)
        queries.get_encounter_for_update(encounter.id, doctor)
        with pytest.raises(NotFound):
            locked_lines.locked_lines([1], pharmacist)
    for part in ("%FROM encounter%UPDATE OF encounter", "%encounter.notes%FROM encounter%", "%FROM prescription%"):
        planned = database.session.execute(PLANNED, {"part": part}).one()
        assert planned.kept, f"{part} was never asked for by a kept plan"
        assert planned.each_time <= 5, f"{part} is planned at each use: {planned}"


def test_lists_read_by_cursor_and_their_entries_in_the_trail_keep_their_plan(real_app):
    """A limit that PostgreSQL does not know, or a condition switched off by a parameter, is planned at each use."""
    account = database.session.scalars(select(User).filter_by(username="doctor")).one()
    actions.start_encounter(patient_id=a_patient().id, by=request_user.load_active_person(account.id))
    token = request_user.access_token(account.id, account.token_version)
    database.session.remove()
    client = real_app.test_client()
    for _ in range(12):
        for listed in ("encounters", "patients"):
            answer = client.get(f"/api/{listed}/?cursor=&page_size=5", headers={"Authorization": f"Bearer {token}"})
            assert answer.json["count"]
    lists = ("SELECT encounter%LIMIT 6 OFFSET 0%", "SELECT patient%LIMIT 6 OFFSET 0%")
    for part in (*lists, "%INSERT INTO audit_entry%known.patient_id%"):
        planned = database.session.execute(ANY_PLANNED, {"part": part}).one()
        assert planned.kept, f"{part} was never asked for by a kept plan"
        assert planned.each_time <= 5, f"{part} is planned at each use: {planned}"


def test_only_words_of_the_program_are_written_into_statements():
    assert str(fixed_word("in_progress")) == "'in_progress'"
    for typed in ("it's", "", "a b", "DROP", "x;"):
        with pytest.raises(ValueError, match="not a word"):
            fixed_word(typed)
