"""Every list can be exported by those who see it, with the rows they see; or it is named here with the reason why not."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

import pytest

from hms.core.exports.registry import offers
from tests.conftest import ROLES
from tests.house.hospital import whole_record
from tests.house.test_parameters import _lists

pytestmark = [pytest.mark.slow, pytest.mark.security("K")]

OF_THE_API = {
    "/api/patients/lookalikes/": "a few similar records for one registration",
    "/api/waiting-list/freed-places/": "places with those who wait for them; the waiting list has an export",
    "/api/calendar/": "counts of days, made anew for each month",
    "/api/order_sets/": "the few sets that a person may use, as texts",
    "/api/audit_logs/": "the older address of /api/audit-logs/",
    "/api/imports/": "files that were imported, of which each offers its rows with errors as a file",
    "/api/system-settings/": "configuration, not records",
    "/api/system-settings/public/": "configuration, not records",
}
"""Lists of the API without an export. Lists below one record (`/api/patients/<id>/…`) are parts of that record."""


GROWING = "/api/audit-logs/"
"""Each request of the test adds entries; tests/admin/test_trail.py looks at its file."""


def _at(rule: Any) -> str:
    return f"{rule.rule.rstrip('/')}/export/"


def test_every_list_of_the_api_has_an_export(app):
    known = {rule.rule for rule in app.url_map.iter_rules()}
    lists = [rule for rule, _declared in _lists(app) if not rule.arguments]
    missing = [rule.rule for rule in lists if _at(rule) not in known and rule.rule not in OF_THE_API]
    assert missing == [], "Offer the list (core/exports/registry.py), or name it here with the reason."
    assert len(lists) > 30


def _lines(answer: Any) -> list[list[str]]:
    return list(csv.reader(StringIO(answer.get_data().decode("utf-8-sig"), newline="")))


def test_a_file_has_the_rows_of_the_list_for_each_role(app, program, desk):
    """For each role and list: refused on both addresses, or as many rows as the list, in the columns that are declared."""
    for number in range(2):
        whole_record(f"Filed{number}", days_ago=number)
    of = {offer.view.__name__: offer for offer in offers.values()}
    lists = [(rule, of.get(rule.endpoint.rpartition(".")[2])) for rule, _declared in _lists(app) if not rule.arguments]
    wrong, files = [], 0
    for role in ROLES:
        client, page = program(role), desk(role)
        for rule, offer in lists:
            if offer is None or rule.rule in (GROWING, *OF_THE_API):
                continue
            answers = client.get(_at(rule)), page.get(f"/exports/{offer.table.name}")
            if answers[0].status_code == 200:
                files += 1
                listed = client.get(f"{rule.rule}?page_size=100").get_json()
                wrong += [
                    f"{role} {_at(rule)}: {fault}" for fault in _faults(offer.table, listed, *map(_lines, answers))
                ]
            elif [answer.status_code for answer in answers] != [403, 403]:
                wrong.append(f"{role} {_at(rule)}: {answers}")
    assert wrong == []
    assert files > 100


def _faults(table: Any, page: dict[str, Any], lines: list[list[str]], shown: list[list[str]]) -> list[str]:
    listed, count = page["results"], page["count"]
    unknown = {column.field for column in table.columns} - {name for row in listed for name in row}
    labels = [column.label for column in table.columns if column.field not in unknown or not listed]
    faults = {
        f"{len(lines) - 1} rows of {count}": len(lines) - 1 != count,
        f"headings {lines[0]}, not {labels}": [label for label in lines[0] if label != "Currency"] != labels,
        "lines of different lengths": {len(line) for line in lines} != {len(lines[0])},
        "the page's file differs": lines != shown,
    }
    return [fault for fault, is_wrong in faults.items() if is_wrong]


PAGES = {
    "/admin/failed-jobs": "work to repeat, not records",
    "/appointments/sheet": "a paper; the list of appointments has an export",
    "/appointments/week": "a board; the list of appointments has an export",
    "/appointments/month": "a board; the list of appointments has an export",
    "/imports/": "files that were imported, of which each offers its rows with errors as a file",
    "/find": "the first rows of a search; the list of patients has an export",
    "/pharmacy/receive": "a form with a line for each batch",
    "/": "the first rows of lists that have an export of their own",
    "/note-templates": "one's own texts",
    "/note-templates/hospital": "the hospital's texts for notes",
    "/offline-entries": "one's own entries that are to be corrected",
    "/patients/withdrawn": "records that were made by mistake, to be restored one by one",
    "/profile": "one's own account",
    "/profile/role": "one's own requests",
    "/profile/security": "one's own sessions",
    "/profile/sign-ins": "one's own sign-ins",
}
"""Pages with a table and without an export. An empty table is a scroller too."""


def test_every_page_with_a_list_has_an_export(app, desk):
    whole_record("Shown")
    paths = {rule.rule for rule in app.url_map.iter_rules() if "GET" in rule.methods and not rule.arguments}
    paths -= {path for path in paths if path.startswith(("/api/", "/static", "/dev", "/exports/", "/logout"))}
    listed, offered = set(), set()
    for role in ("admin", "doctor", "pharmacist", "lab"):
        client = desk(role)
        for path in sorted(paths | {"/appointments/?view=list", "/notifications?show=all"}):
            answer = client.get(path)
            page = answer.get_data(as_text=True) if answer.mimetype == "text/html" else ""
            if answer.status_code == 200 and "<h1" in page:
                listed |= {path} if 'class="scroller"' in page else set()
                offered |= {path} if 'data-export="' in page else set()
    missing = listed - offered - set(PAGES)
    assert sorted(missing) == [], "Put export_menu(…) into the head of the page, or name it here with the reason."
    assert len(listed & offered) > 20
