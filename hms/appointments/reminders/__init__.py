"""Messages about appointments: reminders, and what was booked, moved or cancelled."""
