"""The consultation: encounters, vitals, diagnoses, prescriptions, notes."""

from __future__ import annotations
