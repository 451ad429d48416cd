"""All lists of safety rules as one file, and a file as a proposal; for the pages and for the API."""

from __future__ import annotations

from flask import Response

from hms.core.actions import action_context
from hms.core.audit import recording
from hms.core.person import Person
from hms.formulary.models import RuleChange
from hms.formulary.rule_book import actions, queries, rule_files

EXPORTED = "core.export_list"


def make_archive(who: Person) -> Response:
    """The ZIP with the file of each list in force. Records in the audit trail who took it."""
    book = queries.load_book()
    details = {"list": "safety-rules", "format": "zip", "rows": len(book.in_force()), "filters": {}}
    with action_context(EXPORTED, who):
        recording.record(EXPORTED, who, details=details)
    response = Response(rule_files.write_archive(book), mimetype="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="safety-rules-{book.version}.zip"'
    return response


def propose_file(*, file_name: str, content: bytes, reason: str, source: str, by: Person) -> RuleChange:
    """Propose every difference between the lists in a file and those in force; raises `RuleBroken` at `file`."""
    uploaded = rule_files.read_upload(file_name, content)
    lines = rule_files.find_differences(queries.load_book(), uploaded)
    return actions.propose(lines, reason=reason, source=source, by=by)
