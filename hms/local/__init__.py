"""Runs the hospital on one machine: embedded database and queue servers, secrets, and the supervisor of `make run`."""

from __future__ import annotations
