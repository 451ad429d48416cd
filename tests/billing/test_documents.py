import pytest
from flask import render_template
from sqlalchemy import text as sql

from hms.billing import document_numbers
from hms.billing.documents import invoice
from hms.billing.models import Bill
from hms.core.actions import action_context
from hms.core.documents.parts import Part
from hms.core.money import Money
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from tests.house.hospital import add, whole_record


def test_document_numbers():
    assert document_numbers.document_number("B", 2026, 4417) == "B-2026-004417"
    assert document_numbers.document_number("R", 2026, 931) == "R-2026-000931"
    assert document_numbers.document_number("C", 2027, 1_000_000) == "C-2027-1000000"


@pytest.mark.parametrize(
    ("series", "year", "n"), [("X", 2026, 1), ("b", 2026, 1), ("B", 26, 1), ("B", 2026, 0), ("B", 2026, -1)]
)
def test_invalid_document_numbers_raise_an_error(series, year, n):
    with pytest.raises(ValueError, match="no such"):
        document_numbers.document_number(series, year, n)


@pytest.mark.parametrize("text", ["B-2026-004417", "b-2026-004417", "B2026004417", " B 2026 004417 ", "b2026-004417"])
def test_a_typed_or_scanned_number_is_parsed(text):
    assert document_numbers.parse_document_number(text) == ("B", 2026, 4417)


@pytest.mark.parametrize(
    "text",
    ["", "B", "B-2026-4417", "X-2026-004417", "B-2026-000000", "B-2026-0004417", "HMS-000482-7", "\x00", "B" * 999],
)
def test_other_text_is_no_document_number(text):
    assert document_numbers.parse_document_number(text) is None


def test_every_number_reads_back():
    for n in (1, 9, 999_999, 1_000_000, 123_456_789):
        assert document_numbers.parse_document_number(document_numbers.document_number("R", 2031, n)) == ("R", 2031, n)


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("190.00", "One hundred and ninety Sierra Leonean leones"),
        ("0.00", "Zero Sierra Leonean leones"),
        ("1.00", "One Sierra Leonean leone"),
        ("0.50", "Zero Sierra Leonean leones and 50/100"),
        ("21.05", "Twenty-one Sierra Leonean leones and 05/100"),
        ("1005.00", "One thousand and five Sierra Leonean leones"),
        ("1250.00", "One thousand two hundred and fifty Sierra Leonean leones"),
        ("112000.00", "One hundred and twelve thousand Sierra Leonean leones"),
        ("-10.00", "Minus ten Sierra Leonean leones"),
        (
            "99999999.99",
            "Ninety-nine million nine hundred and ninety-nine thousand nine hundred and ninety-nine"
            " Sierra Leonean leones and 99/100",
        ),
    ],
)
def test_amounts_in_words(amount, words):
    assert document_numbers.amount_in_words(Money(amount), "SLE") == words


def test_different_amounts_have_different_words():
    assert len({document_numbers.amount_in_words(Money(n), "XOF") for n in range(20_000)}) == 20_000


def test_diagnosis_codes_are_printed_only_where_the_hospital_chose_it(app, db):
    """The setting, a signed encounter, an open record: each is needed, and each makes another edition."""
    known = whole_record()
    bill = add(Bill(patient_id=known["patient_id"], encounter_id=known["encounter_id"]))

    def printed() -> str:
        with app.test_request_context():
            part = Part([], 0, is_last=True)
            return render_template("billing/invoice.pdf.html", part=part, **invoice.invoice_content(bill))

    plain, edition = printed(), invoice.invoice_version(bill)
    assert "B54" not in plain
    settings.change_setting("clinical.show_diagnosis_on_bill", True, by=SYSTEM)
    settings.clear_cache()
    assert "Diagnosis codes" in printed()
    assert "B54" in printed()
    assert invoice.invoice_version(bill) != edition
    with action_context("tests.seed", SYSTEM):
        db.session.execute(sql("UPDATE patient SET is_restricted = true, restriction_reason = 'Staff'"))
    db.session.expire_all()
    assert "B54" not in printed()
    assert invoice.invoice_version(bill).endswith("-restricted")
