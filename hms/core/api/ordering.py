"""How the billing desk's endpoints refuse a withdrawal."""

from __future__ import annotations

from typing import Any

from hms.core.errors import Conflict, RuleBroken

from . import read_log

NO_REASON = "No reason was given: asked by DELETE through the API."
"""Kept as the reason of a DELETE that gives none: it says only how the request came."""


def seen_in_list(row: Any) -> tuple[str, read_log.Seen]:
    """What the trail notes of a row of a list of bills, their lines, payments or requests for approval."""
    return "billing.read_list", read_log.Seen(row.patient_id, row.id)


def or_conflict(act: Any) -> Any:
    """A withdrawal that the record's state forbids is a conflict, not a bad request."""
    try:
        return act()
    except RuleBroken as broken:
        raise Conflict.from_error(broken, broken.field, code=broken.code) from broken
