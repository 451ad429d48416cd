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
from hms.interop.imports import actions, jobs, reader, tables, workbook_parts
from hms.interop.imports.failed_rows import write_csv
from hms.interop.imports.fields import DateOrder, cell_at, day_before_month, guess_date_order
from hms.interop.imports.kinds import KINDS
from hms.interop.imports.patient_rows import PATIENTS
from hms.interop.models import ImportBatch, ImportRow
from hms.patients.death.actions import record_death
from hms.patients.models import Patient
from hms.patients.records.actions import withdraw_patient
from hms.patients.registration import actions as registration
from hms.staff.models import Role, User
from tests.appointments import factories
from tests.interop.lists import do, states, upload, work
from tests.page import PageClient, words

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
        "This may be the person of row 2 of this file.",
        "This row Kadiatu Kamara · 27-Mar-1991 Row 2 Kadiatu Kamara · 27-Mar-1991 · 076 123 456",
        "Checked, 4 rows to correct",
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
    shown = do(admin, again, "check")
    assert "This row Kadiatu Kamara" in shown
    assert "KAMARA, Kadiatu" in shown
    assert "076 123 456" in shown
    assert states(again) == {2: "ready", 3: "duplicate", 4: "ready", 5: "ready"}
    do(admin, again, "rows/3/allow")
    do(admin, again, "run")
    assert len(patients()) == 6
    assert set(states(again).values()) == {"imported"}

    isatu = database.session.scalars(select(Patient.id).where(Patient.given_names == "Isatu")).one()
    do_booking(isatu)
    shown = do(admin, again, "undo")
    assert states(again) == {2: "undone", 3: "undone", 4: "kept", 5: "undone"}
    assert "Undone, 1 record stays" in shown
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
    _shows_progress(admin, address)
    actions.stop(batch_id, by=person("admin"))
    actions.run(batch_id, by=person("admin"))
    with pytest.raises(Conflict):
        actions.run(batch_id, by=person("admin"))
    take_grant("admin", "interop.import")
    work()
    row = database.session.get(ImportBatch, batch_id, populate_existing=True)
    assert (len(patients()), row.state, row.problem["message"]) == (2, "checked", str(jobs.NOT_ALLOWED))


def _shows_progress(admin: PageClient, address: str) -> None:
    page = admin.get(address).text
    assert "2 of 5 rows are imported." in words(page)
    assert 'http-equiv="refresh"' in page
    assert 'data-refresh-every="3"' in admin.get(f"{address}/state").text


def test_check_and_undoing_can_be_stopped_and_a_closed_account_leaves_its_imports(
    desk, db, person, monkeypatch
) -> None:
    """What was done stays; the rest is done later. An administrator undoes what somebody imported who has left."""
    monkeypatch.setitem(KINDS, "patients", replace(PATIENTS, portion_rows=1))
    admin, by = desk("admin"), person("admin")
    address = upload(admin, "patients", "Family name,Sex,Age\nKoroma,M,34\nConteh,F,51\n")
    batch_id = int(address.rsplit("/", 1)[1])
    actions.check(batch_id, by=by)
    actions.stop(batch_id, by=by)
    assert database.session.get(ImportBatch, batch_id, populate_existing=True).state == "uploaded"
    with pytest.raises(Conflict, match="Nothing is being done"):
        actions.stop(batch_id, by=by)
    do(admin, address, "check")
    assert "Imported" in do(admin, address, "run")
    actions.undo(batch_id, by=by)
    portion(batch_id)
    actions.stop(batch_id, by=by)
    assert "Partly undone: 1 row" in words(admin.get(address).text)
    _is_left_by_its_owner(admin, address)
    assert database.session.get(ImportBatch, batch_id, populate_existing=True).user_id == by.id


def _is_left_by_its_owner(admin: PageClient, address: str) -> None:
    with action_context("tests.seed", SYSTEM):
        nurse = database.session.scalars(select(User).filter_by(username="nurse")).one()
        database.session.get(ImportBatch, int(address.rsplit("/", 1)[1])).user_id = nurse.id
    assert admin.get(address).status_code == 404
    with action_context("tests.seed", SYSTEM):
        nurse.is_active = False
    assert "(account closed)" in words(admin.get("/imports/").text)
    assert "(account closed)" in words(admin.get(address).text)
    question = words(admin.get(f"{address}/undo").text)
    assert "What was made from 1 row is taken back." in question
    assert "Undone" in do(admin, address, "undo")
    assert (patients(), set(states(address).values())) == ([], {"undone"})


def test_rows_of_one_file_are_compared_and_the_dead_are_not_imported_as_living(desk, db) -> None:
    """As registering would compare them: spelled otherwise, with day and month exchanged. A death comes with its record."""
    admin = desk("admin")
    lines = (
        "First name,Last name,Sex,Date of birth,Date of birth is approximate,Phone,Deceased,Date of death,Allergies\n"
    )
    lines += "Abu,Kamara,M,3/4/1990,,076 111 222,,,unknown\nAboo,Kamara,M,4/3/1990,,,,,aucune\n"
    lines += "Binta,Sesay,F,20/5/1940,yes,,yes,31/12/2024,Penicillin\nChernor,Koroma,M,20/5/1950,,,no,1/2/2024,\n"
    lines += "Daniel,Conteh,M,20/5/1960,,,décédé,,\nEster,Bangura,F,20/5/1970,,,,1/2/2999,\n"
    address = upload(admin, "patients", lines)
    shown = do(admin, address, "check")
    assert states(address) == {2: "ready", 3: "duplicate", 4: "ready", 5: "refused", 6: "ready", 7: "refused"}
    for sentence in (
        "This may be the person of row 2 of this file.",
        "The row has a date of death and says that the patient has not died.",
        "The date of death is in the future.",
    ):
        assert sentence in shown
    do(admin, address, "rows/3/allow")
    assert "Imported, 2 rows failed" in do(admin, address, "run")
    made = select(Patient.given_names, Patient.deceased_on, Patient.deceased_text, Patient.birth_is_estimated)
    statuses = select(Patient.given_names, Patient.allergy_status).order_by(Patient.given_names)
    assert db.session.execute(made.order_by(Patient.given_names)).all() == [
        ("Aboo", None, "", False),
        ("Abu", None, "", False),
        ("Binta", date(2024, 12, 31), "", True),
        ("Daniel", None, "unknown", False),
    ]
    assert [status for _name, status in db.session.execute(statuses)] == [
        *("none_known", "not_asked", "known", "not_asked"),
    ]
    do(admin, address, "undo")
    assert patients() == []


def test_an_exported_list_of_patients_is_imported_without_loss(desk, db, person) -> None:
    """Everything that both know comes back: the new records make the same file again, but for their numbers and dates."""
    admin, by = desk("admin"), person("admin")
    everybody = {"given_names": "Kadiatu", "family_name": "Kamara", "sex": "female", "birth_date": date(1991, 3, 27)}
    registration.register_patient(
        **everybody, phone="076 123 456", address="12, Hill St", other_names="Sesay", national_id="SL-123456", by=by,
        other_numbers="OLD-1; OLD-2", allergies=["Penicillin", "Latex"],
    )  # fmt: skip
    registration.register_patient(
        given_names="Foday", sex="unknown", birth_date=date(1960, 7, 1), birth_is_estimated=True, allergies=[], by=by
    )
    dead = registration.register_patient(
        given_names="=Abu", family_name="Conteh", sex="male", birth_date=date(1940, 1, 2), phone="12", by=by
    )
    record_death(dead.id, died_on=date(2025, 2, 3), by=by)
    first = admin.get("/exports/patients?ordering=last_name").data
    for one in db.session.scalars(select(Patient.id)).all():
        withdraw_patient(one, by=by)
    address = upload(admin, "patients", first)
    actions.check(int(address.rsplit("/", 1)[1]), by=by)
    work()
    assert set(states(address).values()) == {"ready"}
    do(admin, address, "run")
    second = admin.get("/exports/patients?ordering=last_name").data
    tell = {"Hospital number", "Registered", "Last changed"}
    before, after = (tables.read_table(content) for content in (first, second))
    kept = [place for place, heading in enumerate(before.headings) if heading not in tell]
    assert [[cell_at(cells, place) for place in kept] for _number, cells in before.rows] == [
        [cell_at(cells, place) for place in kept] for _number, cells in after.rows
    ]
    assert len(after.rows) == 3


def book(*lines: tuple[object, ...]) -> bytes:
    """A workbook whose first sheet has these lines."""
    workbook, file = Workbook(), io.BytesIO()
    for line in lines:
        workbook.active.append(line)
    workbook.save(file)
    return file.getvalue()


def repacked(content: bytes, **parts: bytes | Callable[[bytes], bytes]) -> bytes:
    """The workbook with other parts: by the last word of their names, what they hold or what becomes of it."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in before.namelist():
            new = parts.get(name.rpartition("/")[2].removesuffix(".xml"), before.read(name))
            packed.writestr(name, new(before.read(name)) if callable(new) else new)
        for name in parts.keys() & {workbook_parts.STRINGS, *workbook_parts.UNREAD}:
            packed.writestr(name, parts[name])
    return file.getvalue()


READ = {
    "bom": ("\ufeffName,Price\r\nA,1\r\n".encode(), [["A", "1"]], "utf-8"),
    "semicolon": (b"Name;Price\nA;1,50\n", [["A", "1,50"]], "utf-8"),
    "tab": (b"Name\tPrice\nA, B\t1\n", [["A, B", "1"]], "utf-8"),
    "excel's own line": (b"sep=;\r\nName;Price\r\nA;1\r\n", [["A", "1"]], "utf-8"),
    "windows": ("Nom;Prix\nPrénom;1\n".encode("windows-1252"), [["Prénom", "1"]], "windows-1252"),
    "quotes": (b'Name,"Price, SLE"\n"A ""B""\nC",1\n\n', [['A "B"\nC', "1"]], "utf-8"),
    "kept from being a formula": (b"Name,Price\n'+23276123456,'=1+1\n", [["+23276123456", "=1+1"]], "utf-8"),
    "long calculation chain": (
        repacked(book(("Name",), ("A",)), **{workbook_parts.UNREAD[0]: b"<c/>" * 100_000}),
        [["A"]],
        "xlsx",
    ),
    "workbook": (
        book(("Name", "Price"), (), ("A", 1.5), (date(1991, 3, 27), 76123456.0), (True, time(9, 5))),
        [["A", "1.5"], ["1991-03-27", "76123456"], ["yes", "09:05"]],
        "xlsx",
    ),
    "saved formulas": (
        repacked(
            book(("Name", "Price"), ("=A9", 1.5), ("=A8", 2)),
            sheet1=lambda sheet: sheet.replace(b"<v />", b"<v>7</v>", 1).replace(b'r="A3">', b'r="A3" t="str">'),
        ),
        [["7", "1.5"], ["", "2"]],
        "xlsx",
    ),
}
SMALL = book(("Name",), ("A",))
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
    "too large when it is unpacked": repacked(SMALL, sheet1=b" " * (workbook_parts.MAX_UNPACKED + 1)),
    "too large when it is unpac[k]ed": repacked(SMALL, **{workbook_parts.UNREAD[0]: b" " * 11 * 2**20}),
    "The workbook cannot be rea[d]": repacked(SMALL, **{workbook_parts.UNREAD[0]: b"<!DOCTYPE x>"}),
    "too large when it is unpacke[d]": repacked(SMALL, styles=b"<x>" + b" " * 2 * 2**20),
    "too large when it is unpack[e]d": repacked(SMALL, styles=b"<x/>" * 50_000),
    "too large when it is unpa[c]ked": repacked(SMALL, **{"xl/sharedStrings.xml": b" " * 11 * 2**20}),
    "Cell B2 has a formula without its value": book(("Name", "Price"), ("A", "=1+1")),
    "Cell A2 has a formula without its value": repacked(
        book(("Name",), ("=1+1",)), sheet1=lambda sheet: sheet.replace(b'<c r="A2"><f>1+1</f><v />', b"<c><f>1+1</f>")
    ),
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
    _is_read_apart()
    written = write_csv([["Name"], ["=HYPERLINK(1)"], ["+232"], ["-"], ["a,b\n"], ["＝1"], ["'x"]])
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


def _is_read_apart() -> None:
    """A workbook is read by a process of its own, with the same table and the same refusals."""
    content, expected, _encoding = READ["workbook"]
    assert [cells for _number, cells in reader.read_file(content, ",").rows][0] == ["A", "1,5"]
    assert len(reader.read_file(content, ".").rows) == len(expected)
    with pytest.raises(RuleBroken, match="Cell B2"):
        reader.read_file(REFUSED["Cell B2 has a formula without its value"], ".")


WRONG_CHECKS = (
    {"date_order": "sideways"},
    {"columns": {"last_name": "Nobody"}},
    {"columns": {"nothing": "Sex"}},
    {"columns": {"gender": "Sex"}},
    {"columns": {"last_name": "Family name", "gender": "Sex"}},
)


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
    assert [api.post(f"{one}check/", json=body).status_code for body in WRONG_CHECKS] == [400] * 5
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
