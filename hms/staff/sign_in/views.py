"""Pages: sign in with password and code, sign out, send an interrupted form again."""

from __future__ import annotations

import time

from flask import Response, g, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_limiter import RequestLimit

from hms.core import clock
from hms.core.db.session import db
from hms.core.errors import NotFound
from hms.core.permissions import Permission
from hms.core.settings import store as settings
from hms.core.text.translation import N_
from hms.core.web import error_handlers
from hms.core.web.guard import SignInRequired, current_person, is_api_request, requires, safe_next
from hms.core.web.localisation import translate_error
from hms.core.web.rate_limits import limiter
from hms.staff import request_user
from hms.staff.blueprints import FAILURES_PER_ADDRESS, is_failed_attempt, pages
from hms.staff.forms import CodeForm, SignInForm
from hms.staff.login_security import known_devices
from hms.staff.login_security.errors import LockedOut, OtpRequired, SignInRefused
from hms.staff.models import User
from hms.staff.second_factor.codes import verify_code
from hms.staff.sessions import actions

from . import authentication, interrupted_forms

CODE_SECONDS = 300


def _too_many_failures(limit: RequestLimit) -> Response:
    """The sign-in page with an error: too many wrong attempts from this address, and how long to wait."""
    seconds = max(1, int(limit.reset_at - time.time()) + 1)
    form = SignInForm()
    form.form_errors = [
        _("Too many wrong attempts from this PC. Wait %(count)s seconds, then try again.", count=seconds)
    ]
    return _page(form, 429, seconds)


def _page(form: SignInForm, status: int, retry_after: int | None = None) -> Response:
    shown = {"ended": request.args.get("ended"), "may_register": settings.value("staff.registration_open")}
    page = render_template("staff/sign_in.html", form=form, **shown)
    response = make_response(page, status)
    if retry_after:
        response.headers["Retry-After"] = str(retry_after)
    return response


@pages.route("/login", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
@limiter.limit(FAILURES_PER_ADDRESS, methods=["POST"], deduct_when=is_failed_attempt, on_breach=_too_many_failures)
def sign_in() -> ResponseReturnValue:
    """Sign in; then ask for a code when the account has a second factor; then open the requested page, else home."""
    if request.method == "GET" and current_person().is_authenticated:
        return redirect(url_for("home.page"))
    form = SignInForm()
    if not form.validate_on_submit():
        return _page(form, form.status)
    try:
        return _start_session(
            authentication.authenticate(form.username.data, form.password.data, form.otp.data or None)
        )
    except OtpRequired as needed:
        return _ask_for_code(needed.proof, form.username.data)
    except (SignInRefused, LockedOut) as refused:
        form.form_errors = [*form.form_errors, translate_error(refused)]
        return _page(form, refused.status, getattr(refused, "retry_after", None))


def _ask_for_code(proof: authentication.AuthenticatedAccount, name: str) -> ResponseReturnValue:
    """Redirect to the code page; the encrypted session cookie holds the account for five minutes."""
    until = clock.now().timestamp() + CODE_SECONDS
    session["proving"] = {"user": proof.user_id, "version": proof.token_version, "name": name, "until": until}
    return redirect(url_for(".enter_code", next=safe_next(request.args.get("next"))), 303)


@pages.route("/login/code", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
@limiter.limit(FAILURES_PER_ADDRESS, methods=["POST"], deduct_when=is_failed_attempt)
def enter_code() -> ResponseReturnValue:
    """Enter the code of the authenticator app, or a recovery code."""
    user, form, status = _awaiting_code(), CodeForm(), 200
    if user is None:
        session.pop("proving", None)
        return redirect(url_for(".sign_in", next=safe_next(request.args.get("next")), ended="code"), 303)
    retry_after = None
    if form.validate_on_submit():
        name = session["proving"]["name"]
        try:
            verify_code(user, form.otp.data, name)
            return _start_session(authentication.complete_sign_in(user, name))
        except (SignInRefused, LockedOut) as refused:
            form.otp.errors = [translate_error(refused)]
            status, retry_after = refused.status, getattr(refused, "retry_after", None)
    response = make_response(render_template("staff/code.html", form=form), status if form.errors else form.status)
    if retry_after:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _awaiting_code() -> User | None:
    """The account that entered its password and still has to enter a code; None when it took too long or changed."""
    proving = session.get("proving")
    if proving is None or proving["until"] < clock.now().timestamp():
        return None
    user = db.session.get(User, proving["user"])
    is_same = user is not None and user.is_active and user.token_version == proving["version"]
    return user if is_same else None


def _start_session(proof: authentication.AuthenticatedAccount) -> ResponseReturnValue:
    """Replace this browser's session by a new one; the requested page opens only for the session's former owner."""
    owner = actions.get_cookie_owner()
    actions.end_cookie_session()
    session.clear()
    session["sid"] = authentication.open_session(proof)
    known_devices.remember_device(proof.user_id, clock.now())
    next_page = safe_next(request.args.get("next")) if owner in (None, proof.user_id) else None
    return redirect(next_page or url_for("home.page"), 303)


@pages.route("/logout", methods=["POST"])
@requires(Permission.SIGNED_IN)
def sign_out() -> ResponseReturnValue:
    """End the session on the server, so that a copied cookie stops working, and clear the browser's cache."""
    actions.end_cookie_session()
    session.clear()
    response = make_response(redirect(url_for("staff.sign_in"), 303))
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@pages.route("/logout", methods=["GET"])
@requires(Permission.SIGNED_IN)
def sign_out_page() -> ResponseReturnValue:
    """Ask before signing out: a GET request changes nothing."""
    return render_template("staff/sign_out.html")


@pages.app_errorhandler(SignInRequired)
@error_handlers.answering_without_database
def request_sign_in(needed: SignInRequired) -> ResponseReturnValue:
    """Send a request without a session to the sign-in page, with a locked one to the lock page; save a form it sent."""
    if is_api_request():
        return error_handlers.sign_in_needed(needed)
    locked = request_user.locked_session()
    if locked and request.endpoint == "staff.sign_out":
        return sign_out()
    is_form = request.method == "POST"
    owner = locked.user_id if locked else actions.get_cookie_owner() if is_form else None
    back = interrupted_forms.save_interrupted_form(owner) if is_form else request.full_path.rstrip("?")
    if locked:
        return redirect(url_for("staff.locked", next=back))
    return redirect(url_for("staff.sign_in", next=back, ended="1" if session.get("sid") else None))


@pages.get("/held/<key>")
@requires(Permission.SIGNED_IN)
def held(key: str) -> ResponseReturnValue:
    """A form that was sent while its page was locked, with a button that sends it again."""
    draft = interrupted_forms.get_interrupted_form(current_person().id or 0, key)
    if draft is None:
        raise NotFound(N_("This form was already sent, or another person sent it."))
    return render_template("staff/held.html", form_key=key, **draft.content)


@pages.after_app_request
def delete_accepted_form(response: Response) -> Response:
    """Delete a saved form after it was sent again and accepted."""
    who = g.get("_login_user")
    if request.method == "POST" and response.status_code < 400 and who is not None and who.is_authenticated:
        interrupted_forms.delete_resubmitted_form(who.id, request.form.get("held", "")[:40])
    return response
