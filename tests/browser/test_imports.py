"""Files. A list of patients in a browser without scripts: chosen, checked, corrected, imported and undone. With scripts the page
shows by itself that the work is done."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import expect
from sqlalchemy import select

from hms.core.background import outbox
from hms.core.db.session import db as database
from hms.patients.models import RecordDocument
from tests.browser.steps import ux
from tests.clinical.factories import a_patient

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LIST = "Given names,Family name,Sex,Date of birth\nAdama,Jalloh,F,27/3/1991\nBockarie,Momoh,M,31/2/1990\n"


def works(served, tab):
    """The worker does what waits; the page shows it when it is loaded again."""
    with served.app.app_context():
        while outbox.run_due() or outbox.run_long():
            pass
    tab.reload()
    expect(ux(tab, "import-stop")).to_have_count(0)


def chooses(served, tab, content):
    tab.goto("/imports/")
    tab.get_by_label("What the file contains").select_option("patients")
    tab.get_by_label("CSV or XLSX file").set_input_files(
        {"name": "patients.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    tab.get_by_role("button", name="Read the file").click()
    expect(tab.get_by_label("Date of birth", exact=True)).to_have_value("3")
    tab.get_by_role("button", name="Check the rows").click()
    works(served, tab)


def test_a_list_is_imported_and_its_errors_corrected(served, at_desk, axe):
    tab = at_desk("admin", java_script_enabled=False)
    chooses(served, tab, LIST)
    expect(ux(tab, "import-line")).to_contain_text("This date does not exist")
    looked_at = at_desk("admin")
    looked_at.goto(tab.url)
    assert axe(looked_at) == []
    with tab.expect_download() as download:
        ux(tab, "import-failed").click()
    failed = download.value.path().read_text(encoding="utf-8-sig")
    ux(tab, "import-run").click()
    works(served, tab)
    expect(tab.locator("main")).to_contain_text("Imported")

    chooses(served, tab, failed.replace("31/2", "28/2"))
    expect(ux(tab, "import-line")).to_have_count(0)
    ux(tab, "import-run").click()
    works(served, tab)
    tab.goto("/patients/?q=Momoh")
    expect(tab.locator("main")).to_contain_text("MOMOH, Bockarie")
    tab.goto("/imports/")
    ux(tab, "import-row").first.get_by_role("link").click()
    undoes(served, tab, looked_at)


def undoes(served, tab, looked_at):
    ux(tab, "import-undo").click()
    ux(tab, "import-undo").click()
    looked_at.goto(tab.url)
    expect(ux(looked_at, "import-stop")).to_be_visible()
    works(served, tab)
    expect(tab.locator("main")).to_contain_text("Undone")
    expect(looked_at.locator("main")).to_contain_text("Undone")  # without loading it again


def test_a_picture_of_a_phone_is_made_smaller_and_another_large_file_is_taken_out(served, at_desk, axe):
    with served.app.app_context():
        patient_id = a_patient().id
        database.session.remove()
    taken, sideways = BytesIO(), Image.Exif()
    sideways[0x0112] = 6
    Image.effect_noise((2600, 1800), 90).convert("RGB").save(taken, "JPEG", quality=95, exif=sideways)
    assert len(taken.getvalue()) > 3_000_000
    tab = at_desk("receptionist")
    tab.goto(f"/patients/{patient_id}/files")
    assert axe(tab) == []
    form = ux(tab, "file-form")
    form.get_by_label("File", exact=True).set_input_files(
        {"name": "scan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4" + bytes(1_500_000)}
    )
    said = "This file has 1,500 kB. At most 1,400 kB can be sent: choose a smaller one."
    expect(form.locator("output").first).to_have_text(said)
    assert form.get_by_label("File", exact=True).input_value() == ""
    form.get_by_label("Title").fill("Referral")
    form.get_by_label("Category").select_option(label="Identity document")
    form.get_by_label("Or a picture").set_input_files(
        {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": taken.getvalue()}
    )
    ux(tab, "file-save").click()  # at once: the form waits for the picture
    expect(ux(tab, "file-row")).to_contain_text("Referral")
    with served.app.app_context():
        stored = database.session.scalars(select(RecordDocument).filter_by(patient_id=patient_id)).one()
        with Image.open(BytesIO(stored.content)) as picture:
            assert picture.height > picture.width > 1000
        database.session.remove()
