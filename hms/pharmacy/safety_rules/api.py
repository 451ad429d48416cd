"""JSON: the safety rules in force."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from hms.core.api.blueprint import ApiSchema
from hms.core.api.pagination import paginated_response
from hms.core.api.preconditions import resource_response
from hms.core.api.small_lists import filter_rows, order_rows
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.web.guard import requires
from hms.core.web.localisation import translate
from hms.core.web.parameters import PAGING, Choice, Flag, Ordering, Search, parameters
from hms.formulary.rule_book import queries, words
from hms.formulary.safety.rule_lists import LISTS
from hms.pharmacy import exports
from hms.pharmacy.blueprints import api


class RuleOut(ApiSchema):
    """One rule. `key` names it for ever. `cells` are its columns as in the file of its list; `severity` is stop, caution, info
    or "" of a list of names; `source_state` is read, named, unconfirmed or none. `differs` says that the program brings another
    line than the hospital decided."""

    key = fields.String()
    list = fields.String()
    title = fields.String()
    text = fields.String()
    severity = fields.String()
    source = fields.String()
    address = fields.String()
    source_state = fields.String()
    is_retired = fields.Boolean()
    is_own = fields.Boolean()
    differs = fields.Boolean()
    version = fields.String()
    cells = fields.Dict(keys=fields.String(), values=fields.String())


def rule_json(rule: queries.ShownRule, version: str) -> dict[str, Any]:
    cells = rule.line.shown
    return {
        "key": rule.line.key,
        "list": rule.line.rule_list.name,
        "title": rule.title,
        "text": translate(words.text_of(rule.line)),
        "severity": rule.tier,
        "source": cells.get("source", ""),
        "address": cells.get("address", ""),
        "source_state": rule.source_state,
        "is_retired": rule.is_retired,
        "is_own": rule.line.is_own,
        "differs": rule.line.differs,
        "version": version,
        "cells": dict(cells),
    }


RULES = parameters(
    **PAGING,
    search=Search(),
    list=Choice(LISTS),
    severity=Choice(words.TIER_LABELS),
    source_state=Choice(words.SOURCE_LABELS),
    is_retired=Flag(),
    is_own=Flag(),
    differs=Flag(),
    ordering=Ordering(("title", "list", "severity", "source_state")),
)


@api.get("/safety-rules/")
@requires(Permission.READ_RULES)
@api.arguments(RULES, location="query")
@api.response(200, RuleOut(many=True))
def safety_rules(arguments: dict[str, Any]) -> Response:
    """The safety rules in force, in the order of their lists. `search` finds substances, also as members of a family;
    `is_retired`, `is_own` (the hospital decided about it) and `differs` (the program brings another) show others."""
    if not arguments.keys() & {"is_own", "differs"}:
        arguments = {"is_retired": False} | arguments
    found = queries.list_rules(
        arguments.get("search", ""),
        rule_list=arguments.get("list", ""),
        tier=arguments.get("severity", ""),
        source_state=arguments.get("source_state", ""),
        state=queries.EVERY,
    )
    found = filter_rows(
        found,
        arguments,
        is_retired=lambda rule: rule.is_retired,
        is_own=lambda rule: rule.line.is_own,
        differs=lambda rule: rule.line.differs,
    )
    read = {
        "title": lambda rule: rule.title.casefold(),
        "list": lambda rule: rule.line.rule_list.name,
        "severity": lambda rule: rule.tier or None,
        "source_state": lambda rule: rule.source_state,
    }
    version = queries.load_book().version
    rows = order_rows(found, arguments, lambda rule: (rule.place,), **read)
    return paginated_response(rows, lambda rule: rule_json(rule, version))


offer_export(api, safety_rules, exports.SAFETY_RULES, at="/safety-rules/export/")


@api.get("/safety-rules/<rule_key>/")
@requires(Permission.READ_RULES)
@api.response(200, RuleOut)
def safety_rule(rule_key: str) -> Response:
    """One rule, in force or retired."""
    version = queries.load_book().version
    return resource_response(rule_json(queries.get_rule(rule_key), version), version)
