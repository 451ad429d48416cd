"""A list of patients in a browser without scripts: chosen, checked, corrected, imported and undone. With scripts the page
shows by itself that the work is done."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from hms.core.background import outbox
from tests.browser.steps import ux

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
