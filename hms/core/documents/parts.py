"""Renders a paper with a long table in parts, so that the memory needed does not grow with the length of the table.

WeasyPrint keeps the layout of a whole document in memory (about 120 KB for each row). Each part is a document of its own; the
pages of all parts make one PDF.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from . import pdf

MAX_ROWS = 300
"""Rows of one part."""


@dataclass(frozen=True)
class Part:
    """Some rows of the paper's table. `offset` rows are in the parts before.

    The template gives row n of the table (counted from 1) the id `row-n`. It prints "page n of m" only when the part
    `is_whole`; `numbers_template` prints it otherwise.
    """

    rows: Sequence[Any]
    offset: int
    is_last: bool

    @property
    def is_first(self) -> bool:
        return self.offset == 0

    @property
    def is_whole(self) -> bool:
        return self.is_first and self.is_last


def render_in_parts(template: str, numbers_template: str, rows: Sequence[Any], **context: Any) -> bytes:
    """The PDF of `template`, which gets each `Part` of `rows` as `part`.

    `numbers_template` has `page_count` empty pages with their numbers; they are laid over the pages of a paper with several
    parts, because the number of pages is known only at the end.
    """
    if len(rows) <= MAX_ROWS:
        return pdf.render_pdf(template, part=Part(rows, 0, is_last=True), **context)
    from pypdf import PdfReader, PdfWriter  # 11 MB that a web process does not need

    parts = _parts(template, rows, context)
    writer = PdfWriter(clone_from=BytesIO(next(parts)))  # with the title and language of the first part
    for part in parts:
        writer.append(BytesIO(part))
    numbers = pdf.render_pdf(numbers_template, page_count=len(writer.pages), **context)
    for page, number in zip(writer.pages, PdfReader(BytesIO(numbers)).pages, strict=True):
        page.merge_page(number)
        page.compress_content_streams()
    result = BytesIO()
    writer.write(result)
    return result.getvalue()


def _parts(template: str, rows: Sequence[Any], context: dict[str, Any]) -> Iterator[bytes]:
    """The PDF of each part. The last page of a part is mostly not full: its rows begin the next part instead."""
    offset = 0
    while offset < len(rows):
        end = offset + MAX_ROWS
        part = Part(rows[offset:end], offset, is_last=end >= len(rows))
        document = pdf.lay_out(template, part=part, **context)
        pages, next_offset = document.pages, offset + len(part.rows)
        if not part.is_last and len(pages) > 1:
            next_offset = _first_row(pages[-1]) - 1
            pages = pages[:-1]
        for page in pages:
            page.anchors.clear()  # else each row is an entry in the PDF's table of targets
        yield document.copy(pages).write_pdf()
        offset = next_offset


def _first_row(page: Any) -> int:
    return min(int(name.removeprefix("row-")) for name in page.anchors if name.startswith("row-"))
