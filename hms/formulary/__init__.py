"""Formulary: medicines with their strengths, usual doses, allergy classes and interactions."""

from __future__ import annotations
