"""JSON: trying a proposed change of the safety rules on the prescriptions of the last month."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from hms.core.api.blueprint import ApiSchema
from hms.core.api.preconditions import resource_response
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.formulary.rule_book import queries
from hms.pharmacy.blueprints import api

from .actions import start_trial
from .trial_results import get_trial


class TrialExampleOut(ApiSchema):
    """A prescription of a record that is not restricted, with an alert more or less; nothing of the patient."""

    medicine = fields.String()
    signed_at = fields.DateTime()
    change = fields.String()
    severity = fields.String()
    title = fields.String()
    key = fields.String()


class TrialOut(ApiSchema):
    """A trial: `status` is none, waiting, done or failed. `severities` has for stop, caution and info how many alerts there
    would have been more and less on the `compared` prescriptions of the last 30 days; `is_cut` says that there were too many
    and the newest were taken."""

    status = fields.String()
    asked_at = fields.DateTime(allow_none=True)
    done_at = fields.DateTime(allow_none=True)
    compared = fields.Integer()
    is_cut = fields.Boolean()
    severities = fields.Dict()
    examples = fields.List(fields.Nested(TrialExampleOut))


def _trial_json(change_id: int) -> dict[str, Any]:
    trial = get_trial(change_id)
    examples = [
        {
            "medicine": each.medicine,
            "signed_at": each.signed_at,
            "change": each.change,
            "severity": each.tier,
            "title": each.title,
            "key": each.key,
        }
        for each in trial.examples
    ]
    return {
        "status": trial.state,
        "asked_at": trial.asked_at,
        "done_at": trial.done_at,
        "compared": trial.compared,
        "is_cut": trial.is_cut,
        "severities": trial.tiers,
        "examples": examples,
    }


@api.get("/safety-rule-changes/<int:change_id>/trial/")
@requires(Permission.READ_RULES)
@api.response(200, TrialOut)
def get_rule_trial(change_id: int) -> Response:
    """What a proposal would have done with the prescriptions of the last month."""
    queries.get_change(change_id)
    found = _trial_json(change_id)
    return resource_response(found, found["status"])


@api.post("/safety-rule-changes/<int:change_id>/trial/")
@requires(Permission.CHANGE_RULES)
@api.response(202, TrialOut)
def try_rule_change(change_id: int) -> Response:
    """Have the worker try a waiting proposal; ask for the result with GET."""
    start_trial(change_id, by=current_person())
    return resource_response(_trial_json(change_id), "waiting", 202)
