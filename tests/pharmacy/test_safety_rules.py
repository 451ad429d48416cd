"""The safety rules: browsing, changing by two pharmacists, versions, and what the checks then use."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from hms.core.actions import action_context
from hms.core.db.session import db as database
from hms.core.errors import Conflict, DomainError, NotFound
from hms.core.person import SYSTEM
from hms.formulary.medicines import catalogue
from hms.formulary.models import RuleChange, RuleChangeLine
from hms.formulary.rule_book import actions, current_rules, queries, rules
from hms.formulary.rule_book.actions import ProposedLine
from hms.formulary.safety.checks import medicine_from_text
from hms.formulary.safety.interaction_check import check_interactions
from hms.formulary.safety.other_checks import CurrentMedicine
from hms.formulary.safety.rule_lists import LISTS
from tests.conftest import PASSWORD
from tests.page import Page, said, words
from tests.staff import factories as staff

PAIR = {
    "first": "metformin",
    "second": "zinc sulfate",
    "tier": "stop",
    "routes": "",
    "mechanism": "made up",
    "effect": "It harms.",
    "advice": "Choose another one.",
    "source": "source to be confirmed",
    "address": "",
}
STATINS = {"first": "class:protease_inhibitors", "second": "class:statins_3a4"}
WHY = {"reason": "The guideline changed", "source": "National guideline 2026, section 4"}


@pytest.fixture
def two(db: Any) -> tuple[Any, Any]:
    staff.account("pharmacist2", "pharmacist", last_name="Second")
    return staff.who("pharmacist"), staff.who("pharmacist2")


def key_of(**cells: str) -> str:
    """The key of the first line of a list that has these cells."""
    return next(
        rule.line.key
        for rule in queries.list_rules()
        if all(rule.line.shown.get(name) == value for name, value in cells.items())
    )


def read_again() -> None:
    for kept in (current_rules._read_book, current_rules._read_knowledge):
        kept.cache_clear()


def tier_of_pair(one: str, two: str) -> str:
    known = current_rules.load_knowledge()
    medicines = [medicine_from_text(name, known) for name in (one, two)]
    alerts = check_interactions(medicines[0], [CurrentMedicine(medicines[1])], known).alerts
    return alerts[0].tier if alerts else ""


def refused(run: Any, field: str | None = None) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        run()
    assert refusal.value.field == field
    return refusal.value


def test_every_line_of_the_program_passes_the_rules_and_no_other_key_has_it():
    rows = {
        name: [(LISTS[name].key_of(row), row) for row in lines] for name, lines in catalogue.read_rule_rows().items()
    }
    names = rules.Names(rows)
    for name, lines in rows.items():
        assert len({key for key, _cells in lines}) == len(lines)
        for _key, cells in lines:
            assert rules.clean_line(LISTS[name], cells, names) == cells
    assert rules.find_dangling(rows) == []
    rules.check_groups(rows)
    known = catalogue.load_knowledge()
    assert len(known.keys) == sum(map(len, rows.values())) - len(rows["harmless"])


@pytest.mark.parametrize(
    ("list_name", "wrong", "field"),
    [
        ("interactions", {"first": "metfromin"}, "first"),
        ("interactions", {"first": "class:metformin"}, "first"),
        ("interactions", {"tier": "fatal"}, "tier"),
        ("interactions", {"effect": " "}, "effect"),
        ("interactions", {"address": "javascript:alert(1)"}, "address"),
        ("interactions", {"address": "https://example.org/a"}, "source"),
        ("interactions", {"other": "x"}, "other"),
        ("interactions", {"advice": "x" * 2001}, "advice"),
        ("dose_limits", {"most": "", "most_per_kg": ""}, "most"),
        ("dose_limits", {"most": "1e9"}, "most"),
        ("dose_limits", {"most": "-1"}, "most"),
        ("dose_limits", {"routes": "oral;space"}, "routes"),
        ("dose_limits", {"kind": "course", "over_days": ""}, "over_days"),
        ("dose_limits", {"over_days": "1.5"}, "over_days"),
        ("combinations", {"parts": "metformin;warfarin"}, "parts"),
        ("illnesses", {"codes": "", "words": ""}, "codes"),
        ("high_alert", {"substances": "", "classes": ""}, "substances"),
        ("allergy_classes", {"is_allergy_class": "no"}, "same_class_tier"),
        ("allergy_cross", {"recorded": "qt_prolonging"}, "recorded"),
        ("harmless", {"harmless_with": "paracetamol;nobody"}, "harmless_with"),
        ("interaction_families", {"code": "Big Letters"}, "code"),
    ],
)
def test_a_wrong_cell_is_refused_at_its_column(list_name, wrong, field):
    rows = {
        name: [(LISTS[name].key_of(row), row) for row in lines] for name, lines in catalogue.read_rule_rows().items()
    }
    cells = PAIR if list_name == "interactions" else rows[list_name][0][1]
    refused(lambda: rules.clean_line(LISTS[list_name], {**cells, **wrong}, rules.Names(rows)), field)


def test_a_change_counts_when_another_pharmacist_approves_it(two, desk, program):
    first, second = two
    shipped = catalogue.read_rules_version()
    assert tier_of_pair("metformin", "zinc sulfate") == ""
    made = actions.propose([ProposedLine("interactions", cells=PAIR)], reason="Seen twice", by=first)
    assert (made.source, current_rules.load_knowledge().version) == ("source to be confirmed", shipped)
    refused(lambda: actions.approve(made.id, by=first))
    assert isinstance(
        refused(lambda: actions.propose([ProposedLine("interactions", cells=PAIR)], reason="Again", by=second)),
        Conflict,
    )
    assert actions.approve(made.id, by=second).number == 1
    assert current_rules.load_knowledge().version == f"{shipped}+1"
    assert tier_of_pair("metformin", "zinc sulfate") == tier_of_pair("zinc sulfate", "metformin") == "stop"
    for decide in (lambda: actions.approve(made.id, by=second), lambda: actions.withdraw(made.id, by=first)):
        assert refused(decide).code == "decided"
    key = key_of(first="metformin", second="zinc sulfate")
    changed = actions.propose([ProposedLine("interactions", key, {**PAIR, "tier": "info"})], **WHY, by=second)
    actions.approve(changed.id, by=first)
    assert tier_of_pair("metformin", "zinc sulfate") == "info"
    _retire(key, first, second)
    assert tier_of_pair("metformin", "zinc sulfate") == ""
    assert current_rules.load_knowledge().version == f"{shipped}+3"
    assert queries.get_rule(key).is_retired
    _compare_versions(shipped, key, desk, program)


def _retire(key, first, second):
    gone = actions.propose([ProposedLine("interactions", key)], **WHY, by=first)
    actions.decline(gone.id, reason="It harms", by=second)
    gone = actions.propose([ProposedLine("interactions", key)], **WHY, by=first)
    actions.withdraw(gone.id, by=first)
    gone = actions.propose([ProposedLine("interactions", key)], **WHY, by=first)
    actions.approve(gone.id, by=second)


def _compare_versions(shipped, key, desk, program):
    versions = words(desk("pharmacist").get("/pharmacy/rules/changes?show=versions").get_data(as_text=True))
    assert all(
        part in versions for part in (f"{shipped}+3", "Retire: metformin + zinc sulfate", "Stop → For information")
    )
    page = words(desk("doctor").get(f"/pharmacy/rules/{key}").get_data(as_text=True))
    assert ("This rule was retired" in page, "Use again" in page) == (True, False)
    listed = program("pharmacist").get("/api/safety-rule-changes/?status=approved&ordering=id").get_json()
    assert [row["version"] for row in listed] == [f"{shipped}+{number}" for number in (1, 2, 3)]
    assert program("doctor").get(f"/api/safety-rules/{key}/").get_json()["is_retired"] is True


def test_what_cannot_be(two):
    first, second = two
    propose = actions.propose
    key = key_of(**STATINS)
    kept = dict(queries.get_rule(key).line.shown)
    family = key_of(code="statins_3a4")

    def line(*of: Any, **more: Any) -> Any:
        return lambda: propose([ProposedLine(*of, **more)], **WHY, by=first)

    assert refused(line("interactions", key, kept)).code == "no_change"
    assert refused(line("interactions", key, keeps=True)).code == "no_change"
    assert refused(line(queries.get_rule(family).line.rule_list.name, family)).code == "still_named"
    refused(line("interactions", None, {**kept, "first": kept["second"], "second": kept["first"]}), "first")
    assert isinstance(refused(line("kidney", key)), NotFound)
    assert isinstance(refused(line("nothing", None, {})), NotFound)
    assert isinstance(refused(line("interactions", "000000000000")), NotFound)
    refused(lambda: propose([ProposedLine("interactions", key)], reason=" ", source="x", by=first), "reason")
    refused(lambda: propose([ProposedLine("interactions", key)], reason="x", source="", by=first), "source")
    assert refused(lambda: propose([], **WHY, by=first)).code == "no_change"
    for person in ("doctor", "admin"):
        with pytest.raises(DomainError):
            propose([ProposedLine("interactions", key)], **WHY, by=staff.who(person))


def test_the_database_wants_two_people_and_keeps_what_was_proposed(two):
    first, second = two
    key = key_of(**STATINS)
    made = actions.propose([ProposedLine("interactions", key)], **WHY, by=first)
    assert isinstance(refused(lambda: actions.withdraw(made.id, by=second)), NotFound)
    refused(lambda: actions.decline(made.id, reason=" ", by=second), "reason")
    for statement in (
        "UPDATE rule_change SET decision = 'approved', number = 1, decided_at = now(), decided_by_id = proposed_by_id",
        "UPDATE rule_change SET reason = 'Another one'",
        "DELETE FROM rule_change",
        "UPDATE rule_change_line SET after = '{}'",
    ):
        with pytest.raises(DomainError), action_context("tests.seed", first):
            database.session.execute(text(statement))
    for person, row in (
        (second, RuleChangeLine(change_id=made.id, list_name="kidney", key="x", after={"a": "b"})),
        (SYSTEM, RuleChange(reason="x", source="x", proposed_by_id=first.id)),
    ):
        with pytest.raises(DomainError), action_context("tests.seed", person):
            database.session.add(row)


def test_own_lines_win_over_a_later_list_of_the_program(two, desk, monkeypatch):
    first, second = two
    key = key_of(**STATINS)
    own = {**queries.get_rule(key).line.shown, "advice": "Stop the statin for the course."}
    made = actions.propose([ProposedLine("interactions", key, own)], **WHY, by=first)
    actions.approve(made.id, by=second)
    later = {name: [dict(row) for row in rows] for name, rows in catalogue.read_rule_rows().items()}
    for row in later["interactions"]:
        if LISTS["interactions"].key_of(row) == key:
            row["advice"] = "Use azithromycin."
        if row["first"] == "rifampicin" and row["second"] == "class:protease_inhibitors":
            row["advice"] = "New words."
    monkeypatch.setattr(catalogue, "read_rule_rows", lambda: later)
    read_again()
    rule = queries.get_rule(key)
    assert (rule.line.shown["advice"], rule.line.differs) == ("Stop the statin for the course.", True)
    assert queries.get_rule(key_of(advice="New words.")).line.differs is False
    assert [each.line.key for each in queries.list_rules(state="differs")] == [key]
    page = desk("pharmacist")
    assert "the program brings another one" in words(page.get(f"/pharmacy/rules/{key}").get_data(as_text=True))
    told = said(page, f"/pharmacy/rules/{key}/difference", choice="keep", **WHY)
    assert "The change counts when a second pharmacist approves it" in told
    kept = queries.list_changes("waiting", before=None, limit=1)[0]
    actions.approve(kept.id, by=second)
    rule = queries.get_rule(key)
    assert (rule.line.shown["advice"], rule.line.differs) == ("Stop the statin for the course.", False)
    read_again()


def test_the_pages_show_find_and_guard(two, desk):
    page, key = desk("pharmacist"), key_of(**STATINS)
    assert "Source to be confirmed" in words(page.get("/pharmacy/rules").get_data(as_text=True))
    found = words(page.get("/pharmacy/rules?search=simvastatin+ritonavir&tier=stop").get_data(as_text=True))
    assert "HIV protease inhibitor + statin cleared by CYP3A4" in found
    path = f"/pharmacy/rules/{key}"
    assert "simvastatin" in words(page.get(path).get_data(as_text=True))
    answer = page.form(f"{path}/change", advice="", reason="x")
    assert answer.status_code == 400
    assert "Fill in this field." in words(answer.get_data(as_text=True))
    assert desk("nurse").get("/pharmacy/rules").status_code == 403
    assert desk("doctor").get(f"{path}/change").status_code == 403
    assert page.get("/pharmacy/rules/none").status_code == page.get("/pharmacy/rules/new/none").status_code == 404
    following = [link for link in Page(page.get("/pharmacy/rules").get_data(as_text=True)).links if "after=" in link]
    assert "Show more" in words(page.get(following[0]).get_data(as_text=True))


def test_a_program_proposes_and_withdraws(two, program):
    client = program("pharmacist2")
    body = {"lines": [{"list": "interactions", "cells": PAIR}], "reason": "Seen"}
    made = client.post("/api/safety-rule-changes/", json=body)
    assert (made.status_code, made.get_json()["lines"][0]["kind"]) == (201, "add")
    at = f"/api/safety-rule-changes/{made.get_json()['id']}/"
    assert client.post(f"{at}approve/", json={"proof": PASSWORD}).status_code == 400
    assert client.delete(at).status_code == 204
    assert client.post(f"{at}decline/", json={"reason": "x"}).status_code == 409
    wrong = {**body, "lines": [{"list": "interactions", "cells": {**PAIR, "tier": "fatal"}}]}
    assert set(client.post("/api/safety-rule-changes/", json=wrong).get_json()) >= {"tier"}
    listed = program("doctor").get("/api/safety-rules/?search=ibuprofen&list=interactions&severity=stop").get_json()
    assert {(row["severity"], row["list"]) for row in listed} == {("stop", "interactions")}


def test_two_approvals_at_once_make_one_version(real_app, in_parallel):
    for name in ("pharmacist2", "pharmacist3"):
        staff.account(name, "pharmacist", last_name=name)
    database.session.commit()
    first, second, third = (staff.who(name) for name in ("pharmacist", "pharmacist2", "pharmacist3"))
    made = actions.propose([ProposedLine("interactions", cells=PAIR)], reason="Seen", by=first).id
    other = actions.propose(
        [ProposedLine("interactions", cells={**PAIR, "second": "warfarin"})], reason="x", by=first
    ).id
    done = in_parallel(
        [
            lambda: actions.approve(made, by=second).number,
            lambda: actions.approve(made, by=third).number,
            lambda: actions.approve(other, by=third).number,
        ]
    )
    assert sorted(each for each in done if isinstance(each, int)) == [1, 2]
    assert [each.code for each in done if isinstance(each, Conflict)] == ["decided"]
