"""Pages for people who are not signed in: choosing a password by a one-time link, asking for an account."""

from __future__ import annotations

from flask import flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.errors import Conflict, RuleBroken
from hms.core.permissions import Permission
from hms.core.person import SYSTEM
from hms.core.settings import store as settings
from hms.core.web.guard import requires
from hms.core.web.rate_limits import limiter
from hms.staff.blueprints import pages
from hms.staff.forms import ChosenPasswordForm, RegisterForm

from . import actions, one_time_links


@pages.route("/welcome/<secret>", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
@limiter.limit("20/minute")
def welcome(secret: str) -> ResponseReturnValue:
    """Choose a password by a one-time link; whoever is signed in here is signed out by it."""
    holder, form = one_time_links.get_link_owner(secret), ChosenPasswordForm()
    if form.validate_on_submit():
        try:
            one_time_links.use_link(secret, password=form.password.data)
        except RuleBroken as refused:
            form.refuse(refused)
        else:
            session.clear()
            flash(_("Password saved. Sign in with it now."), "success")
            return redirect(url_for(".sign_in"), 303)
    shortest = settings.value("staff.shortest_password")
    return render_template("staff/welcome.html", form=form, holder=holder, shortest=shortest), form.status


@pages.route("/register", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
def register() -> ResponseReturnValue:
    """Ask for an account, while the setting is open."""
    actions.check_registration_open()
    form = RegisterForm()
    form.offer()
    if form.validate_on_submit():
        try:
            actions.register(**form.values(), by=SYSTEM)
        except (RuleBroken, Conflict) as refused:
            form.refuse(refused)
        else:
            return redirect(url_for(".registered"), 303)
    return render_template(
        "staff/register.html", form=form, shortest=settings.value("staff.shortest_password")
    ), form.status


@pages.get("/register/sent")
@requires(Permission.PUBLIC)
def registered() -> str:
    """What happens next, the same for everybody."""
    return render_template("staff/registered.html")
