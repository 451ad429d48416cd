"""Files that tests import: chosen on the page, and worked on as the worker does."""

from __future__ import annotations

import io

from sqlalchemy import select

from hms.core.background import outbox
from hms.core.db.session import db as database
from hms.interop.models import ImportRow
from tests.page import Page, PageClient, words

ASKED = ("undo", "delete")
"""What is asked on a page of its own first."""


def work() -> None:
    """Do what waits for the worker."""
    while outbox.run_due() or outbox.run_long():
        pass


def upload(desk: PageClient, kind: str, content: str | bytes, name: str = "list.csv") -> str:
    """Choose a file on the page; returns the address of its import."""
    data = content.encode() if isinstance(content, str) else content
    answer = desk.form("/imports/", kind=kind, file=(io.BytesIO(data), name))
    assert answer.status_code == 303, words(answer.text)
    return answer.headers["Location"]


def states(address: str) -> dict[int, str]:
    """The state of each row, by its number in the spreadsheet."""
    rows = select(ImportRow.number, ImportRow.state).where(ImportRow.batch_id == int(address.rsplit("/", 1)[1]))
    return dict(database.session.execute(rows).all())


def do(desk: PageClient, address: str, what: str, **typed: str) -> str:
    """Press a button of the import, or answer its question, and let the worker work; returns what the page says then."""
    path = f"{address}/{what}"
    page = Page(desk.get(path if what in ASKED else address).text)
    form = next(form for form in page.forms if form["action"] == path)
    answer = desk.post(path, data={**form["fields"], **typed})
    assert answer.status_code == 303, words(answer.text)
    work()
    return words(desk.get(address).text)
