"""JSON: which safety rules fired in a month, and how often the medicine was given all the same."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from hms.core.api.blueprint import ApiSchema
from hms.core.api.pagination import paginated_response
from hms.core.api.small_lists import order_rows
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.web.guard import requires
from hms.core.web.parameters import PAGING, Number, Ordering, TextLine, parameters
from hms.pharmacy import exports
from hms.pharmacy.blueprints import api

from . import alert_counts
from .alert_counts import AlertCount


class RuleAlertOut(ApiSchema):
    """What one rule did in one month. `key` is that of the rule, "" where the alerts come from no line of the lists; `check` is
    the check that they come from. An alert counts once in an encounter; `overridden` are those after which the medicine was
    signed all the same, `share` is in per cent, `reasons` counts the reasons that were given. `is_demotable`: proposed for a
    lower severity by the figures of the period."""

    month = fields.String()
    key = fields.String()
    check = fields.String()
    title = fields.String()
    severity = fields.String()
    shown = fields.Integer()
    overridden = fields.Integer()
    share = fields.Integer()
    reasons = fields.Dict(keys=fields.String(), values=fields.Integer())
    reason_words = fields.String()
    is_demotable = fields.Boolean()


ALERTS = parameters(
    **PAGING,
    month=TextLine(7),
    months=Number(1, alert_counts.MAX_MONTHS),
    ordering=Ordering(("shown", "overridden", "share", "title")),
)


@api.get("/safety-rule-alerts/")
@requires(Permission.READ_RULES)
@api.arguments(ALERTS, location="query")
@api.response(200, RuleAlertOut(many=True))
def safety_rule_alerts(arguments: dict[str, Any]) -> Response:
    """Alerts by rule and month, the newest month first. `month` like 2026-11 (default: the present one) is the last of
    `months` months (default 1, at most 12)."""
    month = alert_counts.read_month(arguments.get("month"))
    counts = alert_counts.count_alerts(month, arguments.get("months", 1))
    demotable = {each.key for each in alert_counts.find_demotable(counts)}
    places = {id(each): place for place, each in enumerate(counts)}
    read = {
        "shown": lambda each: each.shown,
        "overridden": lambda each: each.overridden,
        "share": lambda each: each.share,
        "title": lambda each: each.title.casefold(),
    }
    rows = order_rows(counts, arguments, lambda each: (places[id(each)],), **read)
    return paginated_response(rows, lambda each: _alert_json(each, is_demotable=each.key in demotable))


def _alert_json(count: AlertCount, *, is_demotable: bool) -> dict[str, Any]:
    return {
        "month": count.month,
        "key": count.key,
        "check": count.check,
        "title": count.title,
        "severity": count.rule.tier if count.rule else "",
        "shown": count.shown,
        "overridden": count.overridden,
        "share": count.share,
        "reasons": dict(count.reasons),
        "reason_words": count.reason_words,
        "is_demotable": is_demotable,
    }


offer_export(api, safety_rule_alerts, exports.RULE_ALERTS, at="/safety-rule-alerts/export/")
