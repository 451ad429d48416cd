"""Pages: the service points of the hospital."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from hms.appointments.blueprints import pages
from hms.appointments.enums import POINT_KIND_LABELS
from hms.appointments.forms import PointForm
from hms.appointments.models import ServicePoint
from hms.core.db.session import get_or_not_found
from hms.core.permissions import Permission
from hms.core.web.buttons import press
from hms.core.web.guard import current_person, requires
from hms.staff import directory as staff

from . import actions, queries


@pages.get("/admin/service-points")
@requires(Permission.MANAGE_SETTINGS)
def service_points() -> str:
    """All service points."""
    return render_template("appointments/points.html", rows=queries.list_points(), kinds=POINT_KIND_LABELS)


@pages.route("/admin/service-points/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_SETTINGS)
def add_service_point() -> ResponseReturnValue:
    """Add a service point."""
    return _point_page(PointForm(), None)


@pages.route("/admin/service-points/<int:point_id>", methods=["GET", "POST"])
@requires(Permission.MANAGE_SETTINGS)
def edit_service_point(point_id: int) -> ResponseReturnValue:
    """Change a service point; close or reopen it."""
    point = get_or_not_found(ServicePoint, point_id)
    form = PointForm(obj=point)
    form.merge_with(lambda: form.stored_values(get_or_not_found(ServicePoint, point_id)))
    return _point_page(form, point)


def _point_page(form: PointForm, point: ServicePoint | None) -> ResponseReturnValue:
    form.department_id.choices = [SelectChoice("", _("No department")), *map(_department_choice, staff.departments())]
    if form.save(actions.save_service_point, point_id=point.id if point else None, by=current_person()):
        flash(_("Service point %(name)s saved.", name=form.result.name), "success")
        return redirect(url_for(".service_points"), 303)
    return render_template("appointments/point.html", form=form, point=point), form.status


def _department_choice(department: object) -> SelectChoice:
    return SelectChoice(department.id, department.name)


@pages.post("/admin/service-points/<int:point_id>/close")
@requires(Permission.MANAGE_SETTINGS)
def close_service_point(point_id: int) -> ResponseReturnValue:
    """Close a service point: nobody can be sent there any more."""
    return _set_open(point_id, is_active=False, message=_("Service point closed."))


@pages.post("/admin/service-points/<int:point_id>/reopen")
@requires(Permission.MANAGE_SETTINGS)
def reopen_service_point(point_id: int) -> ResponseReturnValue:
    """Reopen a closed service point."""
    return _set_open(point_id, is_active=True, message=_("Service point reopened."))


def _set_open(point_id: int, *, is_active: bool, message: str) -> ResponseReturnValue:
    if not press(actions.set_service_point_open, point_id=point_id, is_active=is_active):
        return redirect(url_for(".edit_service_point", point_id=point_id), 303)
    flash(message, "success")
    return redirect(url_for(".service_points"), 303)
