"""Recurring bookings: one booking repeated every few days or weeks."""
