"""All lists of safety rules as files: what is downloaded is what is in force, and a file becomes a proposal."""

from __future__ import annotations

import base64
import zipfile
from io import BytesIO
from typing import Any

import pytest

from hms.core.data_files import parse_rows
from hms.core.errors import RuleBroken
from hms.formulary.medicines import catalogue
from hms.formulary.rule_book import actions, current_rules, queries, rule_files
from hms.formulary.safety.rule_lists import LISTS
from hms.pharmacy.safety_rules.rule_archive import propose_file
from tests.page import words
from tests.staff import factories as staff

WHY = {"reason": "Yearly review", "source": "National guideline 2026"}


def packed(**lists: list[dict[str, str]]) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, rows in lists.items():
            archive.writestr(f"rules/{name}.csv", rule_files.write_list(LISTS[name], rows))
    return content.getvalue()


def test_what_is_downloaded_is_in_force_and_changes_nothing(db, desk, program):
    answer = desk("pharmacist").get("/pharmacy/rules/files/all")
    assert answer.data[:2] == program("doctor").get("/api/safety-rules/files/").data[:2] == b"PK"
    with zipfile.ZipFile(BytesIO(answer.data)) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    assert files.pop("rules_version.txt").strip() == catalogue.read_rules_version()
    shipped = catalogue.read_rule_rows()
    assert {name.removesuffix(".csv"): parse_rows(text, name) for name, text in files.items()} == shipped
    with pytest.raises(RuleBroken, match="Nothing would change"):
        propose_file(file_name="a.zip", content=answer.data, **WHY, by=staff.who("pharmacist"))
    assert desk("doctor").get("/pharmacy/rules/files").status_code == 403


def test_the_differences_of_a_file_are_one_proposal(db, desk, program):
    staff.account("pharmacist2", "pharmacist")
    rows = catalogue.read_rule_rows()
    gone, first, *others = rows["kidney"]
    changed = {**first, "advice": "Ask the pharmacist."}
    new = {"name": "madeupamine", "aliases": "madeup", "rxnorm": ""}
    added = {**others[0], "medicine": "madeupamine", "source": "source to be confirmed", "address": ""}
    content = packed(kidney=[changed, *others, added], substances=[*rows["substances"], new])
    body = {"content": base64.b64encode(content).decode(), **WHY}
    made = program("pharmacist").post("/api/safety-rules/files/", json=body)
    kinds = [line["kind"] for line in made.get_json()["lines"]]
    assert (made.status_code, sorted(kinds)) == (201, ["add", "add", "change", "retire"])
    page = words(desk("pharmacist2").get(f"/pharmacy/rules/changes/{made.get_json()['id']}").get_data(as_text=True))
    assert "Ask the pharmacist." in page
    assert current_rules.load_knowledge().version == catalogue.read_rules_version()
    actions.approve(made.get_json()["id"], by=staff.who("pharmacist2"))
    book = queries.load_book()
    kidney = [dict(cells) for _key, cells in book.rows()["kidney"]]
    assert gone not in kidney
    assert all(line in kidney for line in (changed, added))
    assert [rule.title for rule in queries.list_rules("madeup", rule_list="kidney")] == ["madeupamine"]
    with pytest.raises(RuleBroken, match="Nothing would change"):
        propose_file(file_name="x.zip", content=rule_files.write_archive(book), **WHY, by=staff.who("pharmacist"))


def test_a_file_that_is_not_right_is_refused_in_words(db):
    kidney = catalogue.read_rule_rows()["kidney"]
    text = rule_files.write_list(LISTS["kidney"], kidney)
    wrong = rule_files.write_list(LISTS["kidney"], [kidney[0], {**kidney[1], "tier": "fatal"}])
    twice = rule_files.write_list(LISTS["kidney"], [kidney[0], kidney[0]])
    bomb = BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("kidney.csv", "x" * (rule_files.MAX_FILE + 1))
    refused: dict[str, Any] = {
        "Choose the file.": b"",
        "cannot be read": b"PK not a zip",
        "is too large": bomb.getvalue(),
        "is not whole": text[:-9].encode(),
        "has not the columns": b"a,b\n1,2\n# 1 rows\n",
        "kidney.csv, row 3, column “tier”": wrong.encode(),
        "row 3: this rule stands in the file twice": twice.encode(),
        "no list of rules": packed(),
    }
    for message, content in refused.items():
        with pytest.raises(RuleBroken, match=message) as refusal:
            propose_file(file_name="kidney.csv", content=content, **WHY, by=staff.who("pharmacist"))
        assert refusal.value.field == "file"
    family = [row for row in catalogue.read_rule_rows()["interaction_families"] if row["code"] != "qt_prolonging"]
    with pytest.raises(RuleBroken) as refusal:
        propose_file(file_name="f.zip", content=packed(interaction_families=family), **WHY, by=staff.who("pharmacist"))
    assert refusal.value.code == "still_named"
