"""Pages: the types of visits."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.appointments.blueprints import pages
from hms.appointments.enums import COLOUR_LABELS
from hms.appointments.forms import VisitTypeForm
from hms.appointments.models import VisitType
from hms.core.db.session import get_or_not_found
from hms.core.permissions import Permission
from hms.core.web.buttons import press
from hms.core.web.guard import current_person, requires

from . import actions, queries


@pages.get("/appointments/visit-types")
@requires(Permission.MANAGE_HOURS)
def visit_types() -> str:
    """All visit types."""
    return render_template("appointments/visit_types.html", rows=queries.list_visit_types(), colours=COLOUR_LABELS)


@pages.route("/appointments/visit-types/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_HOURS)
def add_visit_type() -> ResponseReturnValue:
    """Add a visit type."""
    return _visit_type_page(VisitTypeForm(), None)


@pages.route("/appointments/visit-types/<int:visit_type_id>", methods=["GET", "POST"])
@requires(Permission.MANAGE_HOURS)
def edit_visit_type(visit_type_id: int) -> ResponseReturnValue:
    """Change a visit type; close or reopen it."""
    visit_type = get_or_not_found(VisitType, visit_type_id)
    form = VisitTypeForm(obj=visit_type)
    form.merge_with(lambda: form.stored_values(get_or_not_found(VisitType, visit_type_id)))
    return _visit_type_page(form, visit_type)


def _visit_type_page(form: VisitTypeForm, visit_type: VisitType | None) -> ResponseReturnValue:
    visit_type_id = visit_type.id if visit_type else None
    if form.save(actions.save_visit_type, visit_type_id=visit_type_id, by=current_person()):
        flash(_("Visit type %(name)s saved.", name=form.result.name), "success")
        return redirect(url_for(".visit_types"), 303)
    return render_template("appointments/visit_type.html", form=form, visit_type=visit_type), form.status


@pages.post("/appointments/visit-types/<int:visit_type_id>/close")
@requires(Permission.MANAGE_HOURS)
def close_visit_type(visit_type_id: int) -> ResponseReturnValue:
    """Close a visit type: it cannot be chosen any more."""
    return _set_open(visit_type_id, is_active=False, message=_("Visit type closed."))


@pages.post("/appointments/visit-types/<int:visit_type_id>/reopen")
@requires(Permission.MANAGE_HOURS)
def reopen_visit_type(visit_type_id: int) -> ResponseReturnValue:
    """Reopen a closed visit type."""
    return _set_open(visit_type_id, is_active=True, message=_("Visit type reopened."))


def _set_open(visit_type_id: int, *, is_active: bool, message: str) -> ResponseReturnValue:
    if press(actions.set_visit_type_open, visit_type_id=visit_type_id, is_active=is_active):
        flash(message, "success")
    return redirect(url_for(".visit_types"), 303)
