"""Documents and the photo: checked by content and by a scanner, read by who may, entered in error, moved by a merge."""

from __future__ import annotations

import base64
import socketserver
import struct
import threading
from io import BytesIO

import pytest
from PIL import Image, ImageFile
from pypdf import PdfWriter

from hms.core.db.session import db as database
from hms.core.errors import RuleBroken, Unavailable
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.patients.access import actions as access
from hms.patients.documents import actions, queries, scanner, uploads
from hms.patients.merging import actions as merging
from hms.patients.models import RecordDocument
from tests.patients.factories import a_patient

PDF = b"%PDF-1.4\n%%EOF\n"
VIRUS = PDF + b"EICAR"


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), **more: object) -> bytes:
    made = BytesIO()
    Image.new("RGB", size, "red").save(made, kind, **more)
    return made.getvalue()


class Clamd(socketserver.BaseRequestHandler):
    """Speaks clamd's INSTREAM: refuses what has EICAR in it."""

    def _read(self, count: int) -> bytes:
        read = b""
        while len(read) < count:
            read += self.request.recv(count - len(read)) or b"\0" * count
        return read

    def handle(self) -> None:
        assert self._read(10) == b"zINSTREAM\0"
        content = b""
        while length := struct.unpack(">I", self._read(4))[0]:
            content += self._read(length)
        self.request.sendall(b"stream: Eicar FOUND\0" if b"EICAR" in content else b"stream: OK\0")


@pytest.fixture
def clamd(db):
    with socketserver.TCPServer(("127.0.0.1", 0), Clamd) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.change_setting("documents.scanner_address", f"127.0.0.1:{server.server_address[1]}", by=SYSTEM)
        yield server
        server.shutdown()


def test_a_file_is_what_its_content_is(db, monkeypatch):
    exif = Image.Exif()
    exif[0x010F] = "Camera of the ward"
    kinds = [uploads.check_file(one).mimetype for one in (PDF, picture(), picture("JPEG", exif=exif))]
    assert kinds == ["application/pdf", "image/png", "image/jpeg"]
    wrong = (
        b"",
        b"<svg xmlns='x'/>",
        b"<html>",
        picture("GIF"),
        picture()[:60],
        b"\xff\xd8\xff",
        PDF + b" " * 1_500_000,
    )
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # as in a process that renders papers
    for content in wrong:
        with pytest.raises(RuleBroken):
            uploads.check_file(content)
    photo = uploads.check_photo(picture("JPEG", size=(600, 300), exif=exif)).content
    assert b"Camera" not in photo
    assert Image.open(BytesIO(photo)).size == (256, 256)


def test_the_scanner_refuses_and_is_required(clamd):
    assert scanner.scan(PDF, "file") == "clean"
    with pytest.raises(RuleBroken, match="virus"):
        scanner.scan(VIRUS, "file")
    clamd.shutdown()
    clamd.server_close()
    assert scanner.scan(PDF, "file") == "not_scanned"
    settings.change_setting("documents.scanner_is_required", True, by=SYSTEM)
    with pytest.raises(Unavailable):
        scanner.scan(PDF, "file")


def _sent(content: bytes, **more: str) -> dict[str, str]:
    return {"content": base64.b64encode(content).decode(), "category": "result", "title": "Blood test"} | more


def test_programs_add_read_and_end_documents(program, person):
    patient, doctor, clerk, cashier = a_patient(), program("doctor"), program("receptionist"), program("cashier")
    url = f"/api/patients/{patient.id}/documents/"
    for wrong in (
        {"content": "?"},
        {"category": "x"},
        {"category": "photo"},
        {"title": ""},
        {"dated_on": "2999-01-01"},
    ):
        assert clerk.post(url, json=_sent(PDF) | wrong).status_code == 400, wrong
    made = clerk.post(url, json=_sent(PDF, category="identity", title="Passport")).json
    result = doctor.post(url, json=_sent(PDF)).json
    assert [row["id"] for row in clerk.get(url).json] == [made["id"]]
    assert {row["id"] for row in doctor.get(url).json} == {made["id"], result["id"]}
    assert doctor.get(f"{url}?category=result").json[0]["scan"] == "not_scanned"
    assert (clerk.get(f"{url}{result['id']}/").status_code, cashier.get(url).status_code) == (404, 403)
    file = clerk.get(f"{url}{made['id']}/file/")
    headers = ("Content-Disposition", "X-Content-Type-Options", "Content-Type")
    name = f'attachment; filename="document-{made["id"]}.pdf"'
    assert ([file.headers[one] for one in headers], file.data) == ([name, "nosniff", "application/pdf"], PDF)
    assert doctor.post(f"{url}{made['id']}/error/", json={"reason": ""}).status_code == 400
    ended = [doctor.post(f"{url}{made['id']}/error/", json={"reason": "Another patient"}) for _nth in range(2)]
    assert [one.status_code for one in ended] == [200, 409]
    photo = f"/api/patients/{patient.id}/photo/"
    assert cashier.get(photo).status_code == 404
    assert clerk.put(photo, json={"content": base64.b64encode(picture()).decode()}).json["category"] == "photo"
    assert cashier.get(photo).mimetype == "image/jpeg"
    access.restrict(patient.id, reason="Works in this hospital", by=person("admin"))
    assert [one.get(address).status_code for one in (clerk, doctor) for address in (url, photo)] == [403] * 4


def test_a_merge_takes_documents_and_the_photo_along(person):
    kept, gone, clerk = a_patient(), a_patient(), person("receptionist")
    file = uploads.check_file(PDF)
    row = actions.add_document(gone.id, file=file, category="identity", title="Passport", by=clerk)
    actions.set_photo(gone.id, file=uploads.check_photo(picture()), by=clerk)
    request = merging.request_merge(kept.id, gone.id, reason="Registered twice", by=clerk)
    merging.approve(request.id, by=person("admin"))
    assert [one.id for one in queries.list_documents(kept.id, clerk)] == [row.id]
    assert queries.photo_id(kept.id)
    separation = merging.request_separation(request.id, reason="Two people", by=clerk)
    merging.approve(separation.id, by=person("admin"))
    assert (queries.photo_id(kept.id), database.session.get(RecordDocument, row.id).patient_id) == (None, gone.id)


def pdf(pages: int, password: str = "") -> bytes:
    writer, made = PdfWriter(), BytesIO()
    for _number in range(pages):
        writer.add_blank_page(595, 842)
    if password:
        writer.encrypt(password)
    writer.write(made)
    return made.getvalue()


def test_a_pdf_is_seen_page_by_page_in_the_page(person, desk):
    patient, clerk = a_patient(), person("receptionist")
    paths = {}
    for name, content in (("good", pdf(2)), ("locked", pdf(1, "secret")), ("broken", PDF), ("picture", picture())):
        kept = actions.add_document(
            patient.id, file=uploads.check_file(content), category="identity", title=name, by=clerk
        )
        paths[name] = f"/patients/{patient.id}/files/{kept.id}"
    reader = desk("receptionist")
    first, second = (reader.get(f"{paths['good']}?page={number}").get_data(as_text=True) for number in (1, 9))
    assert "Page 1 of 2" in first
    assert "Page 2 of 2" in second
    assert "number=2" in second
    seen = reader.get(f"{paths['good']}/page?number=2")
    assert (seen.mimetype, seen.headers["Cache-Control"]) == ("image/jpeg", "no-store")
    with Image.open(BytesIO(seen.get_data())) as shown:
        assert shown.size == (1131, 1600)
    for name in ("locked", "broken"):
        assert "cannot be shown here" in reader.get(paths[name]).get_data(as_text=True)
    for address in ("good/page?number=3", "locked/page", "broken/page", "picture/page"):
        name, _slash, rest = address.partition("/")
        assert reader.get(f"{paths[name]}/{rest}").status_code == 404
    assert desk("cashier").get(f"{paths['good']}/page").status_code == 403
