"""Pages: the worklist of suspected duplicates."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.text.numbers import parse_record_id
from hms.core.web.forms import ActionForm, Required, Text
from hms.core.web.guard import current_person, requires
from hms.patients.blueprints import pages
from hms.patients.enums import PairStatus
from hms.patients.merging.rules import MAX_REASON_LENGTH
from hms.patients.read_entries import record_read_of_both

from . import actions, queries


class DecisionForm(ActionForm):
    """The reason for a decision about a pair."""

    reason = Text(_l("Reason"), [Required()], longest=MAX_REASON_LENGTH)


@pages.get("/duplicates")
@requires(Permission.PROPOSE_MERGE)
def duplicates() -> str:
    """Pairs that may be one patient, and those that people said are two."""
    is_dismissed = request.args.get("show") == PairStatus.DISMISSED
    listing = queries.list_pairs(
        PairStatus.DISMISSED if is_dismissed else PairStatus.OPEN,
        after=parse_record_id(request.args.get("after", "")),
        before=parse_record_id(request.args.get("before", "")),
    )
    read_log.record_list_read("patients.read_list", 2 * len(listing.rows), entity="duplicate_pair")
    return render_template("patients/duplicates.html", listing=listing, show=listing.status.value)


@pages.route("/duplicates/<int:pair_id>", methods=["GET", "POST"])
@requires(Permission.PROPOSE_MERGE)
def duplicate_pair(pair_id: int) -> ResponseReturnValue:
    """One pair: say with a reason that these are two people, or open a dismissed pair again."""
    form, row = DecisionForm(), queries.get_pair(pair_id)
    is_open = row.pair.status == PairStatus.OPEN
    if form.save(actions.dismiss if is_open else actions.reopen, by=current_person(), pair_id=pair_id):
        done = (
            _("Noted: two people. This pair is not offered again.") if is_open else _("The pair is in the list again.")
        )
        flash(done, "success")
        return redirect(url_for("patients.duplicates"), 303)
    record_read_of_both(row.first.id, row.second.id)
    return render_template("patients/duplicate_pair.html", form=form, row=row, is_open=is_open), form.status
