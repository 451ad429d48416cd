"""Names, birth dates, phone and hospital numbers, identity columns."""
