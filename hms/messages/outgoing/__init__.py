"""Messages by SMS and e-mail: what is waiting, what was sent, and how it ended."""
