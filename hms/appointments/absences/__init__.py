"""A doctor is away: what becomes of the appointments in that time."""
