"""Patients: demographics and allergies; search, registration and merging."""

from __future__ import annotations
