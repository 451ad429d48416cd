"""Clinical desk: encounters, vitals, diagnoses, prescriptions, note templates."""

from __future__ import annotations
