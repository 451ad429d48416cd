"""Interop: records in from other systems and out to them (FHIR R4), and the offline sync."""

from __future__ import annotations
