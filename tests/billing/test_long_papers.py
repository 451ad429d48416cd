"""Papers at work: workers are ready before they take work, and a very long bill neither delays other papers nor needs much
memory."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys

import pytest
from pypdf import PdfReader
from sqlalchemy import func, insert, select, text

from hms.billing.bills import issuing
from hms.billing.bills.invoice_requests import MAX_SHORT_LINES
from hms.billing.documents import invoice
from hms.billing.models import PrintedDocument
from hms.core import clock
from hms.core.actions import action_context
from hms.core.background import outbox
from hms.core.db.session import db as database
from hms.core.person import SYSTEM
from hms.local.processes import wait_until
from tests.billing import factories
from tests.billing.conftest import ROOT, environment_of

pytestmark = pytest.mark.slow

WORKER = """
import json, os, sys
from pathlib import Path
from hms.billing.documents import invoice_paper
from hms.core.background import outbox, worker
from hms.core.documents import pdf
from wsgi import app

def note(what, imported=()):
    with Path(sys.argv[1]).open("a") as notes:
        print(json.dumps([what, os.getpid(), os.getppid(), sorted(imported)]), file=notes)

@pdf.sample_paper
def note_sample():
    note("sample")

@outbox.job("tests.paper")
def make_paper(_ref_id):
    before = set(sys.modules)
    invoice_paper.render_sample()
    note("job", set(sys.modules) - before)

with app.app_context():
    worker.run_worker(burst=True)
"""

LINES = 1_000
LONG_PAPER = """
import resource, sys
from pathlib import Path
from types import SimpleNamespace
from hms.billing.documents import invoice_paper
from hms.core.money import Money
from wsgi import app

def largest():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

with app.app_context():
    invoice_paper.render_sample()
    before, price = largest(), Money("1.50")
    lines = [SimpleNamespace(description=f"Item {n} end", quantity=1, unit_price=price, amount=price)
             for n in range(1, int(sys.argv[2]) + 1)]
    content = invoice_paper.render_invoice(lines, invoice_paper.sample_values())
    print(largest() - before)
    Path(sys.argv[1]).write_bytes(content)
"""
MAX_GROWTH = 110
"""MiB. One layout of so many lines needs about 150, parts about 75."""


def test_a_worker_renders_a_paper_before_it_takes_work_and_each_job_is_a_fork_of_it(hospital, tmp_path):
    with action_context("tests.ask", SYSTEM):
        outbox.enqueue("tests.paper", 1)
    notes = tmp_path / "notes"
    command = [sys.executable, "-c", WORKER, str(notes)]
    ended = subprocess.run(command, cwd=ROOT, env=environment_of(hospital), capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    (sample, worker, *_), (job, _fork, parent, imported) = map(json.loads, notes.read_text().splitlines())
    assert (sample, job) == ("sample", "job")
    assert parent == worker
    assert imported == [], "the job imports nothing more"


def test_short_papers_are_made_while_long_ones_are_in_the_way(hospital, worker):
    patient = factories.patient().id
    long_bills = [factories.draft(patient, *(["1.00"] * (MAX_SHORT_LINES + 1))) for _number in range(2)]
    short_bill = factories.draft(patient, "1.00")
    for bill in long_bills:
        issuing.issue(bill.id, by=SYSTEM)
    with database.engine.connect() as connection:
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        for bill in long_bills:  # an invoice that is being stored by somebody else stops the job that makes it
            row = {"kind": "invoice", "ref_id": bill.id, "edition": invoice.invoice_version(bill), "content": b""}
            connection.execute(insert(PrintedDocument).values(made_at=clock.now(), **row))
        worker()
        worker("--short")
        assert wait_until(lambda: _count(outbox.Outbox.attempts > 0) == 1, 90), "no worker began a long invoice"
        issuing.issue(short_bill.id, by=SYSTEM)
        assert wait_until(lambda: _count(outbox.Outbox.done_at.is_not(None)) == 1, 90), "the short one waits"
        done = select(outbox.Outbox.ref_id).where(outbox.Outbox.done_at.is_not(None))
        assert database.session.scalars(done).all() == [short_bill.id]
        connection.rollback()
    assert wait_until(lambda: _count(outbox.Outbox.done_at.is_not(None)) == 3, 120)


def _count(condition) -> int:
    database.session.rollback()
    return database.session.execute(select(func.count(outbox.Outbox.id)).where(condition)).scalar_one()


def test_a_bill_of_thousands_of_lines_is_one_paper_and_needs_little_memory(app, tmp_path):
    paper = tmp_path / "long.pdf"
    command = [sys.executable, "-c", LONG_PAPER, str(paper), str(LINES)]
    ended = subprocess.run(command, cwd=ROOT, env=environment_of(app), capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) < MAX_GROWTH
    reader = PdfReader(io.BytesIO(paper.read_bytes()))
    pages = [" ".join(page.extract_text().split()) for page in reader.pages]
    assert [number for page in pages for number in re.findall(r"Item (\d+) end", page)] == [
        str(number) for number in range(1, LINES + 1)
    ]
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in page
        assert "B-2000-000001" in page
    counts = [len(re.findall(r"Item \d+ end", page)) for page in pages]
    assert len(set(counts[1:-2])) == 1, "no page in the middle is shorter than others"
    assert counts[0] > counts[1] / 2
    assert ["BILL TO" in page for page in pages] == [True] + [False] * (len(pages) - 1)
    assert ["Balance SLE" in page for page in pages] == [False] * (len(pages) - 1) + [True]
    assert reader.metadata.title == "Invoice B-2000-000001"
    assert reader.trailer["/Root"]["/Lang"] == "en"
