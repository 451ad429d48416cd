"""Messages to patients on pages and in the API: what was sent to whom, and sending it again."""
