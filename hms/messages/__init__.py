"""Messages: a person's notifications; leans on staff."""
