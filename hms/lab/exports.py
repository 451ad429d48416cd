"""The lists of this desk as files."""

from __future__ import annotations

from typing import Any

from hms.core.exports.columns import Column, ExportTable, instant
from hms.core.text.translation import N_, Sentence
from hms.patients.exports import patient_columns
from hms.staff.directory import display_names

from .enums import OrderStatus
from .rules import FLAGS


def _result_lines(results: list[dict[str, Any]]) -> list[Sentence]:
    """The results that count: name, value, unit, and the flag in words."""
    return [_result_line(result) for result in results if result["is_current"]]


def _result_line(result: dict[str, Any]) -> Sentence:
    parts = {"name": result["parameter_name"], "value": f"{result['value_text']} {result['units']}".strip()}
    flag = result["abnormal_flag"]
    if flag not in FLAGS:
        return Sentence(N_("%(name)s: %(value)s"), **parts)
    return Sentence(N_("%(name)s: %(value)s (%(flag)s)"), **parts, flag=FLAGS[flag][1])


ORDERS = ExportTable(
    "lab-orders",
    N_("Laboratory tests"),
    (
        instant("order_date", N_("Ordered")),
        *patient_columns(),
        Column("test_code", N_("Code")),
        Column("test_name", N_("Test")),
        Column("is_urgent", N_("Urgent")),
        Column(
            "status",
            N_("Status"),
            words={
                OrderStatus.WAITING: N_("Waiting"),
                OrderStatus.DONE: N_("Done"),
                OrderStatus.CANCELLED: N_("Cancelled"),
            },
        ),
        Column("ordered_by", N_("Ordered by"), names=display_names),
        instant("done_at", N_("Done on")),
        Column("results", N_("Results"), read=_result_lines),
    ),
)
TESTS = ExportTable(
    "lab-tests",
    N_("Tests that can be ordered"),
    (
        Column("test_code", N_("Code")),
        Column("test_name", N_("Test")),
        Column("specimen_type", N_("Specimen")),
        Column("unit", N_("Unit")),
        Column("parameters", N_("Values")),
    ),
)
