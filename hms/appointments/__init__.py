"""Appointments: doctors' hours, bookings, arrivals and the queue. Knows nothing of what is written in an encounter."""

from __future__ import annotations
