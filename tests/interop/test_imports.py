"""Lists from files: read, checked, imported in portions, undone; by pages and by programs."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from openpyxl import Workbook
from sqlalchemy import select

from hms.appointments.bookings import actions as bookings
from hms.core import clock
from hms.core.actions import action_context
from hms.core.audit.models import AuditEntry
from hms.core.db.session import db as database
from hms.core.errors import Conflict, RuleBroken
from hms.core.gapless_numbers import NumberSeries
from hms.core.person import SYSTEM
from hms.interop.imports import actions, jobs, tables
from hms.interop.imports.fields import DateOrder, day_before_month, guess_date_order
from hms.interop.imports.kinds import KINDS
from hms.interop.imports.patient_rows import PATIENTS
from hms.interop.models import ImportBatch, ImportRow
from hms.patients.models import Patient
from hms.staff.models import Role, User
from tests.appointments import factories
from tests.interop.lists import do, states, upload, work
from tests.page import PageClient

PEOPLE = """Prénom;Nom;Sexe;Date de naissance;Téléphone;Ancien numéro;Allergies
Kadiatu;Kamara;F;27/3/1991;076 123 456;OLD-1;Penicillin
Foday;Sesay;homme;31/2/1990;076 123 457;OLD-2;
Kadiatu;Kamara;F;27.03.1991;;OLD-3;
Isatu;Bangura;F;5 mar 1988;2,32E+11;OLD-4;
Mohamed;Koroma;;12/12/1980;077 000 111;OLD-5;none
Mariama;Conteh;F;1/5/2001;078 999 111;OLD-6;
"""


def test_patients_are_imported_corrected_and_undone(desk: Callable[..., PageClient], db) -> None:
    """The columns are guessed by French headings; the file that comes back with the reasons can be corrected and imported."""
    admin = desk("admin")
    address = upload(admin, "patients", PEOPLE)
    shown = do(admin, address, "check")
    assert states(address) == {2: "ready", 3: "refused", 4: "duplicate", 5: "refused", 6: "refused", 7: "ready"}
    for said in (
        "Date of birth “31/2/1990”: This date does not exist",
        "This is the same as row 2 of this file.",
        "Phone “2,32E+11”: The spreadsheet shortened this number to 2,32E+11. Enter all its digits.",
        "Sex : This is needed. Fill in the cell.",
    ):
        assert said in shown
    assert (patients(), taken_numbers()) == ([], 0), "a check keeps nothing and takes no number"
    do(admin, address, "run")
    assert patients() == ["Kadiatu Kamara", "Mariama Conteh"]
    first = db.session.scalars(select(Patient).where(Patient.given_names == "Kadiatu")).one()
    assert (first.birth_date, first.phone, first.other_numbers) == (date(1991, 3, 27), "+23276123456", "OLD-1")
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.entity == "patient").limit(1)).one()
    batch_id = int(address.rsplit("/", 1)[1])
    assert (entry.action, entry.actor_name, entry.request_id) == (
        "patients.register_patient",
        "admin",
        f"import-{batch_id}",
    )
    assert all(row.cells is None for row in rows(batch_id, "imported"))
    _import_corrected_rows(admin, address)


def _import_corrected_rows(admin: PageClient, address: str) -> None:
    failed = admin.get(f"{address}/failed.csv").data.decode("utf-8-sig")
    twice = upload(admin, "patients", failed)
    do(admin, twice, "check")
    first_line = failed.partition("\n")[0]
    assert admin.get(f"{twice}/failed.csv").data.decode("utf-8-sig").partition("\n")[0] == first_line
    assert failed.count("\n") == 5
    corrected = (
        failed.replace("31/2/1990", "28/2/1990").replace("2,32E+11", "076 555 222").replace("Koroma,,", "Koroma,M,")
    )
    again = upload(admin, "patients", corrected)
    assert "KAMARA, Kadiatu" in do(admin, again, "check")
    assert states(again) == {2: "ready", 3: "duplicate", 4: "ready", 5: "ready"}
    do(admin, again, "rows/3/allow")
    do(admin, again, "run")
    assert len(patients()) == 6
    assert set(states(again).values()) == {"imported"}

    isatu = database.session.scalars(select(Patient.id).where(Patient.given_names == "Isatu")).one()
    do_booking(isatu)
    shown = do(admin, again, "undo")
    assert states(again) == {2: "undone", 3: "undone", 4: "kept", 5: "undone"}
    assert "It is used since the import: Appointment." in shown
    assert patients() == ["Isatu Bangura", "Kadiatu Kamara", "Mariama Conteh"]


def patients() -> list[str]:
    names = select(Patient.given_names + " " + Patient.family_name).where(Patient.status == "active")
    return sorted(database.session.scalars(names))


def taken_numbers() -> int:
    """How many hospital numbers were taken."""
    return database.session.scalars(select(NumberSeries.last_number).filter_by(series="patient")).one_or_none() or 0


def rows(batch_id: int, state: str) -> list[ImportRow]:
    chosen = select(ImportRow).where(ImportRow.batch_id == batch_id, ImportRow.state == state)
    return list(database.session.scalars(chosen.execution_options(populate_existing=True)))


def do_booking(patient_id: int) -> None:
    day = clock.today() + timedelta(days=7)
    bookings.book(
        patient_id=patient_id, doctor_id=factories.doctor().id, date=day, time=time(9), duration_minutes=15, by=SYSTEM
    )


def portion(batch_id: int, *, is_killed: bool = False) -> None:
    """One portion of the worker, which may be killed before it commits."""
    with action_context("outbox.handle", SYSTEM):
        jobs.work(batch_id)
        if is_killed:
            raise RuntimeError("killed")


def take_grant(role_code: str, grant: str) -> None:
    with action_context("tests.seed", SYSTEM):
        role = database.session.scalars(select(Role).filter_by(code=role_code)).one()
        role.grants = [kept for kept in role.grants if kept != grant]


def test_a_portion_that_was_lost_is_done_again_and_nothing_twice(desk, db, person, monkeypatch) -> None:
    """The worker stops between two portions; later the person loses the right."""
    monkeypatch.setitem(KINDS, "patients", replace(PATIENTS, portion_rows=2))
    admin = desk("admin")
    names = ("Abu,Kamara", "Binta,Sesay", "Chernor,Koroma", "Daniel,Conteh", "Ester,Bangura")
    lines = [f"{name},F,{n}/2/{1950 + 9 * n}" for n, name in enumerate(names, 1)]
    address = upload(admin, "patients", "first name,last name,gender,date of birth\n" + "\n".join(lines))
    batch_id = int(address.rsplit("/", 1)[1])
    with pytest.raises(RuleBroken, match="can be read in two ways"):
        actions.check(batch_id, by=person("admin"))
    do(admin, address, "check", date_order="day_first")
    actions.run(batch_id, by=person("admin"))
    with pytest.raises(RuntimeError):
        portion(batch_id, is_killed=True)
    assert patients() == []
    portion(batch_id)
    assert len(patients()) == 2
    actions.stop(batch_id, by=person("admin"))
    actions.run(batch_id, by=person("admin"))
    with pytest.raises(Conflict):
        actions.run(batch_id, by=person("admin"))
    take_grant("admin", "interop.import")
    work()
    row = database.session.get(ImportBatch, batch_id, populate_existing=True)
    assert (len(patients()), row.state, row.problem["message"]) == (2, "checked", str(jobs.NOT_ALLOWED))


def book(*lines: tuple[object, ...]) -> bytes:
    """A workbook whose first sheet has these lines."""
    workbook, file = Workbook(), io.BytesIO()
    for line in lines:
        workbook.active.append(line)
    workbook.save(file)
    return file.getvalue()


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b" " * (tables.MAX_UNPACKED + 1))
    return file.getvalue()


READ = {
    "bom": ("\ufeffName,Price\r\nA,1\r\n".encode(), [["A", "1"]], "utf-8"),
    "semicolon": (b"Name;Price\nA;1,50\n", [["A", "1,50"]], "utf-8"),
    "tab": (b"Name\tPrice\nA, B\t1\n", [["A, B", "1"]], "utf-8"),
    "excel's own line": (b"sep=;\r\nName;Price\r\nA;1\r\n", [["A", "1"]], "utf-8"),
    "windows": ("Nom;Prix\nPrénom;1\n".encode("windows-1252"), [["Prénom", "1"]], "windows-1252"),
    "quotes": (b'Name,"Price, SLE"\n"A ""B""\nC",1\n\n', [['A "B"\nC', "1"]], "utf-8"),
    "kept from being a formula": (b"Name,Price\n'+23276123456,'=1+1\n", [["+23276123456", "=1+1"]], "utf-8"),
    "workbook": (
        book(("Name", "Price"), (), ("=1+1", 1.5), (date(1991, 3, 27), 76123456.0), (True, time(9, 5))),
        [["", "1.5"], ["1991-03-27", "76123456"], ["yes", "09:05"]],
        "xlsx",
    ),
}
REFUSED = {
    "The file is empty": b" \r\n",
    "no rows below": b"Name,Price\r\n",
    "cannot be read as text": b"Name,Price\nA\0,1\n",
    "Line 2 cannot be read": b'Name,Price\n"A,1\nB,2\n',
    "more than 100 columns": b",".join([b"x"] * 1000) + b"\n1\n",
    "heading “Name”": b"Name,name\nA,B\n",
    "more than 10,000 rows": b"Name\n" + b"A\n" * 10_001,
    "more than 300,000 cells": b"\n".join([b",".join(b"%d" % n for n in range(60))] * 5_100),
    "more than 5,000 characters": b"Name\n" + b"A" * 5_001,
    "larger than 1.9 MB": b"Name\n" + b"A" * 2_000_000,
    "an old or a locked kind": b"\xd0\xcf\x11\xe0" + bytes(600),
    "The workbook cannot be read": b"PK\x03\x04" + bytes(100),
    "too large when it is unpacked": bomb(),
}


def test_files_are_read_or_refused_with_a_sentence() -> None:
    for name, (content, expected, encoding) in READ.items():
        table = tables.read_table(content)
        assert ([cells for _number, cells in table.rows], table.encoding) == (expected, encoding), name
    for sentence, content in REFUSED.items():
        with pytest.raises(RuleBroken, match=sentence):
            tables.read_table(content)
    truncated = READ["workbook"][0]
    for length in range(4, len(truncated), 997):
        with pytest.raises(RuleBroken):
            tables.read_table(truncated[:length])
    written = tables.write_csv([["Name"], ["=HYPERLINK(1)"], ["+232"], ["-"], ["a,b\n"], ["＝1"], ["'x"]])
    assert b"\n=" not in written
    assert "\n＝".encode() not in written
    assert [cells for _number, cells in tables.read_table(written).rows] == [
        ["=HYPERLINK(1)"],
        ["+232"],
        ["-"],
        ["a,b"],
        ["＝1"],
        ["'x"],
    ]
    for cells, order in (
        (["27/3/1991", "1/2/90"], DateOrder.DAY_FIRST),
        (["3/27/1991", "1.2.90"], DateOrder.MONTH_FIRST),
        (["1/2/90"], None),
        (["27/3/1991", "3/27/1991"], None),
        (["1991-03-04", "5 mar 1988", "2/2/1990"], DateOrder.DAY_FIRST),
    ):
        assert guess_date_order(cells) == order
    assert day_before_month("3/27/1991", DateOrder.MONTH_FIRST) == "27/3/1991"


def test_programs_import_and_only_the_owner_sees_the_file(program, desk, db) -> None:
    """The same by the API, with an idempotency key; nobody else, and no other role, reads the file."""
    api, address = program("admin"), "/api/imports/"
    content = base64.b64encode(b"Family name,Sex,Age\nKoroma,M,34\nConteh,F,8 months\n").decode()
    sent = {
        "json": {"kind": "patients", "content": content, "file_name": "a.csv"},
        "headers": {"Idempotency-Key": "k1"},
    }
    first, second = api.post(address, **sent), api.post(address, **sent)
    assert (first.status_code, second.json["id"]) == (201, first.json["id"])
    assert first.json["columns"] == {"last_name": "Family name", "gender": "Sex", "age": "Age"}
    one = f"{address}{first.json['id']}/"
    assert api.post(f"{one}run/").status_code == 409
    wrong = {"columns": {"last_name": "Nobody"}}, {"columns": {"nothing": "Sex"}}, {"date_order": "sideways"}
    assert [api.post(f"{one}check/", json=body).status_code for body in wrong] == [400] * 3
    assert [api.post(f"{one}check/", json={}).status_code for _ in range(2)] == [202, 409]
    work()
    assert api.get(one).json["counts"]["ready"] == 2
    assert api.post(f"{one}run/").status_code == 202
    work()
    assert [row["state"] for row in api.get(f"{one}rows/").json] == ["imported"] * 2
    assert api.get(f"{one}rows/?state=refused").json == []
    assert (api.get(one).json["state"], len(patients())) == ("done", 2)
    assert api.post(f"{one}undo/").status_code == 202
    work()
    assert (api.get(one).json["state"], patients()) == ("undone", [])
    assert api.delete(f"{one}content/").status_code == 204
    for body in ({"kind": "patients", "content": "!"}, {"kind": "cakes", "content": content}):
        assert api.post(address, json=body).status_code == 400
    _belongs_to_nobody_else(api, desk, first.json["id"])


def _belongs_to_nobody_else(api: PageClient, desk: Callable[..., PageClient], batch_id: int) -> None:
    with action_context("tests.seed", SYSTEM):
        batch = database.session.get(ImportBatch, batch_id)
        batch.user_id = database.session.scalars(select(User.id).filter_by(username="nurse")).one()
    assert api.get(f"/api/imports/{batch_id}/").status_code == 404
    assert desk("admin").get(f"/imports/{batch_id}/failed.csv").status_code == 404
    assert desk("nurse").get(f"/imports/{batch_id}").status_code == 403
    assert desk("doctor").get("/imports/template/patients.csv").status_code == 403
    template = tables.read_table(desk("admin").get("/imports/template/patients.csv").data)
    assert "Date of birth" in template.headings
