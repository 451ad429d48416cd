"""What the pages of imports say was done is what was done."""

from __future__ import annotations

from hms.core.db.session import db as database
from hms.interop.models import ImportBatch
from hms.patients.models import Patient
from tests.interop.lists import states, upload, work
from tests.page import PageClient, said


def _state(batch_id: int) -> str:
    return database.session.get(ImportBatch, batch_id, populate_existing=True).state


def test_each_step_of_an_import_says_what_it_did(desk, db):
    """A list with one person twice: one row is imported, the other one as another person, then both are undone."""
    admin = desk("admin")
    address = upload(admin, "patients", "first name,last name,sex,birth date\nIsatu,Bangura,f,27/3/1991\n")
    batch_id = int(address.rsplit("/", 1)[1])
    assert "File read. Check its columns." in admin.get(address).text
    assert "Check started. Nothing is imported yet." in said(admin, address, "/check")
    assert _state(batch_id) == "checking"
    assert "Check stopped. Check the rows again before you import them." in said(admin, address, "/stop")
    assert _state(batch_id) == "uploaded"
    said(admin, address, "/check")
    work()
    assert "Import started." in said(admin, address, "/run")
    assert _state(batch_id) == "running"
    assert "Import stopped. Rows already imported stay." in said(admin, address, "/stop")
    assert (_state(batch_id), states(address)) == ("checked", {2: "ready"})
    said(admin, address, "/run")
    work()
    assert db.session.query(Patient).count() == 1
    _delete(admin)
    _undo(admin, address, batch_id)


def _delete(admin: PageClient) -> None:
    again = upload(admin, "patients", "first name,last name,sex,birth date\nIsatu,Bangura,f,27/3/1991\n")
    said(admin, again, "/check")
    work()
    assert "Row 2 is ready to be imported." in said(admin, again, "/allow")
    assert states(again) == {2: "ready"}
    assert "Content of the file deleted." in said(admin, f"{again}/delete", "/delete")
    assert database.session.get(ImportBatch, int(again.rsplit("/", 1)[1]), populate_existing=True).content_deleted_at


def _undo(admin: PageClient, address: str, batch_id: int) -> None:
    assert "Undo started. Records that are used stay." in said(admin, f"{address}/undo", "/undo")
    assert "Undoing stopped. The rest of the import stays." in said(admin, address, "/stop")
    assert (_state(batch_id), states(address)) == ("done", {2: "imported"})
    said(admin, f"{address}/undo", "/undo")
    work()
    assert (_state(batch_id), states(address)) == ("undone", {2: "undone"})
