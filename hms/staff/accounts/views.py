"""Pages: staff accounts for administrators."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.db.session import db
from hms.core.errors import Conflict
from hms.core.exports.page_lists import PageList, export_response
from hms.core.exports.registry import offer_page_export
from hms.core.permissions import Permission
from hms.core.text.cleaning import search_text
from hms.core.web.guard import current_person, requires
from hms.core.web.localisation import translate_error
from hms.core.web.parameters import Choice, Search, parameters
from hms.core.web.rate_limits import limiter
from hms.staff.blueprints import pages
from hms.staff.exports import ACCOUNTS
from hms.staff.forms import PersonForm, ProofForm, ReasonForm
from hms.staff.onboarding import one_time_links
from hms.staff.role_requests import queries as role_request_queries
from hms.staff.roles.administrators import is_last_administrator
from hms.staff.schemas import user_json
from hms.staff.sign_in.reauthentication import with_reauthentication

from . import actions, queries


@pages.get("/admin/users")
@requires(Permission.MANAGE_STAFF)
def people() -> str:
    """The list of accounts by name; state and search text are in the query string."""
    state, search = request.args.get("state", "active"), search_text(request.args.get("q"))
    after = queries.sort_key(request.args.get("after", 0, type=int))
    query = queries.select_accounts(state=state, search=search, after=after).limit(queries.ROWS + 1)
    rows = db.session.execute(query).unique().all()
    shown = rows[: queries.ROWS]
    more = _address(state, search, after=shown[-1].User.id) if len(rows) > len(shown) else None
    states = [
        {"label": label, "count": count, "url": _address(key, search), "is_current": key == state}
        for (key, label), count in zip(queries.STATES.items(), queries.count_by_state().values(), strict=True)
    ]
    waiting = role_request_queries.count_waiting()
    return render_template(
        "staff/people.html", rows=shown, more=more, states=states, search=search, state=state, waiting=waiting
    )


@requires(Permission.MANAGE_STAFF)
def export_accounts() -> Response:
    """The accounts of the page as a file."""
    state, search = request.args.get("state", "active"), search_text(request.args.get("q"))

    def fetch(last: Any | None, limit: int) -> list[Any]:
        after = None if last is None else (last.User.last_name, last.User.first_name, last.User.id)
        query = queries.select_accounts(state=state, search=search, after=after).limit(limit)
        return list(db.session.execute(query).unique())

    return export_response(PageList(fetch), _account_values)


def _account_values(row: Any) -> dict[str, Any]:
    """The fields of `exports.ACCOUNTS`."""
    more = {"awaits_approval": row.User.awaits_approval, "is_locked": row.is_locked, "last_sign_in": row.last_sign_in}
    return user_json(row.User, current_person()) | more


offer_page_export(export_accounts, ACCOUNTS, parameters(q=Search(), state=Choice(queries.STATES)))


def _address(state: str, search: str, **more: Any) -> str:
    return url_for(".people", state=state, q=search or None, **more)


@pages.route("/admin/users/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_STAFF)
def add_person() -> ResponseReturnValue:
    """Create an account, then show its page with the one-time link."""
    form = PersonForm()
    form.offer()
    if form.save(_add, by=current_person()):
        return _show_link(form.result.user.id, form.result.secret, is_role_waiting=form.result.is_role_waiting)
    return render_template("staff/person_form.html", form=form, user=None), form.status


def _add(*, version: int | None, by: Any, **details: Any) -> actions.NewAccount:
    return actions.add_person(by=by, **details)


def _show_link(user_id: int, secret: str, *, is_role_waiting: bool = False) -> ResponseReturnValue:
    """Redirect to the account's page, which shows the link once; the encrypted session cookie carries the secret."""
    session["link"] = [user_id, secret]
    if is_role_waiting:
        flash(_("Account created. Another administrator must approve the role under Role requests."), "caution")
    return redirect(url_for(".account", user_id=user_id), 303)


@pages.get("/admin/users/<int:user_id>")
@requires(Permission.MANAGE_STAFF)
def account(user_id: int) -> str:
    """One account and the actions on it."""
    shown = queries.get_account(user_id)
    link_user_id, secret = session.pop("link", (None, None))
    fresh_link = url_for(".welcome", secret=secret, _external=True) if link_user_id == user_id else None
    return render_template(
        "staff/account.html",
        account=shown,
        user=shown.user,
        fresh_link=fresh_link,
        link_hours=one_time_links.LINK_HOURS,
        is_mailed=one_time_links.can_be_mailed(shown.user),
        is_last=is_last_administrator(user_id),
        is_own=user_id == current_person().id,
        form=ReasonForm(),
    )


@pages.route("/admin/users/<int:user_id>/edit", methods=["GET", "POST"])
@requires(Permission.MANAGE_STAFF)
def edit_person(user_id: int) -> ResponseReturnValue:
    """Correct an account."""
    user = queries.get_account(user_id).user
    form = PersonForm(obj=user)
    form.offer(user)
    form.merge_with(lambda: form.stored_values(queries.get_account(user_id).user))
    role_id_before = user.role_id
    if form.save(actions.change_person, user_id=user_id, by=current_person()):
        if form.role_id.data != role_id_before and form.result.role_id == role_id_before:
            flash(_("Account saved. Another administrator must approve the role under Role requests."), "caution")
        else:
            flash(_("Account saved."), "success")
        return redirect(url_for(".account", user_id=user_id), 303)
    user = queries.get_account(user_id).user
    return render_template("staff/person_form.html", form=form, user=user), form.status


@pages.post("/admin/users/<int:user_id>/close")
@requires(Permission.MANAGE_STAFF)
def close_account(user_id: int) -> ResponseReturnValue:
    """Close an account with a reason."""
    return _perform(user_id, actions.deactivate, _("Account closed. The person is signed out everywhere."))


@pages.post("/admin/users/<int:user_id>/open")
@requires(Permission.MANAGE_STAFF)
def open_account(user_id: int) -> ResponseReturnValue:
    """Reopen a closed account, or approve a requested one."""
    return _perform(user_id, actions.reactivate, _("Account opened."), without=("reason",))


@pages.post("/admin/users/<int:user_id>/unlock")
@requires(Permission.MANAGE_STAFF)
def unlock_account(user_id: int) -> ResponseReturnValue:
    """Unlock an account after too many wrong attempts."""
    return _perform(user_id, actions.unlock, _("Account unlocked."), without=("reason", "version"))


@pages.post("/admin/users/<int:user_id>/sign-out")
@requires(Permission.MANAGE_STAFF)
def sign_out_person(user_id: int) -> ResponseReturnValue:
    """End every session of an account."""
    return _perform(user_id, actions.end_sessions, _("Signed out everywhere."), without=("reason", "version"))


@pages.post("/admin/users/<int:user_id>/link")
@requires(Permission.MANAGE_STAFF)
@limiter.limit("30/minute")
def make_link(user_id: int) -> ResponseReturnValue:
    """Create a one-time link for somebody who forgot the password or lost the first link."""
    try:
        return _show_link(user_id, one_time_links.make_link(user_id, by=current_person()))
    except Conflict as refused:
        flash(translate_error(refused), "stop")
        return redirect(url_for(".account", user_id=user_id), 303)


def _perform(user_id: int, action: Any, message: str, without: tuple[str, ...] = ()) -> ResponseReturnValue:
    """Run `action` with the fields of `ReasonForm` except those in `without`; show `message` on the account's page."""

    def perform(*, by: Any, **values: Any) -> Any:
        return action(user_id, by=by, **{name: value for name, value in values.items() if name not in without})

    form = ReasonForm()
    if form.save(perform, by=current_person()):
        flash(message, "success")
    for messages in form.errors.values():
        flash(" ".join(map(str, messages)), "stop")
    return redirect(url_for(".account", user_id=user_id), 303)


@pages.route("/admin/users/<int:user_id>/reset-second-factor", methods=["GET", "POST"])
@requires(Permission.MANAGE_STAFF)
def take_second_factor(user_id: int) -> ResponseReturnValue:
    """Reset the second factor of an account; the administrator enters the own password again."""
    user, form = queries.get_account(user_id).user, ProofForm()
    perform = with_reauthentication(lambda *, by: actions.reset_second_factor(user_id, by=by))
    if form.save(perform, by=current_person()):
        flash(_("Second factor reset. The person signs in with the password and sets it up again."), "success")
        return redirect(url_for(".account", user_id=user_id), 303)
    return render_template("staff/reset_second_factor.html", form=form, user=user), form.status
