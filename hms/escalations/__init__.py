"""Escalations: who is told of a critical value, after how many minutes, until a named person has read it back. Depends on
patients. The desks that find such a value begin and correct them."""

from __future__ import annotations
