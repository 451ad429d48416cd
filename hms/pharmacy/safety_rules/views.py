"""Pages of the safety rules: the list, one rule, and proposing to add, change or retire one."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.errors import NotFound
from hms.core.permissions import Permission
from hms.core.text.cleaning import search_text
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.formulary.models import RuleChange
from hms.formulary.rule_book import actions, queries, words
from hms.formulary.safety.rule_lists import LISTS, CellKind
from hms.pharmacy.blueprints import pages
from hms.pharmacy.forms import RetireRuleForm, RuleDifferenceForm, rule_form
from hms.staff import directory

PAGE = 50
_NAMED = (CellKind.SIDE, CellKind.SUBSTANCE)


@pages.get("/rules")
@requires(Permission.READ_RULES)
def rules() -> str:
    """The safety rules in force; the filters and the search are in the address."""
    filters = _read_filters()
    found = queries.list_rules(filters["search"], **{name: filters[name] for name in filters if name != "search"})
    after = request.args.get("after", "")
    last = queries.find_rule(after) if after else None
    rows = [rule for rule in found if last is None or rule.place > last.place]
    kept = {name: value for name, value in filters.items() if value}
    following = url_for("pharmacy.rules", **kept, after=rows[PAGE - 1].line.key) if len(rows) > PAGE else None
    return render_template(
        "pharmacy/rules/rules.html",
        rows=rows[:PAGE],
        found=len(found),
        filters=filters,
        figures=queries.count_rules(),
        following=following,
        is_first=last is None,
        **_labels(),
    )


def _read_filters() -> dict[str, str]:
    """The filters of the page; a value that is not known counts as none."""
    known = {
        "rule_list": LISTS,
        "tier": words.TIER_LABELS,
        "source_state": words.SOURCE_LABELS,
        "state": words.STATE_LABELS,
    }
    chosen = {name: request.args.get(name, "") for name in known}
    filters = {name: value if value in known[name] else "" for name, value in chosen.items()}
    return {"search": search_text(request.args.get("search"))} | filters


def _labels() -> dict[str, Any]:
    return {
        "lists": LISTS,
        "tiers": words.TIER_LABELS,
        "sources": words.SOURCE_LABELS,
        "states": words.STATE_LABELS,
        "text_of": words.text_of,
        "conditions_of": words.conditions_of,
        "cell_words": words.cell_words,
    }


@pages.get("/rules/<rule_key>")
@requires(Permission.READ_RULES)
def rule(rule_key: str) -> str:
    """One rule: what it says, its source, where it applies, and what was decided about it."""
    shown = queries.get_rule(rule_key)
    changes = queries.list_changes_of(rule_key)
    return render_template(
        "pharmacy/rules/rule.html",
        rule=shown,
        products=queries.find_products(shown),
        version=queries.load_book().version,
        differences=words.changed_cells(shown.line.cells, shown.line.shipped) if shown.line.differs else [],
        changes=changes,
        names=names_of(changes),
        waiting=next((change for change in changes if change.decision is None), None),
        decisions=words.DECISION_LABELS,
        **_labels(),
    )


def names_of(changes: list[RuleChange]) -> dict[int, str]:
    """The names of those who proposed and decided."""
    ids = {person for change in changes for person in (change.proposed_by_id, change.decided_by_id)}
    return directory.display_names({person for person in ids if person is not None})


@pages.route("/rules/new/<list_name>", methods=["GET", "POST"])
@requires(Permission.CHANGE_RULES)
def add_rule(list_name: str) -> ResponseReturnValue:
    """Propose a new rule of a list."""
    if list_name not in LISTS:
        raise NotFound(N_("This list does not exist."))
    form = rule_form(LISTS[list_name])
    return _proposal_page(form, "pharmacy/rules/edit.html", rule=None, rule_list=LISTS[list_name])


@pages.route("/rules/<rule_key>/change", methods=["GET", "POST"])
@requires(Permission.CHANGE_RULES)
def change_rule(rule_key: str) -> ResponseReturnValue:
    """Propose to change a rule, to confirm its source, or to use a retired one again."""
    shown = queries.get_rule(rule_key)
    proposed = {"tier": request.args["tier"]} if request.args.get("tier") in words.TIER_LABELS else {}
    form = rule_form(shown.line.rule_list, rule_key, **{**shown.line.shown, **proposed})
    return _proposal_page(form, "pharmacy/rules/edit.html", rule=shown, rule_list=shown.line.rule_list)


@pages.route("/rules/<rule_key>/retire", methods=["GET", "POST"])
@requires(Permission.CHANGE_RULES)
def retire_rule(rule_key: str) -> ResponseReturnValue:
    """Propose to retire a rule."""
    shown = queries.get_rule(rule_key)
    form = RetireRuleForm()
    form.rule_list, form.key = shown.line.rule_list, rule_key
    return _proposal_page(form, "pharmacy/rules/retire.html", rule=shown)


@pages.route("/rules/<rule_key>/difference", methods=["GET", "POST"])
@requires(Permission.CHANGE_RULES)
def decide_difference(rule_key: str) -> ResponseReturnValue:
    """Propose to keep the hospital's rule, or to take the program's, where the two differ."""
    shown = queries.get_rule(rule_key)
    form = RuleDifferenceForm()
    form.rule_list, form.key = shown.line.rule_list, rule_key
    form.shipped = dict(shown.line.shipped) if shown.line.shipped else None
    differences = words.changed_cells(shown.line.cells, shown.line.shipped)
    return _proposal_page(form, "pharmacy/rules/difference.html", rule=shown, differences=differences)


def _proposal_page(form: RetireRuleForm, template: str, **values: Any) -> ResponseReturnValue:
    if form.save(actions.propose, by=current_person()):
        return _to_proposal(form.result)
    sides = queries.list_side_names() if template.endswith("edit.html") else {}
    return render_template(template, form=form, sides=sides, named=_NAMED, **values, **_labels()), form.status


def _to_proposal(change: RuleChange) -> Response:
    flash(_("Proposed. The change counts when a second pharmacist approves it."), "success")
    return redirect(url_for("pharmacy.rule_change", change_id=change.id), 303)
