"""Appointments: clinic hours, bookings, check-in and the queue. It does not depend on encounters."""

from __future__ import annotations
