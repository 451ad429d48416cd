"""JSON: all lists of safety rules as files, and a file as a proposal."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from flask import Response

from hms.core.api.blueprint import ApiSchema
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.fields import Text
from hms.core.web.guard import current_person, requires
from hms.core.web.request_bodies import MAX_BODY
from hms.formulary.rule_book.rules import MAX_REASON
from hms.pharmacy.blueprints import api

from .change_api import RuleChangeOut, change_response
from .rule_archive import make_archive, propose_file


class RuleFileIn(ApiSchema):
    """A ZIP with files of lists, or one such file, in base64. Each file is a whole list: a rule that it has not is retired."""

    content = Text(MAX_BODY, required=True, multiline=True)
    file_name = Text(255, load_default="rules.csv")
    reason = Text(MAX_REASON, required=True, multiline=True)
    source = Text(MAX_REASON, required=True)


@api.get("/safety-rules/files/")
@requires(Permission.READ_RULES)
@api.response(200, {"type": "string", "format": "binary"}, content_type="application/zip")
def safety_rule_files() -> Response:
    """A ZIP with the file of each list in force, in the format of the program's lists."""
    return make_archive(current_person())


@api.post("/safety-rules/files/")
@requires(Permission.CHANGE_RULES)
@api.arguments(RuleFileIn)
@api.response(201, RuleChangeOut)
def propose_rule_files(payload: dict[str, Any]) -> Response:
    """Propose every difference between a file and the lists in force; another pharmacist approves or declines. Lists that are
    not in the file stay as they are."""
    try:
        content = base64.b64decode(payload.pop("content"), validate=True)
    except (binascii.Error, ValueError):
        raise RuleBroken(N_("This is not base64."), "content") from None
    return change_response(propose_file(**payload, content=content, by=current_person()), 201)
