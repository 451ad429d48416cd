"""Text: cleaning, dates, numbers, formatting, translation markers. Imports no Flask."""
