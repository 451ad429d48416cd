"""Messages to patients: what is waiting, what was sent, and how it ended."""
