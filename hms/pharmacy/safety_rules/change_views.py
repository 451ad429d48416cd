"""Pages of proposed changes of the safety rules: the lists, one proposal, deciding it, versions."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.formulary.rule_book import actions, queries, words
from hms.formulary.safety.rule_lists import LISTS
from hms.pharmacy.blueprints import pages
from hms.pharmacy.forms import DeclineRuleForm
from hms.staff.forms import ProofForm
from hms.staff.sign_in.reauthentication import is_recent, with_recent_authentication

from .actions import start_trial
from .trial_results import get_trial
from .views import names_of

PAGE = 50
SHOWS = ("waiting", "versions", "decided")


@pages.get("/rules/changes")
@requires(Permission.READ_RULES)
def rule_changes() -> str:
    """The proposals that wait, the versions that approved ones made, and all that were decided."""
    show = request.args.get("show", "")
    show = show if show in SHOWS else "waiting"
    before = request.args.get("before", type=int)
    rows = queries.list_changes(show, before=before, limit=PAGE + 1)
    shown = rows[:PAGE]
    lines = queries.list_lines_of([change.id for change in shown])
    last = (shown[-1].number if show == "versions" else shown[-1].id) if shown else None
    return render_template(
        "pharmacy/rules/changes.html",
        show=show,
        rows=shown,
        lines={change.id: queries.describe_lines(lines.get(change.id, ())) for change in shown},
        names=names_of(shown),
        older=url_for("pharmacy.rule_changes", show=show, before=last) if len(rows) > PAGE else None,
        waiting=queries.count_waiting(),
        version=queries.load_book().version,
        **_labels(),
    )


def _labels() -> dict[str, Any]:
    return {"lists": LISTS, "kinds": words.CHANGE_LABELS, "decisions": words.DECISION_LABELS}


@pages.get("/rules/changes/<int:change_id>")
@requires(Permission.READ_RULES)
def rule_change(change_id: int) -> str:
    """One proposal with every line that it changes, old and new."""
    return render_template("pharmacy/rules/change.html", **_proposal(change_id))


def _proposal(change_id: int) -> dict[str, Any]:
    change, lines = queries.get_change(change_id), queries.list_lines(change_id)
    start = max(request.args.get("from", 0, type=int), 0)
    return {
        "trial": get_trial(change_id),
        "tiers": words.TIER_LABELS,
        "change": change,
        "lines": queries.describe_lines(lines[start : start + PAGE]),
        "line_count": len(lines),
        "more_lines": url_for("pharmacy.rule_change", change_id=change_id, **{"from": start + PAGE})
        if len(lines) > start + PAGE
        else None,
        "names": names_of([change]),
        **_labels(),
    }


@pages.route("/rules/changes/<int:change_id>/approve", methods=["GET", "POST"])
@requires(Permission.CHANGE_RULES)
def approve_rules(change_id: int) -> ResponseReturnValue:
    """Approve a proposal after re-authentication; the new version counts at once."""
    form, who = ProofForm(), current_person()
    if form.save(with_recent_authentication(actions.approve, who), by=who, change_id=change_id):
        flash(_("Approved. The rules of version %(number)s count now.", number=form.result.number), "success")
        return _back(change_id)
    values = _proposal(change_id)
    return render_template("pharmacy/rules/approve.html", form=form, is_fresh=is_recent(who), **values), form.status


@pages.route("/rules/changes/<int:change_id>/decline", methods=["GET", "POST"])
@requires(Permission.CHANGE_RULES)
def decline_rules(change_id: int) -> ResponseReturnValue:
    """Decline a proposal, with a reason."""
    form = DeclineRuleForm()
    if form.save(actions.decline, by=current_person(), change_id=change_id):
        flash(_("Proposal declined"), "success")
        return _back(change_id)
    return render_template("pharmacy/rules/decline.html", form=form, **_proposal(change_id)), form.status


@pages.post("/rules/changes/<int:change_id>/withdraw")
@requires(Permission.CHANGE_RULES)
def withdraw_rules(change_id: int) -> Response:
    """Withdraw one's own proposal."""
    actions.withdraw(change_id, by=current_person())
    flash(_("Proposal withdrawn"), "success")
    return _back(change_id)


@pages.post("/rules/changes/<int:change_id>/trial")
@requires(Permission.CHANGE_RULES)
def try_rules(change_id: int) -> Response:
    """Have the worker try a proposal on the prescriptions of the last month."""
    start_trial(change_id, by=current_person())
    return redirect(url_for("pharmacy.rule_change", change_id=change_id, _anchor="rule-trial"), 303)


@pages.get("/rules/changes/<int:change_id>/trial")
@requires(Permission.READ_RULES)
def rule_trial(change_id: int) -> str:
    """The result of the trial, fetched until it is there."""
    return render_template("pharmacy/rules/_trial.html", **_proposal(change_id))


def _back(change_id: int) -> Response:
    return redirect(url_for("pharmacy.rule_change", change_id=change_id), 303)
