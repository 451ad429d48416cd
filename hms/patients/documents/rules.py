"""Rules of documents: what a file is by its content, and who reads which category."""

from __future__ import annotations

from datetime import date

from hms.core.errors import RuleBroken
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_
from hms.patients.enums import DocumentCategory

PDF, JPEG, PNG = "application/pdf", "image/jpeg", "image/png"
SIGNATURES = {b"%PDF-": PDF, b"\xff\xd8\xff": JPEG, b"\x89PNG\r\n\x1a\n": PNG}
ENDINGS = {PDF: "pdf", JPEG: "jpg", PNG: "png"}
MAX_TITLE_LENGTH = 150
MAX_REASON_LENGTH = 255
EARLIEST = date(1900, 1, 1)


def check_type(content: bytes, max_size: int, field: str) -> str:
    """The type of a file by its first bytes, whatever its name says; `RuleBroken` for another type, or one that is too large."""
    if not content:
        raise RuleBroken(N_("Choose a file."), field)
    if len(content) > max_size:
        raise RuleBroken(N_("The file is larger than %(most)s kB. Choose a smaller one."), field, most=max_size // 1000)
    for signature, mimetype in SIGNATURES.items():
        if content.startswith(signature):
            return mimetype
    raise RuleBroken(N_("Only PDF, JPEG and PNG files are taken."), field, code="type")


def check_category(category: str) -> DocumentCategory:
    """The category; `RuleBroken` for an unknown one, and for the photo, which has a page of its own."""
    if category not in set(DocumentCategory) or category == DocumentCategory.PHOTO:
        raise RuleBroken(N_("Choose the category."), "category")
    return DocumentCategory(category)


def clean_title(title: str) -> str:
    """The title as it is stored."""
    cleaned = clean_field(title, "title", longest=MAX_TITLE_LENGTH)
    if not cleaned:
        raise RuleBroken(N_("Enter the title."), "title")
    return cleaned


def check_day(dated_on: date | None, today: date) -> None:
    """Raise `RuleBroken` for the date of a document that is to come, or very old."""
    if dated_on is not None and not EARLIEST <= dated_on <= today:
        raise RuleBroken(N_("Check the date of the document."), "dated_on")
