"""Working hours, absences, free slots."""
