"""Pages: what each role may do, as a matrix; a role of the hospital's own."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select

from hms.core.db.session import db, get_or_not_found
from hms.core.permissions import Permission
from hms.core.text.numbers import parse_record_id
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
    """The matrix of permissions and roles."""
    return _matrix(GrantsForm(), {role.id: frozenset(role.grants) for role in _all_roles()})


def _matrix(form: GrantsForm, ticked: dict[int, frozenset[str]]) -> str:
    rows = [role for role in _all_roles() if role.is_active]
    return render_template(
        "staff/roles.html",
        form=form,
        roles=rows,
        put_away=[role for role in _all_roles() if not role.is_active],
        ticked={role.id: ticked.get(role.id, frozenset(role.grants)) for role in rows},
        places=permission_labels.permission_groups(),
        people=_holders_by_role(),
        waiting=queries.count_waiting(),
    )


def _holders_by_role() -> dict[int, int]:
    counted = select(User.role_id, func.count()).where(User.role_id.is_not(None)).group_by(User.role_id)
    return dict(db.session.execute(counted).all())


@pages.post("/admin/roles")
@requires(Permission.MANAGE_ROLES)
def change_roles() -> ResponseReturnValue:
    """First shows what would change; sent again from there, it is changed."""
    form, wanted, versions = GrantsForm(), _ticked_grants(), _versions()
    changes = _changes(wanted)
    if not changes:
        flash(_("Nothing was changed."), "success")
        return redirect(url_for(".roles_page"), 303)
    if not form.reviewed.data:
        return render_template("staff/roles_review.html", form=form, changes=changes, ticked=wanted, versions=versions)
    if form.save(
        _save_grants,
        wanted={role.id: wanted[role.id] for role, *_more in changes},
        versions=versions,
        by=current_person(),
    ):
        flash(_("Saved. It applies from the next page each person opens."), "success")
        return redirect(url_for(".roles_page"), 303)
    return _matrix(form, wanted), form.status


def _save_grants(*, wanted: dict[int, frozenset[str]], versions: dict[int, int], by: Any, **_sent: Any) -> list[Role]:
    return actions.change_grants(wanted, versions, by=by)


def _ticked_grants() -> dict[int, frozenset[str]]:
    """The ticks as they were sent, by role; `grant` is "role id:permission"."""
    wanted: dict[int, set[str]] = {role_id: set() for role_id in _versions()}
    for sent in request.form.getlist("grant"):
        role_id, _colon, name = sent.partition(":")
        if (role := parse_record_id(role_id)) in wanted:
            wanted[role].add(name)
    return {role_id: frozenset(names) for role_id, names in wanted.items()}


def _versions() -> dict[int, int]:
    """Which version of each role was on the page; `seen` is "role id:version"."""
    pairs = [sent.partition(":") for sent in request.form.getlist("seen")]
    versions = [(parse_record_id(role), parse_record_id(seen)) for role, _colon, seen in pairs]
    return {role: seen for role, seen in versions if role is not None and seen is not None}


def _changes(wanted: dict[int, frozenset[str]]) -> list[tuple[Role, list[str], list[str], int]]:
    """Role, gains, losses and how many people have it, for each role that would change."""
    people, changed = _holders_by_role(), []
    for role in _all_roles():
        grants = wanted.get(role.id)
        if role.is_active and grants is not None and grants != frozenset(role.grants):
            gains, losses = sorted(grants - set(role.grants)), sorted(set(role.grants) - grants)
            changed.append((role, _labels(gains), _labels(losses), people.get(role.id, 0)))
    return changed


def _labels(names: list[str]) -> list[str]:
    return [str(permission_labels.permission_label(name)) for name in names]


@pages.route("/admin/roles/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_ROLES)
def add_role() -> ResponseReturnValue:
    """A role of the hospital's own, perhaps beginning as a copy."""
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
    """Name and description of a role, who has it, and putting it away."""
    role = get_or_not_found(Role, role_id)
    form = RoleForm(obj=role)
    form.copied_from.choices = _copy_choices()
    if form.save(_rename, role_id=role_id, by=current_person()):
        flash(_("Saved."), "success")
        return redirect(url_for(".roles_page"), 303)
    is_default = not role.is_built_in or frozenset(role.grants) == actions.default_grants(role)
    page = render_template(
        "staff/role_form.html", form=form, role=role, is_default=is_default, people=_holders_by_role().get(role_id, 0)
    )
    return page, form.status


def _rename(*, role_id: int, copied_from: Any, by: Any, **sent: Any) -> Role:
    return actions.change_role(role_id, **sent, by=by)


@pages.post("/admin/roles/<int:role_id>/reset")
@requires(Permission.MANAGE_ROLES)
def reset_role(role_id: int) -> ResponseReturnValue:
    """The built-in role's default permissions again."""
    return _perform(role_id, actions.reset_role, _("Default permissions restored."))


@pages.post("/admin/roles/<int:role_id>/put-away")
@requires(Permission.MANAGE_ROLES)
def put_role_away(role_id: int) -> ResponseReturnValue:
    """Put away a role that nobody has."""
    return _perform(role_id, actions.deactivate_role, _("Role closed."))


@pages.post("/admin/roles/<int:role_id>/take-up")
@requires(Permission.MANAGE_ROLES)
def take_role_up(role_id: int) -> ResponseReturnValue:
    """Use a role again."""
    return _perform(role_id, actions.reactivate_role, _("Role reopened."))


def _perform(role_id: int, action: Any, said: str) -> ResponseReturnValue:
    form = GrantsForm()
    if form.save(lambda *, by, **_sent: action(role_id, by=by), by=current_person()):
        flash(said, "success")
        return redirect(url_for(".roles_page"), 303)
    for messages in form.errors.values():
        flash(str(messages[0]), "stop")
    return redirect(url_for(".edit_role", role_id=role_id), 303)
