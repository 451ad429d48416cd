"""What the hospital reads of bookings and the queue; each subject has its own file."""

from __future__ import annotations

from .board import ALL_ROWS, FIRST_ROWS, GROUPS, Counts, Entry, ahead_of, board, counts, entry, last_calls, present
from .dayboard import COLUMNS_SHOWN, Cell, Column, DayBoard, day_board
from .daylist import (
    Arrivals,
    Page,
    appointment,
    arrivals,
    day_list,
    expected,
    of_patient,
    who,
)
from .diary import (
    bookings_within,
    free_slots,
    next_clinic_day,
    next_free,
    presence_between,
)
from .weekboard import Half, WeekBoard, WeekOf, week_board, week_counts, week_of

__all__ = [
    "ALL_ROWS",
    "COLUMNS_SHOWN",
    "FIRST_ROWS",
    "GROUPS",
    "Half",
    "WeekBoard",
    "WeekOf",
    "week_board",
    "week_counts",
    "week_of",
    "Arrivals",
    "Cell",
    "Column",
    "Counts",
    "DayBoard",
    "Entry",
    "Page",
    "ahead_of",
    "appointment",
    "arrivals",
    "board",
    "bookings_within",
    "counts",
    "day_board",
    "day_list",
    "entry",
    "expected",
    "free_slots",
    "last_calls",
    "next_clinic_day",
    "next_free",
    "of_patient",
    "presence_between",
    "present",
    "who",
]
