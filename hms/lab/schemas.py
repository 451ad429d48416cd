"""JSON of requests and responses: tests, orders, results."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from hms.core.api.blueprint import ApiSchema
from hms.core.web.fields import Pk, Text

from .catalogue import LabTest
from .rules import MAX_TEXT_LENGTH


class TestOut(ApiSchema):
    test_code = fields.String()
    test_name = fields.String()
    specimen_type = fields.String()
    unit = fields.String()
    parameters = fields.List(fields.String())


class OrderIn(ApiSchema):
    """A test by its code, or by a name that matches one test. `patient` is optional: it is the encounter's patient."""

    encounter = Pk()
    encounter_id = Pk()
    patient = Pk(allow_none=True)
    patient_id = Pk(allow_none=True)
    test_code = Text(20)
    test_name = Text(255)
    is_urgent = fields.Boolean()


class ResultsIn(ApiSchema):
    """Values by test code; `reason` is required to change a saved value."""

    values = fields.Dict(keys=Text(20), values=Text(MAX_TEXT_LENGTH, multiline=True), required=True)
    reason = Text(500)


class ResultOut(ApiSchema):
    id = fields.Integer()
    code = fields.String()
    parameter_name = fields.String()
    value_text = fields.String()
    value_numeric = fields.String(allow_none=True)
    units = fields.String()
    reference_range = fields.String()
    abnormal_flag = fields.String()
    reason = fields.String()
    is_current = fields.Boolean()
    result_timestamp = fields.String()


class OrderOut(ApiSchema):
    id = fields.Integer()
    encounter = fields.Integer()
    patient = fields.Integer()
    test_code = fields.String()
    test_name = fields.String()
    status = fields.String()
    is_urgent = fields.Boolean()
    ordered_by = fields.Integer()
    order_date = fields.DateTime()
    done_at = fields.DateTime(allow_none=True)
    results = fields.List(fields.Nested(ResultOut))


def test_json(test: LabTest) -> dict[str, Any]:
    """A test of the catalogue; `parameters` are the codes of its values."""
    return {
        "test_code": test.code,
        "test_name": test.name,
        "specimen_type": test.specimen,
        "unit": test.printed_unit,
        "parameters": list(test.choices) if test.result == "panel" else [test.code],
    }


def order_json(row: Any) -> dict[str, Any]:
    """An order with its results in the order of entry; `is_current` is false for corrected ones."""
    newest = {result["code"]: result["id"] for result in row.results}
    return {
        "id": row.id,
        "encounter": row.encounter_id,
        "patient": row.patient_id,
        "test_code": row.test_code,
        "test_name": row.test_name,
        "status": row.status,
        "is_urgent": row.is_urgent,
        "ordered_by": row.ordered_by_id,
        "order_date": row.ordered_at,
        "done_at": row.done_at,
        "results": [result | {"is_current": newest[result["code"]] == result["id"]} for result in row.results],
    }
