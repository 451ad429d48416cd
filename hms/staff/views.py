"""Pages: sign in and out, one's own page, help."""

from __future__ import annotations

from flask import flash, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.people import Person
from hms.core.permissions import Action
from hms.core.start import limiter
from hms.core.web import needs, person, safe_next

from . import actions, queries, signing_in
from .desk import pages
from .errors import Locked, OtpRequired, SignInRefused
from .forms import PreferencesForm, SignInForm

__all__ = ("pages",)


@pages.route("/login", methods=["GET", "POST"])
@needs(Action.PUBLIC)
@limiter.limit("60/minute", methods=["POST"])
def sign_in() -> ResponseReturnValue:
    """The sign-in page; afterwards the page that was wanted, else home."""
    if request.method == "GET" and person().is_authenticated:
        return redirect(url_for("home.page"))
    form, asks_otp, status = SignInForm(), False, 200
    if form.validate_on_submit():
        try:
            return _signed_in(signing_in.prove(form.username.data, form.password.data, form.otp.data or None))
        except (SignInRefused, Locked) as refused:
            asks_otp = isinstance(refused, OtpRequired) or refused.field == "otp"
            status = 200 if isinstance(refused, OtpRequired) else refused.status
            form.form_errors = [*form.form_errors, refused.message]
    return render_template("staff/sign_in.html", form=form, asks_otp=asks_otp, ended=request.args.get("ended")), status


def _signed_in(proof: signing_in.SignedIn) -> ResponseReturnValue:
    signing_in.end_session(getattr(person(), "session_id", None))
    session.clear()
    session["sid"] = signing_in.open_session(proof)
    return redirect(safe_next(request.args.get("next")) or url_for("home.page"), 303)


@pages.post("/stay")
@needs(Action.SIGNED_IN)
def stay() -> ResponseReturnValue:
    """The person is at the page: typing and scrolling count as work, and every request renews the session."""
    return "", 204


@pages.route("/logout", methods=["POST"])
@needs(Action.SIGNED_IN)
def sign_out() -> ResponseReturnValue:
    """End the session at the server, so that a copied cookie opens nothing, and empty the browser's cache."""
    signing_in.end_session(person().session_id)
    session.clear()
    answer = make_response(redirect(url_for("staff.sign_in"), 303))
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@pages.route("/logout", methods=["GET"])
@needs(Action.SIGNED_IN)
def sign_out_page() -> ResponseReturnValue:
    """Ask before ending the session: an address alone changes nothing."""
    return render_template("staff/sign_out.html")


@pages.route("/profile", methods=["GET", "POST"])
@needs(Action.SIGNED_IN)
def profile() -> ResponseReturnValue:
    """The person's own page: who they are here, how pages look, their last sign-ins."""
    who = person()
    chosen = {"language": who.language, "theme": who.theme, "density": who.density, "text_size": who.text_size}
    form = PreferencesForm(data=chosen | {"single_keys": not who.shortcuts_off})
    if form.save(_keep_preferences, by=who):
        flash(_("Your preferences are saved."), "success")
        return redirect(url_for(".profile"), 303)
    page = render_template("staff/profile.html", form=form, sign_ins=queries.own_sign_ins(who.id))
    return page, form.status


def _keep_preferences(*, language: str, single_keys: bool, by: Person, **looks: str) -> object:
    return actions.change_preferences(language=language, preferences={**looks, "shortcuts_off": not single_keys}, by=by)


@pages.get("/help")
@needs(Action.SIGNED_IN)
def help_page() -> str:
    """How the daily tasks are done, by desk."""
    return render_template("staff/help.html")
