"""The page of the queue slip: `@page` needs a length, and a slip longer than its page would print a second."""

from __future__ import annotations

import math

from hms.core.documents.printers import Printer

FIXED_SIZES = {Printer.A4: (210, 297), Printer.ROLL: (70, 35)}
"""Width and height in mm. The roll has the labels of folders and medicines."""
RECEIPT_WIDTH = 80

MARGINS_MM = 6
TOKEN_MM, BARCODE_MM, DAY_MM, AHEAD_MM, WAIT_MM, NOTE_MM, GAPS_MM = 20, 14, 6, 12, 12, 14, 20
NAME_LINE_MM, NAME_LETTERS = 6.6, 18
"""The patient's and the hospital's name: height of a line, and the letters that fit in one whatever they are."""
TEXT_LINE_MM, TEXT_LETTERS = 5.7, 26


def page_size(printer: Printer, *, names: tuple[str, ...], texts: tuple[str, ...]) -> tuple[int, int]:
    """Width and height of the page in mm; on the paper of receipts it is as long as its words."""
    return FIXED_SIZES.get(printer) or (RECEIPT_WIDTH, height_mm(names=names, texts=texts))


def height_mm(*, names: tuple[str, ...], texts: tuple[str, ...]) -> int:
    """The length of a slip with these lines of large letters (`names`) and of small ones (`texts`)."""
    fixed = MARGINS_MM + TOKEN_MM + BARCODE_MM + DAY_MM + AHEAD_MM + WAIT_MM + NOTE_MM + GAPS_MM
    large = sum(_lines(name, NAME_LETTERS) for name in names) * NAME_LINE_MM
    small = sum(_lines(text, TEXT_LETTERS) for text in texts) * TEXT_LINE_MM
    return math.ceil(fixed + large + small)


def _lines(text: str, letters: int) -> int:
    """How many lines a text takes at most: each of its words may be pushed to the next line."""
    count, room = 1, letters
    for word in text.split():
        if len(word) > room and room < letters:
            count, room = count + 1, letters
        while len(word) > room:
            count, room, word = count + 1, letters, word[room:]
        room -= len(word) + 1
    return count
