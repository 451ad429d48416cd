"""Booking, moving, lists."""
