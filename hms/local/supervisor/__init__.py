"""Runs the hospital on one machine: `python -m hms.local.supervisor`."""
