"""Pages: the matrix of roles and permissions; adding, changing and closing a role."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select

from hms.core.db.session import db, get_or_not_found
from hms.core.errors import StaleVersion
from hms.core.permissions import Permission
from hms.core.text.numbers import parse_record_id
from hms.core.web import merging
from hms.core.web.buttons import press
from hms.core.web.guard import current_person, requires
from hms.staff.blueprints import pages
from hms.staff.forms import GrantsForm, RoleForm, roles_to_choose
from hms.staff.models import Role, User
from hms.staff.role_requests import queries

from . import actions, permission_labels


def _all_roles() -> list[Role]:
    return list(db.session.scalars(select(Role).order_by(Role.is_active.desc(), Role.id)))


@pages.get("/admin/roles")
@requires(Permission.MANAGE_ROLES)
def roles_page() -> str:
    """The matrix of permissions and roles, one group of permissions (`part`) at a time."""
    return _matrix(GrantsForm(), {role.id: frozenset(role.grants) for role in _all_roles()})


def _matrix(form: GrantsForm, ticked: dict[int, frozenset[str]]) -> str:
    rows = [role for role in _all_roles() if role.is_active]
    groups = permission_labels.permission_groups()
    group = next((group for group in groups if group.key == request.values.get("part")), groups[0])
    return render_template(
        "staff/roles.html",
        form=form,
        roles=rows,
        closed_roles=[role for role in _all_roles() if not role.is_active],
        ticked={role.id: ticked.get(role.id, frozenset(role.grants)) for role in rows},
        group=group,
        segments_shown=[
            {"label": other.label, "url": url_for(".roles_page", part=other.key), "is_current": other is group}
            for other in groups
        ],
        people=_holders_by_role(),
        waiting=queries.count_waiting(),
    )


def _holders_by_role() -> dict[int, int]:
    counted = select(User.role_id, func.count()).where(User.role_id.is_not(None)).group_by(User.role_id)
    return dict(db.session.execute(counted).all())


@pages.post("/admin/roles")
@requires(Permission.MANAGE_ROLES)
def change_roles() -> ResponseReturnValue:
    """Show the changes for review first; save them when they are sent from the review page.

    What this person ticked and unticked is merged with what others saved meanwhile, and reviewed again.
    """
    form, seen = GrantsForm(), _versions()
    ticked = _merged_grants(_ticked_grants())
    versions = {role.id: role.version for role in _all_roles() if role.id in seen}
    changes = _changes(ticked)
    if not changes:
        flash(_("Nothing was changed."), "info")
        return redirect(url_for(".roles_page", part=request.form.get("part")), 303)
    if form.reviewed.data and any(seen[role.id] != role.version for role, *_more in changes):
        form.refuse(StaleVersion(merging.MERGED))
    if form.form_errors or not form.reviewed.data:
        opened = {role.id: role.grants for role in _all_roles() if role.id in seen}
        shown = {"changes": changes, "ticked": ticked, "versions": versions, "opened": opened}
        shown["part"] = request.form.get("part", "")
        return render_template("staff/roles_review.html", form=form, **shown), form.status
    if form.save(
        _save_grants,
        wanted={role.id: ticked[role.id] for role, *_more in changes},
        versions=versions,
        by=current_person(),
    ):
        flash(_("Saved. It applies from the next page each person opens."), "success")
        return redirect(url_for(".roles_page", part=request.form.get("part")), 303)
    return _matrix(form, ticked), form.status


def _save_grants(*, wanted: dict[int, frozenset[str]], versions: dict[int, int], by: Any, **_sent: Any) -> list[Role]:
    return actions.change_grants(wanted, versions, by=by)


def _ticked_grants() -> dict[int, frozenset[str]]:
    """The ticked permissions by role id; each form value `grant` is "role id:permission"."""
    ticked: dict[int, set[str]] = {role_id: set() for role_id in _versions()}
    for value in request.form.getlist("grant"):
        number, _colon, name = value.partition(":")
        if (role_id := parse_record_id(number)) in ticked:
            ticked[role_id].add(name)
    return {role_id: frozenset(names) for role_id, names in ticked.items()}


def _merged_grants(ticked: dict[int, frozenset[str]]) -> dict[int, frozenset[str]]:
    """The stored permissions with those that this person ticked, and without those that this person unticked.

    Each form value `opened` is "role id:permissions that were ticked when the page was opened", separated by commas.
    """
    pairs = [value.partition(":") for value in request.form.getlist("opened")]
    opened = {parse_record_id(role_id): frozenset(names.split(",")) for role_id, _colon, names in pairs}
    merged = dict(ticked)
    for role in _all_roles():
        if role.id in ticked and role.id in opened:
            gains, losses = ticked[role.id] - opened[role.id], opened[role.id] - ticked[role.id]
            merged[role.id] = (frozenset(role.grants) | gains) - losses
    return merged


def _versions() -> dict[int, int]:
    """The version of each role that the page showed, by role id; each form value `seen` is "role id:version"."""
    pairs = [value.partition(":") for value in request.form.getlist("seen")]
    versions = [(parse_record_id(role_id), parse_record_id(version)) for role_id, _colon, version in pairs]
    return {role_id: version for role_id, version in versions if role_id is not None and version is not None}


def _changes(wanted: dict[int, frozenset[str]]) -> list[tuple[Role, list[str], list[str], int]]:
    """Each role that would change: (role, labels gained, labels lost, number of people with it)."""
    people, changes = _holders_by_role(), []
    for role in _all_roles():
        grants = wanted.get(role.id)
        if role.is_active and grants is not None and grants != frozenset(role.grants):
            gains, losses = sorted(grants - set(role.grants)), sorted(set(role.grants) - grants)
            changes.append((role, _labels(gains), _labels(losses), people.get(role.id, 0)))
    return changes


def _labels(names: list[str]) -> list[str]:
    return [str(permission_labels.permission_label(name)) for name in names]


@pages.route("/admin/roles/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_ROLES)
def add_role() -> ResponseReturnValue:
    """Create a role; its permissions can be copied from another one."""
    form = RoleForm()
    form.copied_from.choices = _copy_choices()
    if form.save(_add, by=current_person()):
        flash(_("Role %(name)s created. Tick its permissions.", name=form.result.name), "success")
        return redirect(url_for(".roles_page"), 303)
    return render_template("staff/role_form.html", form=form, role=None), form.status


def _copy_choices() -> list[tuple[str, str]]:
    return [("", _("No permissions")), *((str(role.id), role.label) for role in roles_to_choose())]


def _add(*, name: str, description: str, copied_from: int | None, by: Any, **_sent: Any) -> Role:
    grants = get_or_not_found(Role, copied_from).grants if copied_from else ()
    return actions.add_role(name=name, description=description, grants=grants, by=by)


@pages.route("/admin/roles/<int:role_id>", methods=["GET", "POST"])
@requires(Permission.MANAGE_ROLES)
def edit_role(role_id: int) -> ResponseReturnValue:
    """Change name, description and locking time of a role; close or reopen it."""
    role = get_or_not_found(Role, role_id)
    form = RoleForm(obj=role)
    form.merge_with(lambda: _stored_values(role_id))
    form.copied_from.choices = _copy_choices()
    if form.save(_rename, role_id=role_id, by=current_person()):
        flash(_("Role saved."), "success")
        return redirect(url_for(".roles_page"), 303)
    is_default = not role.is_built_in or frozenset(role.grants) == actions.default_grants(role)
    page = render_template(
        "staff/role_form.html", form=form, role=role, is_default=is_default, people=_holders_by_role().get(role_id, 0)
    )
    return page, form.status


def _stored_values(role_id: int) -> dict[str, Any]:
    role = get_or_not_found(Role, role_id)
    return {name: getattr(role, name) for name in ("name", "description", "idle_minutes", "version")}


def _rename(*, role_id: int, copied_from: Any, by: Any, **values: Any) -> Role:
    return actions.change_role(role_id, **values, by=by)


@pages.post("/admin/roles/<int:role_id>/reset")
@requires(Permission.MANAGE_ROLES)
def reset_role(role_id: int) -> ResponseReturnValue:
    """Restore the default permissions of a built-in role."""
    return _perform(role_id, actions.reset_role, _("Default permissions restored."))


@pages.post("/admin/roles/<int:role_id>/put-away")
@requires(Permission.MANAGE_ROLES)
def put_role_away(role_id: int) -> ResponseReturnValue:
    """Close a role that nobody has."""
    return _perform(role_id, actions.deactivate_role, _("Role closed."))


@pages.post("/admin/roles/<int:role_id>/take-up")
@requires(Permission.MANAGE_ROLES)
def take_role_up(role_id: int) -> ResponseReturnValue:
    """Reopen a closed role."""
    return _perform(role_id, actions.reactivate_role, _("Role reopened."))


def _perform(role_id: int, action: Any, message: str) -> ResponseReturnValue:
    if not press(action, role_id=role_id):
        return redirect(url_for(".edit_role", role_id=role_id), 303)
    flash(message, "success")
    return redirect(url_for(".roles_page"), 303)
