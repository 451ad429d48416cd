"""Clinic hours, absences, free slots."""
