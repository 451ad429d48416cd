"""Pages: lock and unlock, switch to another person on a shared PC. Checks before every page of a signed-in person."""

from __future__ import annotations

from flask import Response, current_app, flash, g, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException

from hms.core import clock, drafts
from hms.core.db.session import db, get_or_not_found
from hms.core.permissions import Permission
from hms.core.web import error_handlers
from hms.core.web.guard import current_person, is_api_request, requires, safe_next
from hms.core.web.localisation import translate_error
from hms.core.web.rate_limits import limiter
from hms.core.web.security_headers import url_parts
from hms.staff import request_user
from hms.staff.blueprints import FAILURES_PER_ADDRESS, is_failed_attempt, pages
from hms.staff.forms import UnlockForm
from hms.staff.login_security import activity, known_devices
from hms.staff.login_security.errors import LockedOut, SignInRefused
from hms.staff.models import User
from hms.staff.sign_in import authentication

from . import actions, pins


@pages.post("/lock")
@requires(Permission.SIGNED_IN)
def lock_now() -> ResponseReturnValue:
    """Lock the session; unlocking returns to the same page."""
    actions.lock_session(current_person().session_id or 0)
    return redirect(url_for(".locked", next=_came_from()), 303)


def _came_from() -> str | None:
    """The page on which Lock was pressed, when it can be shown again; else None."""
    referrer = url_parts(request.referrer or "")
    path = referrer.path + (f"?{referrer.query}" if referrer.query else "")
    path = request.form.get("next") or (path if referrer.netloc == request.host else None)
    return path if safe_next(path) and _can_be_shown(path or "") else None


def _can_be_shown(path: str) -> bool:
    try:
        endpoint, _values = current_app.url_map.bind("").match(url_parts(path).path, method="GET")
    except HTTPException:
        return False
    return endpoint not in ("staff.locked", "staff.sign_in", "staff.sign_out_page", "static")


@pages.get("/lock")
@requires(Permission.PUBLIC)
def locked() -> ResponseReturnValue:
    """The lock page: who may unlock here, and nothing of the page behind it."""
    back = safe_next(request.args.get("next"))
    if current_person().is_authenticated:
        return redirect(back or url_for("home.page"))
    locked_session = request_user.locked_session()
    if locked_session is None:
        return redirect(url_for(".sign_in", next=back))
    return _lock_page(locked_session, UnlockForm(formdata=None), 200)


def _lock_page(locked_session: request_user.LockedSession, form: UnlockForm, status: int) -> Response:
    """The lock page with a PIN field when somebody has a PIN here, else with a password field for the session's owner."""
    people = known_devices.users_with_pin(known_devices.hash_of_request())
    people.sort(key=lambda user: user.id != locked_session.user_id)
    own_pin = any(user.id == locked_session.user_id for user in people)
    wants_password = request.args.get("with") == "password" if people else True
    by_password = wants_password or (not own_pin and request.args.get("with") != "pin")
    form.offer(people, chosen=locked_session.user_id)
    draft_count = len(drafts.recent_drafts(locked_session.user_id, limit=20))
    shown = {"locked": locked_session, "people": people, "by_password": by_password, "draft_count": draft_count}
    return make_response(render_template("staff/lock.html", form=form, **shown), status)


@pages.post("/unlock")
@requires(Permission.PUBLIC)
@limiter.limit(FAILURES_PER_ADDRESS, deduct_when=is_failed_attempt)
def unlock() -> ResponseReturnValue:
    """Unlock: the owner returns to the page; another person gets their own home page and the owner is signed out."""
    locked_session = request_user.locked_session() if not current_person().is_authenticated else None
    if locked_session is None:
        return redirect(url_for(".locked", next=safe_next(request.args.get("next"))), 303)
    form = UnlockForm()
    form.offer(known_devices.users_with_pin(known_devices.hash_of_request()), chosen=locked_session.user_id)
    if not form.validate_on_submit():
        return _lock_page(locked_session, form, form.status)
    try:
        return _unlock(locked_session, form)
    except (SignInRefused, LockedOut) as refused:
        (form.pin if form.pin.data else form.password).errors = [translate_error(refused)]
        response = _lock_page(locked_session, form, refused.status)
        if isinstance(refused, LockedOut):
            response.headers["Retry-After"] = str(refused.retry_after)
        return response


def _unlock(locked_session: request_user.LockedSession, form: UnlockForm) -> ResponseReturnValue:
    now = clock.now()
    if form.password.data:
        user = authentication.verify_password(
            get_or_not_found(User, locked_session.user_id).username, form.password.data
        )
        activity.record_login(user, user.username, "unlocked")
        authentication.renew_session(locked_session.session_id, locked_at=None, last_seen_at=now, confirmed_at=now)
        return _return_to_page()
    user = get_or_not_found(User, form.who.data or locked_session.user_id)
    pins.verify_pin(user, form.pin.data or "")
    if user.id != locked_session.user_id:
        return _switch_to(user)
    authentication.renew_session(locked_session.session_id, locked_at=None, last_seen_at=now)
    return _return_to_page()


def _return_to_page() -> ResponseReturnValue:
    return redirect(safe_next(request.args.get("next")) or url_for("home.page"), 303)


def _switch_to(user: User) -> ResponseReturnValue:
    """Start a session of the other person; it ends when their PIN stops working at this device."""
    until = known_devices.pin_valid_until(known_devices.hash_of_request(), user.id)
    actions.end_cookie_session()
    session.clear()
    session["sid"] = authentication.open_session(
        authentication.AuthenticatedAccount(user.id, user.token_version), until=until
    )
    flash(_("Signed in as %(name)s.", name=user.display_name), "success")
    return redirect(url_for("home.page"), 303)


ALWAYS_ALLOWED = frozenset({"static", "staff.sign_out", "staff.sign_out_page", "staff.stay", "staff.lock_now"})
ENROLMENT_PAGES = frozenset({"staff.second_factor", "staff.recovery_codes", "staff.photo"})


@pages.before_app_request
def before_the_page() -> ResponseReturnValue | None:
    """Give the session a new id when the role changed; send a person who needs a second factor to its setup page."""
    who = g.get("_login_user")
    if who is None or not who.is_authenticated:
        return None
    changed = g.get("session_with_other_role")
    if changed and who.session_id == changed[0]:
        authentication.renew_session(changed[0], role_id=changed[1])
    if not who.must_enrol or request.endpoint in ALWAYS_ALLOWED | ENROLMENT_PAGES:
        return None
    db.session.rollback()
    message = _("Your role needs a second factor. Set it up first, on the page /profile/second-factor.")
    if is_api_request():
        return error_handlers.error_response(403, message, code="second_factor_required")
    return redirect(url_for("staff.second_factor"), 303)


@pages.post("/stay")
@requires(Permission.SIGNED_IN)
def stay() -> ResponseReturnValue:
    """A page reports typing or scrolling; the request itself counts as activity."""
    return "", 204
