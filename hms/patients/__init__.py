"""Patients: who they are and what they are allergic to; found, registered and merged here."""

from __future__ import annotations
