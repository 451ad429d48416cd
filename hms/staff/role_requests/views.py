"""Pages: role requests, for their owners and for those who decide."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.db.session import db, get_or_not_found
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.staff.blueprints import pages
from hms.staff.forms import AnswerForm, RequestForm
from hms.staff.models import RoleChangeRequest, User
from hms.staff.roles import permission_labels
from hms.staff.roles.administrators import administrator_permissions

from . import actions, queries

MAX_DECIDED = 50


def labelled_permission_change(row: RoleChangeRequest) -> queries.PermissionChange:
    """The labels of the permissions gained and lost; for a decided request, compared with the role before it."""
    old_role = row.user.role if row.status == "pending" else row.role_before
    change = queries.permission_change(old_role, row.requested_role)
    return queries.PermissionChange(_labels(change.gains), _labels(change.loses))


def _labels(names: Iterable[str]) -> list[str]:
    return [str(permission_labels.permission_label(name)) for name in names]


@pages.get("/admin/role-requests")
@requires(Permission.REVIEW_ROLE_REQUESTS)
def requests_page() -> str:
    """Pending requests with the permissions each would change, and the last decided ones."""
    return _page(AnswerForm())


def _page(form: AnswerForm, answered_id: int | None = None) -> str:
    waiting = db.session.scalars(queries.select_requests(status="pending")).unique().all()
    answered = db.session.scalars(
        queries.select_requests().where(RoleChangeRequest.status != "pending").limit(MAX_DECIDED)
    )
    return render_template(
        "staff/requests.html",
        form=form,
        answered_id=answered_id,
        waiting=waiting,
        answered=answered.unique().all(),
        difference=labelled_permission_change,
        powers=administrator_permissions,
        me=current_person().id,
    )


@pages.post("/admin/role-requests/<int:request_id>")
@requires(Permission.REVIEW_ROLE_REQUESTS)
def answer_request(request_id: int) -> ResponseReturnValue:
    """Approve or reject a request with a note; a rejection needs one."""
    form, is_approval = AnswerForm(), request.form.get("answer") == "approve"
    if not is_approval and not (form.admin_response.data or "").strip():
        form.admin_response.errors = [_("Enter the reason, so that the person knows what to do next.")]
        return _page(form, request_id), 400
    action = actions.approve_request if is_approval else actions.reject_request
    if form.save(lambda *, by, **values: action(request_id, by=by, **values), by=current_person()):
        flash(_result_message(form.result), "success")
        return redirect(url_for(".requests_page"), 303)
    return _page(form, request_id), form.status


def _result_message(row: RoleChangeRequest) -> str:
    if row.status == "pending":
        return _("Your approval is saved. Another administrator must also approve.")
    return (
        _("Approved. The new role applies from the next page the person opens.")
        if row.status == "approved"
        else _("Rejected.")
    )


@pages.post("/admin/role-requests/<int:request_id>/archive")
@requires(Permission.REVIEW_ROLE_REQUESTS)
def archive_request(request_id: int) -> ResponseReturnValue:
    """Remove a decided request from the list."""
    form = AnswerForm()
    if form.save(lambda *, by, **_sent: actions.archive_request(request_id, by=by), by=current_person()):
        flash(_("Request removed from the list."), "success")
    return redirect(url_for(".requests_page"), 303)


@pages.route("/profile/role", methods=["GET", "POST"])
@requires(Permission.REQUEST_ROLE)
def my_role() -> ResponseReturnValue:
    """One's own role, its permissions, one's requests, and a form for a new one."""
    user = get_or_not_found(User, current_person().id)
    form = RequestForm()
    form.offer(user.role_id)
    if form.save(_send_request, by=current_person()):
        flash(_("Request sent. You will get an alert when it is decided."), "success")
        return redirect(url_for(".my_role"), 303)
    own = db.session.scalars(queries.select_requests(user_id=user.id).limit(MAX_DECIDED)).unique().all()
    allowed = _labels(user.role.grants if user.role else ())
    page = render_template(
        "staff/my_role.html", form=form, user=user, own=own, allowed=allowed, difference=labelled_permission_change
    )
    return page, form.status


def _send_request(*, version: Any, **values: Any) -> RoleChangeRequest:
    return actions.request_role(**values)


@pages.route("/profile/role/<int:request_id>", methods=["GET", "POST"])
@requires(Permission.REQUEST_ROLE)
def edit_request(request_id: int) -> ResponseReturnValue:
    """Change one's own pending request."""
    row = queries.get_request(request_id, user_id=current_person().id)
    form = RequestForm(obj=row)
    form.merge_with(lambda: _stored_values(request_id))
    form.offer(row.user.role_id)
    if form.save(lambda *, by, **values: actions.change_request(request_id, by=by, **values), by=current_person()):
        flash(_("Request saved."), "success")
        return redirect(url_for(".my_role"), 303)
    return render_template("staff/request_form.html", form=form, row=queries.get_request(request_id)), form.status


def _stored_values(request_id: int) -> dict[str, Any]:
    row = queries.get_request(request_id, user_id=current_person().id)
    return {name: getattr(row, name) for name in ("requested_role_id", "reason", "version")}


@pages.post("/profile/role/<int:request_id>/withdraw")
@requires(Permission.REQUEST_ROLE)
def withdraw_request(request_id: int) -> ResponseReturnValue:
    """Withdraw one's own request."""
    form = AnswerForm()
    if form.save(lambda *, by, **_sent: actions.withdraw_request(request_id, by=by), by=current_person()):
        flash(_("Request withdrawn."), "success")
    for messages in form.errors.values():
        flash(str(messages[0]), "stop")
    return redirect(url_for(".my_role"), 303)
