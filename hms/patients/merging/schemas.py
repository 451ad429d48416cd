"""JSON of merge requests."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from hms.core.api.blueprint import ApiSchema
from hms.core.web.fields import Pk, Text
from hms.patients.models import PatientMerge

from . import rules
from .moved_rows import Row, Separation
from .rules import MAX_REASON_LENGTH

MAX_ROWS = 10_000


class RowSchema(ApiSchema):
    """A row of a table that names the patient."""

    table = Text(63, required=True, blank=False)
    id = Pk(required=True)


class MergeIn(ApiSchema):
    """`merged` becomes a part of `kept`. `choices`: by field "kept" or "merged", whose value stays; by default the kept
    record's, unless it has none. `confirmed`: the differences ("sex", "birth_date", "death") that were checked."""

    kept = Pk(required=True)
    merged = Pk(required=True)
    reason = Text(MAX_REASON_LENGTH, required=True, blank=False)
    choices = fields.Dict(
        keys=fields.String(validate=validate.OneOf(list(rules.FIELDS))),
        values=fields.String(validate=validate.OneOf([rules.KEPT, rules.MERGED])),
        load_default=dict,
    )
    confirmed = fields.List(fields.String(validate=validate.OneOf(list(rules.MUST_BE_CONFIRMED))), load_default=list)


class SeparationIn(ApiSchema):
    """`rows`: those added since the merge that go to the merged record; the other ones stay."""

    reason = Text(MAX_REASON_LENGTH, required=True, blank=False)
    rows = fields.List(fields.Nested(RowSchema), load_default=list, validate=validate.Length(max=MAX_ROWS))


class MergeRefusalIn(ApiSchema):
    reason = Text(MAX_REASON_LENGTH, required=True, blank=False)


class MergeApprovalIn(ApiSchema):
    """`proof` is the person's password, or the present code of their second factor."""

    proof = Text(1024, required=True, blank=False)


class MergeOut(ApiSchema):
    id = fields.Integer()
    kind = fields.String()
    status = fields.String()
    kept = fields.Integer()
    merged = fields.Integer()
    undoes = fields.Integer(allow_none=True)
    reason = fields.String()
    choices = fields.Dict()
    confirmed = fields.List(fields.String())
    requested_by = fields.Integer()
    created_at = fields.DateTime()
    decided_by = fields.Integer(allow_none=True)
    decided_at = fields.DateTime(allow_none=True)
    note = fields.String()


class LaterRowsOut(ApiSchema):
    """Rows since a merge: `groups` go either way together, `follow` go to the merged record, `stay` with the kept one, and
    `tangled` belong to both, so that they must be corrected first."""

    groups = fields.List(fields.List(fields.Nested(RowSchema)))
    follow = fields.List(fields.Nested(RowSchema))
    stay = fields.List(fields.Nested(RowSchema))
    tangled = fields.List(fields.Nested(RowSchema))


def merge_json(request: PatientMerge) -> dict[str, Any]:
    return {
        "id": request.id,
        "kind": request.kind,
        "status": request.status,
        "kept": request.kept_id,
        "merged": request.merged_id,
        "undoes": request.undoes_id,
        "reason": request.reason,
        "choices": request.choices,
        "confirmed": request.confirmed,
        "requested_by": request.requested_by_id,
        "created_at": request.created_at,
        "decided_by": request.decided_by_id,
        "decided_at": request.decided_at,
        "note": request.decision_note,
    }


def later_rows_json(plan: Separation) -> dict[str, Any]:
    def of(rows: Any) -> list[dict[str, Any]]:
        return [Row(*row)._asdict() for row in sorted(rows)]

    groups = [of(group) for group in plan.groups]
    return {"groups": groups, "follow": of(plan.follows), "stay": of(plan.stays), "tangled": of(plan.tangled)}
