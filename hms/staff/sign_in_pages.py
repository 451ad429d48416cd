"""Pages: sign in by name and password, then by code; sign out; the form that was sent while signed out."""

from __future__ import annotations

import time

from flask import Response, g, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_limiter import RequestLimit

from hms.core import clock, refusals, settings
from hms.core.db import db
from hms.core.errors import NotFound
from hms.core.limiting import limiter
from hms.core.localisation import translate_error
from hms.core.permissions import Action
from hms.core.web import SignInNeeded, is_api, needs, person, safe_next
from hms.core.words import _ as N_

from . import devices, holding, identity, sessions, signing_in
from .desk import WRONG_TRIES_OF_AN_ADDRESS, pages, was_refused
from .errors import Locked, OtpRequired, SignInRefused
from .forms import CodeForm, SignInForm
from .models import User
from .second_factor import prove_code

CODE_WITHIN_SECONDS = 300


def _too_often(limit: RequestLimit) -> Response:
    """The address tried too often: the page again, with what was typed, and how long to wait."""
    seconds = max(1, int(limit.reset_at - time.time()) + 1)
    form = SignInForm()
    form.form_errors = [_("Too many wrong tries from this PC. Wait %(count)s seconds, then try again.", count=seconds)]
    return _page(form, 429, seconds)


def _page(form: SignInForm, status: int, retry_after: int | None = None) -> Response:
    shown = {"ended": request.args.get("ended"), "may_register": settings.value("staff.registration_open")}
    page = render_template("staff/sign_in.html", form=form, **shown)
    answer = make_response(page, status)
    if retry_after:
        answer.headers["Retry-After"] = str(retry_after)
    return answer


@pages.route("/login", methods=["GET", "POST"])
@needs(Action.PUBLIC)
@limiter.limit(WRONG_TRIES_OF_AN_ADDRESS, methods=["POST"], deduct_when=was_refused, on_breach=_too_often)
def sign_in() -> ResponseReturnValue:
    """The sign-in page; then the code, when the account has a second factor; then the page that was wanted, else home."""
    if request.method == "GET" and person().is_authenticated:
        return redirect(url_for("home.page"))
    form = SignInForm()
    if not form.validate_on_submit():
        return _page(form, form.status)
    try:
        return _let_in(signing_in.prove(form.username.data, form.password.data, form.otp.data or None))
    except OtpRequired as needed:
        return _ask_for_code(needed.proof, form.username.data)
    except (SignInRefused, Locked) as refused:
        form.form_errors = [*form.form_errors, translate_error(refused)]
        return _page(form, refused.status, getattr(refused, "retry_after", None))


def _ask_for_code(proof: signing_in.SignedIn, name: str) -> ResponseReturnValue:
    """Half the way: the encrypted cookie remembers for five minutes whose password was right."""
    until = clock.now().timestamp() + CODE_WITHIN_SECONDS
    session["proving"] = {"user": proof.user_id, "version": proof.token_version, "name": name, "until": until}
    return redirect(url_for(".enter_code", next=safe_next(request.args.get("next"))), 303)


@pages.route("/login/code", methods=["GET", "POST"])
@needs(Action.PUBLIC)
@limiter.limit(WRONG_TRIES_OF_AN_ADDRESS, methods=["POST"], deduct_when=was_refused)
def enter_code() -> ResponseReturnValue:
    """The second factor: the code of the authenticator app, or a recovery code."""
    user, form, status = _half_way(), CodeForm(), 200
    if user is None:
        session.pop("proving", None)
        return redirect(url_for(".sign_in", next=safe_next(request.args.get("next")), ended="code"), 303)
    retry_after = None
    if form.validate_on_submit():
        name = session["proving"]["name"]
        try:
            prove_code(user, form.otp.data, name)
            return _let_in(signing_in.welcome(user, name))
        except (SignInRefused, Locked) as refused:
            form.otp.errors = [translate_error(refused)]
            status, retry_after = refused.status, getattr(refused, "retry_after", None)
    answer = make_response(render_template("staff/code.html", form=form), status if form.errors else form.status)
    if retry_after:
        answer.headers["Retry-After"] = str(retry_after)
    return answer


def _half_way() -> User | None:
    """Whose password was right a moment ago; None when nobody's, too long ago, or the account changed since."""
    proving = session.get("proving")
    if proving is None or proving["until"] < clock.now().timestamp():
        return None
    user = db.session.get(User, proving["user"])
    is_same = user is not None and user.is_active and user.token_version == proving["version"]
    return user if is_same else None


def _let_in(proof: signing_in.SignedIn) -> ResponseReturnValue:
    """A new session in the place of whatever this browser had; nobody lands on the page of somebody else."""
    owner = sessions.owner_of_cookie()
    sessions.end_of_cookie()
    session.clear()
    session["sid"] = signing_in.open_session(proof)
    devices.remember(proof.user_id, clock.now())
    wanted = safe_next(request.args.get("next")) if owner in (None, proof.user_id) else None
    return redirect(wanted or url_for("home.page"), 303)


@pages.route("/logout", methods=["POST"])
@needs(Action.SIGNED_IN)
def sign_out() -> ResponseReturnValue:
    """End the session at the server, so that a copied cookie opens nothing, and empty the browser's cache."""
    sessions.end_of_cookie()
    session.clear()
    answer = make_response(redirect(url_for("staff.sign_in"), 303))
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@pages.route("/logout", methods=["GET"])
@needs(Action.SIGNED_IN)
def sign_out_page() -> ResponseReturnValue:
    """Ask before ending the session: an address alone changes nothing."""
    return render_template("staff/sign_out.html")


@pages.app_errorhandler(SignInNeeded)
def ask_who_it_is(needed: SignInNeeded) -> ResponseReturnValue:
    """Nobody, or a locked page: to the sign-in or lock page and back afterwards; a form that was sent is kept meanwhile."""
    if is_api():
        return refusals.sign_in_needed(needed)
    locked = identity.locked_session()
    if locked and request.endpoint == "staff.sign_out":
        return sign_out()
    is_form = request.method == "POST"
    owner = locked.user_id if locked else sessions.owner_of_cookie() if is_form else None
    back = holding.hold(owner) if is_form else request.full_path.rstrip("?")
    if locked:
        return redirect(url_for("staff.locked", next=back))
    return redirect(url_for("staff.sign_in", next=back, ended="1" if session.get("sid") else None))


@pages.get("/held/<key>")
@needs(Action.SIGNED_IN)
def held(key: str) -> ResponseReturnValue:
    """The form that was sent while its page was locked: one press sends it again."""
    kept = holding.of(person().id or 0, key)
    if kept is None:
        raise NotFound(N_("There is no form waiting here. It was sent already, or another person sent it."))
    return render_template("staff/held.html", form_key=key, **kept.content)


@pages.after_app_request
def forget_what_was_sent(response: Response) -> Response:
    """A held form that was accepted is dropped."""
    who = g.get("_login_user")
    if request.method == "POST" and response.status_code < 400 and who is not None and who.is_authenticated:
        holding.drop_when_sent(who.id, request.form.get("held", "")[:40])
    return response
