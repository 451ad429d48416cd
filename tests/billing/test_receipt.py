"""The till receipt: every line fits the paper, nothing is cut."""

from __future__ import annotations

import pytest

from hms.billing.documents import receipt_layout

SLIP = receipt_layout.Slip(
    hospital=("ST MARY'S HOSPITAL", "12 Hill Rd  022 123 456"),
    title="Receipt R-2026-000931",
    when="22-Nov-2026 10:41",
    clerk="Till 2  F. Koroma",
    patient="KAMARA, Kadiatu",
    hospital_number="HMS-000482-7",
    bill="Bill B-2026-004417",
    lines=(
        receipt_layout.ReceiptLine("Consultation OPD", 1, "150.00", "150.00"),
        receipt_layout.ReceiptLine("paracetamol 500 mg tablet with a very long name that goes on", 40, "0.50", "20.00"),
    ),
    sums=(("TOTAL SLE", "170.00"), ("Cash", "200.00"), ("Change", "30.00"), ("BALANCE", "0.00")),
    foot="Keep this receipt.",
)


@pytest.mark.parametrize("paper", receipt_layout.PAPER_ROLLS.values())
def test_every_line_fits_and_nothing_is_cut(paper):
    printed = receipt_layout.lines(SLIP, paper.columns) + receipt_layout.foot(SLIP, paper.columns)
    assert max(map(len, printed)) <= paper.columns
    words = " ".join(" ".join(printed).split())
    assert "a very long name that goes on" in words
    assert "Keep this receipt." in words
    assert "COPY" not in words


def test_the_wide_receipt_keeps_amounts_in_one_column():
    printed = receipt_layout.lines(SLIP, 42)
    assert printed[0] == "            ST MARY'S HOSPITAL"
    assert "Consultation OPD        1 x 150.00  150.00" in printed
    assert [line[-6:] for line in printed if line.startswith(("TOTAL", "Consultation"))] == ["150.00", "170.00"]
    assert all(len(line) == 42 for line in printed if line.startswith(("TOTAL", "Cash", "Consultation")))


def test_a_reprint_says_which_copy_it_is():
    from dataclasses import replace

    assert receipt_layout.foot(replace(SLIP, copy=2), 42)[-1].strip() == "COPY 2"


def test_the_paper_is_as_long_as_its_lines():
    short, long = receipt_layout.height_mm([""] * 10, []), receipt_layout.height_mm([""] * 20, [])
    assert 36 <= long - short <= 38
