"""Page: all lists of safety rules as files, and a file as a proposal."""

from __future__ import annotations

from flask import Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.pharmacy.blueprints import pages
from hms.pharmacy.forms import RuleFileForm

from .rule_archive import make_archive, propose_file


@pages.get("/rules/files/all")
@requires(Permission.READ_RULES)
def rule_archive() -> Response:
    """A ZIP with the file of each list in force. The audit trail says who took it."""
    return make_archive(current_person())


@pages.route("/rules/files", methods=["GET", "POST"])
@requires(Permission.CHANGE_RULES)
def rule_files() -> ResponseReturnValue:
    """Download all lists; propose every difference of a file."""
    form = RuleFileForm()
    if form.save(propose_file, by=current_person()):
        flash(_("Proposed. The change counts when a second pharmacist approves it."), "success")
        return redirect(url_for("pharmacy.rule_change", change_id=form.result.id), 303)
    return render_template("pharmacy/rules/files.html", form=form), form.status
