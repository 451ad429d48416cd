"""JSON: proposed changes of the safety rules, and their approval by a second pharmacist."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import func

from hms.core.api.blueprint import ApiSchema
from hms.core.api.pagination import paginated_response
from hms.core.api.preconditions import resource_response
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.web.fields import Text
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import DAYS, PAGING, Choice, Id, Ordering, filter_by_columns, ordered, parameters
from hms.formulary.models import RuleChange
from hms.formulary.rule_book import actions, queries, words
from hms.formulary.rule_book.actions import ProposedLine
from hms.formulary.rule_book.rules import MAX_CELL, MAX_REASON
from hms.formulary.safety.rule_lists import LISTS
from hms.pharmacy import exports
from hms.pharmacy.blueprints import api
from hms.staff.sign_in.reauthentication import reauthenticate

MAX_LINES = 200


class RuleLineIn(ApiSchema):
    """A line to add (without `key`), to change, or to retire (without `cells`). `keeps` says that the hospital's line stays,
    although the program brings another one."""

    list = fields.String(required=True, validate=validate.OneOf(list(LISTS)))
    key = Text(40, load_default=None, allow_none=True)
    cells = fields.Dict(keys=fields.String(), values=Text(MAX_CELL), load_default=None, allow_none=True)
    keeps = fields.Boolean(load_default=False)


class RuleChangeIn(ApiSchema):
    """A proposal. Without `source`, the source in the first line counts."""

    reason = Text(MAX_REASON, required=True, multiline=True)
    source = Text(MAX_REASON, load_default="")
    lines = fields.List(fields.Nested(RuleLineIn), required=True, validate=validate.Length(1, MAX_LINES))


class DeclineRulesIn(ApiSchema):
    reason = Text(MAX_REASON, required=True, multiline=True)


class ApproveRulesIn(ApiSchema):
    """`proof` is the person's password, or the present code of their second factor."""

    proof = Text(1024, required=True, blank=False)


class RuleChangeLineOut(ApiSchema):
    """One line, as it was and as it is to be; null where there is none."""

    list = fields.String()
    key = fields.String()
    title = fields.String()
    kind = fields.String()
    before = fields.Dict(allow_none=True)
    after = fields.Dict(allow_none=True)


class RuleChangeOut(ApiSchema):
    """A proposal. `version` is that of the rules that it made when it was approved. `lines` are left out in the list."""

    id = fields.Integer()
    status = fields.String()
    reason = fields.String()
    source = fields.String()
    proposed_by = fields.Integer()
    created_at = fields.DateTime()
    decided_by = fields.Integer(allow_none=True)
    decided_at = fields.DateTime(allow_none=True)
    note = fields.String()
    version = fields.String(allow_none=True)
    line_count = fields.Integer()
    lines = fields.List(fields.Nested(RuleChangeLineOut))


def change_json(change: RuleChange, line_count: int) -> dict[str, Any]:
    return {
        "id": change.id,
        "status": change.decision or "waiting",
        "reason": change.reason,
        "source": change.source,
        "proposed_by": change.proposed_by_id,
        "created_at": change.created_at,
        "decided_by": change.decided_by_id,
        "decided_at": change.decided_at,
        "note": change.decision_note,
        "version": f"{change.shipped_version}+{change.number}" if change.number else None,
        "line_count": line_count,
    }


def change_response(change: RuleChange, status: int = 200) -> Response:
    """The response with a proposal and its lines."""
    shown = queries.describe_lines(queries.list_lines(change.id))
    lines = [
        {
            "list": each.line.list_name,
            "key": each.line.key,
            "title": each.title,
            "kind": each.kind,
            "before": each.line.before,
            "after": each.line.after,
        }
        for each in shown
    ]
    version = change.decision or "waiting"
    return resource_response(change_json(change, len(lines)) | {"lines": lines}, version, status)


CHANGES = parameters(
    **PAGING,
    **DAYS,
    status=Choice(words.DECISION_LABELS),
    proposed_by=Id(),
    decided_by=Id(),
    ordering=Ordering(("id", "created_at", "decided_at")),
)


@api.get("/safety-rule-changes/")
@requires(Permission.READ_RULES)
@api.arguments(CHANGES, location="query")
@api.response(200, RuleChangeOut(many=True))
def rule_changes(arguments: dict[str, Any]) -> Response:
    """Proposals, newest first. Filters: status, proposed_by, decided_by, and date, date_from, date_to (days of the
    proposal)."""
    columns = {
        "status": func.coalesce(RuleChange.decision, "waiting"),
        "proposed_by": RuleChange.proposed_by_id,
        "decided_by": RuleChange.decided_by_id,
    }
    query = filter_by_columns(queries.select_changes(), arguments, on=RuleChange.created_at, **columns)
    sortable = {name: getattr(RuleChange, name) for name in ("created_at", "decided_at")}
    rows = ordered(query, arguments, RuleChange.id, **sortable)
    return paginated_response(rows, lambda row: change_json(row.RuleChange, row.line_count))


offer_export(api, rule_changes, exports.RULE_CHANGES, at="/safety-rule-changes/export/")


@api.get("/safety-rule-changes/<int:change_id>/")
@requires(Permission.READ_RULES)
@api.response(200, RuleChangeOut)
def get_rule_change(change_id: int) -> Response:
    """One proposal with its lines."""
    return change_response(queries.get_change(change_id))


@api.post("/safety-rule-changes/")
@requires(Permission.CHANGE_RULES)
@api.arguments(RuleChangeIn)
@api.response(201, RuleChangeOut)
def propose_rule_change(payload: dict[str, Any]) -> Response:
    """Propose to add, change or retire rules; another pharmacist approves or declines."""
    lines = [ProposedLine(each["list"], each["key"], each["cells"], each["keeps"]) for each in payload["lines"]]
    made = actions.propose(lines, reason=payload["reason"], source=payload["source"], by=current_person())
    return change_response(made, 201)


@api.post("/safety-rule-changes/<int:change_id>/approve/")
@requires(Permission.CHANGE_RULES)
@api.arguments(ApproveRulesIn)
@api.response(200, RuleChangeOut)
def approve_rule_change(payload: dict[str, Any], change_id: int) -> Response:
    """Approve another person's proposal with `proof`; the new version of the rules counts at once."""
    queries.get_change(change_id)
    reauthenticate(payload["proof"], by=current_person())
    return change_response(actions.approve(change_id, by=current_person()))


@api.post("/safety-rule-changes/<int:change_id>/decline/")
@requires(Permission.CHANGE_RULES)
@api.arguments(DeclineRulesIn)
@api.response(200, RuleChangeOut)
def decline_rule_change(payload: dict[str, Any], change_id: int) -> Response:
    """Decline another person's proposal, with a reason."""
    return change_response(actions.decline(change_id, reason=payload["reason"], by=current_person()))


@api.delete("/safety-rule-changes/<int:change_id>/")
@requires(Permission.CHANGE_RULES)
@api.response(204)
def withdraw_rule_change(change_id: int) -> tuple[str, int]:
    """Withdraw one's own proposal."""
    actions.withdraw(change_id, by=current_person())
    return "", 204
