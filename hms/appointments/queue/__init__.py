"""Check-in, tokens, calling, and the state changes that a booking and its queue entry share."""
