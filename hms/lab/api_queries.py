"""Reads of orders with their results for the API, in one statement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.person import Person
from hms.patients.access import policy

from .models import LabOrder, LabResult

_ORDER, _RESULT = LabOrder.__table__.c, LabResult.__table__.c
_COLUMN_NAMES = ("id", "encounter_id", "patient_id", "test_code", "test_name", "status", "is_urgent", "ordered_by_id")
ORDERED_AT = _ORDER.ordered_at
STATUSES = ("waiting", "done", "cancelled")


def select_orders(who: Person) -> Select:
    """Select orders of records that `who` may read, newest first."""
    columns = (*(_ORDER[name] for name in _COLUMN_NAMES), _ORDER.ordered_at, _ORDER.done_at, _ORDER.version)
    rows = select(*columns, _results_json().label("results")).where(policy.readable_by(who, _ORDER.patient_id))
    return rows.order_by(_ORDER.id.desc())


def _results_json() -> Any:
    value = func.jsonb_build_object(
        *("id", _RESULT.id, "code", _RESULT.code, "parameter_name", _RESULT.title, "value_text", _RESULT.value),
        *("value_numeric", func.trim_scale(_RESULT.number).cast(db.Text), "units", _RESULT.unit),
        *("reference_range", _RESULT.range_text, "abnormal_flag", _RESULT.flag, "reason", _RESULT.reason),
        *("result_timestamp", _RESULT.entered_at),
    )
    inner = select(func.jsonb_agg(aggregate_order_by(value, _RESULT.id))).where(_RESULT.order_id == _ORDER.id)
    return func.coalesce(inner.scalar_subquery(), cast([], JSONB))


def get_order_row(order_id: int, who: Person) -> Any:
    """One row of `select_orders`; raises `NotFound`."""
    row = db.session.execute(select_orders(who).where(_ORDER.id == order_id)).one_or_none()
    if row is None:
        raise NotFound("No LabOrder matches the given query.")
    return row
