"""What the billing desk's endpoints read from a request: order, days; and how a withdrawal is refused."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy import Select

from hms.core import reading
from hms.core.errors import Conflict, RuleBroken
from hms.core.words import _

NO_REASON = "No reason was given: asked by DELETE through the API."
"""Kept as the reason of a DELETE that gives none: it says what was sent, and puts no words into anybody's mouth."""


def ordered(query: Select, columns: dict[str, Any], record_id: Any) -> Select:
    """`query` in the order asked for, newest first without one."""
    asked = request.args.get("ordering") or "-id"
    column = columns.get(asked.removeprefix("-"))
    if column is None:
        known = ", ".join(columns)
        raise RuleBroken(_("Order by %(columns)s, with - for the reverse."), "ordering", columns=known)
    ends = (column.desc(), record_id.desc()) if asked.startswith("-") else (column, record_id)
    return query.order_by(*ends)


def seen_in_list(row: Any) -> tuple[str, reading.Seen]:
    """What the trail notes of a row of a list of bills, their lines, payments or asks."""
    return "billing.read_list", reading.Seen(row.patient_id, row.id)


def or_conflict(act: Any) -> Any:
    """A withdrawal that the record's state forbids is a conflict, not a bad request."""
    try:
        return act()
    except RuleBroken as broken:
        raise Conflict.from_error(broken, broken.field, code=broken.code) from broken
