"""Check-in, tokens, calling, and the status changes that a booking and its queue entry share."""
