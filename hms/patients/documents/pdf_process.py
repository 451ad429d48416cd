"""The process that reads one PDF: it comes on its standard input; the number of its pages, or the picture of one page, leaves on
its standard output. Whatever the PDF holds, this process ends with its memory and its time, and runs none of its scripts."""

from __future__ import annotations

import resource
import sys

import pypdfium2

MAX_MEMORY = 2**30
"""Bytes of address space."""
MAX_SECONDS = 10
"""Seconds of processor time."""
LONGEST_SIDE = 1600
"""Pixels of a picture."""
UNREADABLE = 78
"""The exit code for a PDF that is damaged or needs a password."""


def main(number: int) -> None:
    """Write the picture of page `number` as JPEG, or with 0 the number of pages."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    try:
        pdf = pypdfium2.PdfDocument(sys.stdin.buffer.read())
        if not number:
            sys.stdout.write(str(len(pdf)))
            return
        page = pdf[number - 1]
        picture = page.render(scale=LONGEST_SIDE / max(*page.get_size(), 1)).to_pil()
    except (pypdfium2.PdfiumError, IndexError, MemoryError, ValueError):
        sys.exit(UNREADABLE)
    picture.convert("RGB").save(sys.stdout.buffer, "JPEG", quality=80)


if __name__ == "__main__":
    main(int(sys.argv[1]))
