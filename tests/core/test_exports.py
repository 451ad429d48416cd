"""Lists as files: cells that no spreadsheet runs, the rows and fields of the reader, the trail, bounded memory."""

from __future__ import annotations

import csv
from datetime import date, datetime, time
from decimal import Decimal
from io import BytesIO, StringIO

import pytest
from openpyxl import load_workbook
from sqlalchemy import event, select, update

from hms.core.audit.models import AuditEntry
from hms.core.db.session import db as database
from hms.core.exports import limits, making
from hms.core.exports.cells import as_csv
from hms.core.exports.files import CsvFile, XlsxFile
from hms.core.settings import store as settings
from hms.staff.models import Role
from tests.patients.factories import a_patient

pytestmark = pytest.mark.security("K")

DAY = date(2026, 11, 30)
LATE = datetime.combine(DAY, time(23, 15, 9))
HOSTILE = (
    "=1+1",
    "+23276123456",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "'=1",
    "＝1",
    "#N/A",
    "=cmd|' /C calc'!A0",
)
KEPT = ("Kamara", "كاديatu قمر", "two\nlines", 'with "signs", and; more', "M" * 60, "12 Hill Road", "1.5", "")


def _csv(response) -> list[list[str]]:
    text = response.get_data().decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.reader(StringIO(text[1:], newline="")))


def test_no_cell_is_run_and_every_cell_comes_back():
    row = [*HOSTILE, *KEPT, None, Decimal("1250.50"), Decimal("-3.00"), 7, DAY, date(1899, 12, 31)]
    row += [LATE, time(8, 5)]
    files = CsvFile(), XlsxFile("People")
    for file in files:
        file.write_heading(["A"] * len(row))
        file.write_row(row)
    with files[0].finish() as file:
        lines = list(csv.reader(StringIO(file.read().decode("utf-8-sig"), newline="")))
    for text, cell in zip(row, lines[1], strict=True):
        assert cell == as_csv(text)
        assert not cell.lstrip().startswith(("=", "+", "@", "＝", "\t", "\r"))
    assert lines[1][len(HOSTILE) :] == [
        *KEPT,
        *("", "1250.50", "-3.00", "7", "2026-11-30", "1899-12-31", "2026-11-30 23:15:09", "08:05"),
    ]
    assert lines[1][: len(HOSTILE) - 2] == [f"'{text}" for text in HOSTILE[:-2]]
    with files[1].finish() as file:
        cells = list(load_workbook(file).active.iter_rows(min_row=2))[0]
    assert [cell.data_type for cell in cells[: len(HOSTILE)]] == ["s"] * len(HOSTILE)
    read = [cell.value for cell in cells]
    assert read[: len(HOSTILE)] == [text.replace("\r", "\n") for text in HOSTILE]
    assert read[len(HOSTILE) : len(HOSTILE) + 4] == list(KEPT[:4])
    assert read[-7:-3] == [1250.5, -3, 7, datetime.combine(DAY, time())]
    assert read[-3:] == ["1899-12-31", LATE, time(8, 5)]
    assert cells[-7].number_format == "0.00"


def _trail() -> list[AuditEntry]:
    query = select(AuditEntry).where(AuditEntry.action == "core.export_list").order_by(AuditEntry.id)
    return list(database.session.scalars(query))


def test_the_administrator_takes_the_list_of_patients_and_nobody_else(desk, program, person):
    known = a_patient(family_name="=Kamara", given_names="كاديatu", phone="076 123 476", birth_date=None)
    other = a_patient(family_name="Bangura")
    at = desk("admin")
    page = at.get("/patients/?q=kamara")
    assert 'href="/exports/patients?format=xlsx&amp;search=kamara"' in page.get_data(as_text=True)
    response = at.get("/exports/patients?format=csv&ordering=last_name")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="patients-20')
    assert int(response.headers["Content-Length"]) == len(response.get_data())
    heading, *rows = _csv(response)
    of = {row[0]: dict(zip(heading, row, strict=True)) for row in rows}
    row = of[known.hospital_number]
    assert row["Family name"] == "'=Kamara"
    assert (row["Date of birth"], row["Allergies"], row["Sex"]) == ("", "Allergies not recorded", "Female")
    assert [row[0] for row in rows if row[0] in (known.hospital_number, other.hospital_number)] == [
        known.hospital_number,
        other.hospital_number,
    ]
    entry = _trail()[-1]
    assert entry.new == {
        **{"list": "patients", "format": "csv", "rows": len(rows), "patients": len(rows)},
        "filters": {"ordering": "last_name"},
    }
    opened = select(AuditEntry.action).where(
        AuditEntry.patient_id == known.id, AuditEntry.actor_id == person("admin").id
    )
    assert set(database.session.scalars(opened)) == {"patients.read"}


def test_programs_get_the_list_too_and_other_roles_do_not(desk, program):
    other = a_patient(family_name="Bangura")
    book = program("admin").get("/api/patients/export/?format=xlsx&search=bangura")
    sheet = load_workbook(BytesIO(book.get_data())).active
    assert [[cell.value for cell in row][:2] for row in sheet.iter_rows(min_row=2)] == [
        [other.hospital_number, "Bangura"]
    ]
    original = program("admin").get("/api/patients/export_csv/")
    assert _csv(original)[0] == [
        *("unique_id", "first_name", "last_name", "date_of_birth", "gender", "contact_info", "address"),
        "known_allergies",
    ]
    for role in ("doctor", "receptionist", "cashier", "patient"):
        assert program(role).get("/api/patients/export/").status_code == 403
        assert desk(role).get("/exports/patients").status_code == 403
    assert "/exports/patients" not in desk("doctor").get("/patients/").get_data(as_text=True)
    assert desk(None).get("/exports/patients").status_code == 302
    client = program("admin")
    for wrong in (
        "format=pdf",
        "format=",
        "page=2",
        "cursor=",
        "nothing=1",
        "format=csv&format=xlsx",
        "search=a&search=b",
    ):
        assert client.get(f"/api/patients/export/?{wrong}").status_code == 400, wrong
        assert desk("admin").get(f"/exports/patients?{wrong}").status_code == 400, wrong


def test_a_long_list_is_read_in_batches_and_a_longer_one_is_refused(program, monkeypatch):
    for _nth in range(7):
        a_patient()
    monkeypatch.setattr(making, "BATCH", 3)
    client, statements = program("admin"), []
    many = len(_csv(client.get("/api/patients/export/"))) - 1

    def note(_connection, _cursor, statement, *_more):
        if "FROM patient JOIN" in statement:
            statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        rows = _csv(client.get("/api/patients/export/"))[1:]
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    assert len({row[0] for row in rows}) == many == len(rows)
    assert len(statements) == many // 3 + 1
    monkeypatch.setattr(making, "MOST_XLSX", many - 1)
    refused = client.get("/api/patients/export/?format=xlsx").get_json()
    assert "Choose CSV" in refused["non_field_errors"][0]
    monkeypatch.setattr(
        settings, "value", lambda key, known=settings.value: 5 if key == "exports.max_rows" else known(key)
    )
    before = len(_trail())
    answer = client.get("/api/patients/export/")
    assert answer.status_code == 400
    assert "Choose filters that leave fewer rows." in answer.get_json()["non_field_errors"][0]
    assert len(_trail()) == before


def test_who_loses_the_right_in_the_middle_gets_no_file(program, monkeypatch):
    for _nth in range(3):
        a_patient()
    monkeypatch.setattr(making, "BATCH", 2)
    client, before = program("admin"), len(_trail())
    known = making.end_request_session

    def lose_right() -> None:
        known()
        row = database.session.scalars(select(Role).where(Role.code == "admin")).one()
        database.session.execute(
            update(Role).where(Role.id == row.id).values(grants=[one for one in row.grants if one != "patients.export"])
        )

    monkeypatch.setattr(making, "end_request_session", lose_right)
    assert client.get("/api/patients/export/").status_code == 403
    assert len(_trail()) == before


def test_only_so_many_files_are_made_at_once(program):
    """A person may begin a second file (a second click), not a third; all together not more than a server process bears."""
    with limits.count_export(1), limits.count_export(1):
        with pytest.raises(limits.TooManyExports, match="other exports"), limits.count_export(1):
            pass
        with limits.count_export(2), limits.count_export(3):
            refused = program("admin").get("/api/patients/export/")
            assert (refused.status_code, refused.get_json()["code"]) == (429, "too_many_exports")
            assert refused.headers["Retry-After"] == "20"
    assert program("admin").get("/api/patients/export/").status_code == 200
