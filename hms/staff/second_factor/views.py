"""Pages: set the second factor up, recovery codes once, switch it off."""

from __future__ import annotations

from flask import Response, flash, make_response, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core import clock
from hms.core.db.session import get_or_not_found
from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.web.forms import ActionForm
from hms.core.web.guard import current_person, requires
from hms.staff.blueprints import pages
from hms.staff.forms import EnrolForm, ProofForm, SwitchOffForm
from hms.staff.login_security.errors import LockedOut, SignInRefused
from hms.staff.models import User
from hms.staff.sign_in import authentication
from hms.staff.sign_in.reauthentication import is_recent, with_recent_authentication

from . import actions
from . import recovery_codes as second_factor_recovery_codes
from .codes import verify_code


@pages.route("/profile/second-factor", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def second_factor() -> ResponseReturnValue:
    """Set up the authenticator app, or move to another phone: picture and text of the secret, then one code."""
    who, form = current_person(), EnrolForm()
    secret = session.setdefault("enrolling", actions.new_secret())
    if form.save(with_recent_authentication(actions.enrol, who), by=who, secret=secret):
        session.pop("enrolling")
        return _show_codes_once(form.result)
    user = get_or_not_found(User, who.id)
    shown = {"enrolment": actions.Enrolment(secret, user.username), "has_one": user.two_factor_enabled}
    page = render_template("staff/second_factor.html", form=form, is_fresh=is_recent(who), **shown)
    return page, form.status


def _show_codes_once(codes: list[str]) -> ResponseReturnValue:
    """The codes travel to the next page in the encrypted cookie, and are nowhere else in words."""
    session["new_codes"] = codes
    who = current_person()
    if who.session_id is not None:
        authentication.renew_session(who.session_id, confirmed_at=clock.now())
    return redirect(url_for(".recovery_codes"), 303)


@pages.get("/profile/recovery-codes")
@requires(Permission.SIGNED_IN)
def recovery_codes() -> ResponseReturnValue:
    """The ten recovery codes, once; without them, how many are left."""
    codes, who = session.pop("new_codes", []), current_person()
    shown = {
        "codes": codes,
        "left": second_factor_recovery_codes.count_unused(who.id or 0),
        "user": get_or_not_found(User, who.id),
        "form": ProofForm(),
    }
    return render_template("staff/recovery_codes.html", is_fresh=is_recent(who), **shown)


@pages.post("/profile/recovery-codes")
@requires(Permission.SIGNED_IN)
def renew_recovery_codes() -> ResponseReturnValue:
    """Ten new codes; the old ones end."""
    who, form = current_person(), ProofForm()
    if form.save(with_recent_authentication(actions.renew_recovery_codes, who), by=who):
        return _show_codes_once(form.result)
    shown = {
        "codes": [],
        "left": second_factor_recovery_codes.count_unused(who.id or 0),
        "user": get_or_not_found(User, who.id),
        "form": form,
    }
    return render_template("staff/recovery_codes.html", is_fresh=is_recent(who), **shown), form.status


@pages.route("/profile/second-factor/off", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def switch_off_second_factor() -> ResponseReturnValue:
    """Switch the second factor off: needs the password and a code."""
    form, who = SwitchOffForm(), current_person()
    if form.validate_on_submit():
        refusal = _try_switch_off(form, who)
        if refusal is None:
            flash(_("Second factor switched off. You now sign in with your password only."), "success")
            return redirect(url_for(".security"), 303)
        return refusal
    return render_template("staff/switch_off.html", form=form), form.status


def _try_switch_off(form: ActionForm, who: Person) -> Response | None:
    """Prove both factors, then switch off; None when it is done, else the page that says why not."""
    try:
        user = authentication.verify_password(who.username, form.password.data)
        if user.two_factor_enabled:
            verify_code(user, form.otp.data, who.username)
        return None if form.save(_switch_off, by=who) else make_response(_switch_off_page(form), form.status)
    except (SignInRefused, LockedOut) as refused:
        form.refuse(RuleBroken.from_error(refused, "otp" if refused.field == "otp" else "password"))
        return make_response(_switch_off_page(form), refused.status if isinstance(refused, LockedOut) else 400)


def _switch_off(*, by: Person, **_typed: str) -> None:
    actions.switch_off_second_factor(by=by)


def _switch_off_page(form: ActionForm) -> str:
    return render_template("staff/switch_off.html", form=form)
