"""Pages: one's own ways in. The PIN, the second factor, signed-in devices, and every try to sign in."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.db.session import get_or_not_found
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.web.guard import current_person, requires
from hms.staff import request_user
from hms.staff.blueprints import pages
from hms.staff.forms import PinForm
from hms.staff.login_security import activity
from hms.staff.models import User
from hms.staff.second_factor import recovery_codes
from hms.staff.sign_in.reauthentication import is_recent, with_reauthentication

from . import actions, pins

ROWS = 25


@pages.get("/profile/security")
@requires(Permission.SIGNED_IN)
def security() -> str:
    """What protects the account, and where it is signed in."""
    who = current_person()
    user = get_or_not_found(User, who.id)
    shown = {
        "user": user,
        "codes_left": recovery_codes.count_unused(user.id) if user.two_factor_enabled else 0,
        "is_required": request_user.second_factor_is_required(who.role),
        "sessions": actions.list_sessions(user.id),
        "sign_ins": activity.list_attempts(user.id, limit=8),
    }
    words = {"device": activity.describe_device, "outcomes": activity.OUTCOMES, "is_locked": actions.is_locked}
    return render_template("staff/security.html", **shown, **words)


@pages.route("/profile/pin", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def pin() -> ResponseReturnValue:
    """Choose the PIN that unlocks a page."""
    who, form = current_person(), PinForm()
    fresh = is_recent(who)
    if form.save(_set_pin if fresh else with_reauthentication(_set_pin), by=who):
        flash(
            _("PIN saved. It unlocks pages on PCs where you signed in with your password in the last 12 hours."),
            "success",
        )
        return redirect(url_for(".security"), 303)
    has_one = get_or_not_found(User, who.id).pin_hash is not None
    return render_template("staff/pin.html", form=form, is_fresh=fresh, has_one=has_one), form.status


def _set_pin(*, pin: str, by: Person, **_typed: str) -> None:
    pins.set_pin(pin=pin, by=by)


@pages.post("/profile/pin/drop")
@requires(Permission.SIGNED_IN)
def drop_pin() -> ResponseReturnValue:
    """From now on only the password unlocks."""
    pins.remove_pin(by=current_person())
    flash(_("PIN removed. Use your password to unlock."), "success")
    return redirect(url_for(".security"), 303)


@pages.post("/profile/sessions/<int:session_id>/end")
@requires(Permission.SIGNED_IN)
def end_session(session_id: int) -> ResponseReturnValue:
    """Sign one of one's own devices out."""
    actions.end_own_session(session_id, by=current_person())
    flash(_("Device signed out."), "success")
    return redirect(url_for(".security"), 303)


@pages.post("/profile/sessions/end-others")
@requires(Permission.SIGNED_IN)
def end_other_sessions() -> ResponseReturnValue:
    """Sign every other device out."""
    count = actions.end_own_other_sessions(by=current_person())
    flash(_("Signed out elsewhere: %(count)s.", count=count), "success")
    return redirect(url_for(".security"), 303)


@pages.get("/profile/sign-ins")
@requires(Permission.SIGNED_IN)
def own_sign_ins() -> str:
    """Every try to sign in to one's own account, newest first."""
    before = request.args.get("before", type=int)
    rows = activity.list_attempts(current_person().id or 0, limit=ROWS + 1, before=before)
    older = url_for(".own_sign_ins", before=rows[ROWS - 1].id) if len(rows) > ROWS else None
    words = {"device": activity.describe_device, "outcomes": activity.OUTCOMES}
    return render_template("staff/sign_ins.html", rows=rows[:ROWS], older=older, **words)
