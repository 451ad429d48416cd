"""Bookings of the next days whose patients were not reached, and confirmation by phone."""
