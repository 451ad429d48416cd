"""Pages: one's own account, pictures, help."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.db.session import get_or_not_found
from hms.core.permissions import Permission
from hms.core.settings import store as settings
from hms.core.web.guard import current_person, requires
from hms.core.web.rate_limits import limiter
from hms.staff.blueprints import pages
from hms.staff.forms import EmailForm, NamesForm, PasswordForm, PhoneForm, PhotoForm, PreferencesForm
from hms.staff.login_security import activity
from hms.staff.models import User
from hms.staff.sign_in.reauthentication import with_reauthentication

from . import actions, images

PICTURES_PER_PERSON = "10/10 minutes"


def _current_preferences() -> dict[str, Any]:
    who = current_person()
    return {
        "language": who.language,
        "theme": who.theme,
        "density": who.density,
        "text_size": who.text_size,
        "single_keys": not who.shortcuts_off,
        "notify_on_page": who.preferences.get("notify_on_page", True),
        "notify_by_email": who.preferences.get("notify_by_email", False),
        "notify_by_sms": who.preferences.get("notify_by_sms", False),
    }


def _stored_values(*names: str) -> dict[str, Any]:
    user = get_or_not_found(User, current_person().id)
    return {name: getattr(user, name) for name in names}


@pages.route("/profile", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def profile() -> ResponseReturnValue:
    """One's own account and preferences."""
    form = PreferencesForm(data=_current_preferences())
    form.merge_with(_current_preferences)
    if form.save(actions.change_preferences, by=current_person()):
        flash(_("Preferences saved."), "success")
        return redirect(url_for(".profile"), 303)
    page = render_template(
        "staff/profile.html",
        form=form,
        user=get_or_not_found(User, current_person().id),
        photo=actions.get_photo_mark(current_person().id),
        sign_ins=activity.list_attempts(current_person().id),
    )
    return page, form.status


@pages.route("/profile/name", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def change_names() -> ResponseReturnValue:
    """Change one's own name, as colleagues and documents show it."""
    form = NamesForm(obj=get_or_not_found(User, current_person().id))
    form.merge_with(lambda: _stored_values("title", "first_name", "last_name"))
    if form.save(actions.change_names, by=current_person()):
        return _back_to_profile(_("Name saved."))
    return render_template("staff/own_name.html", form=form), form.status


@pages.route("/profile/email", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def change_email() -> ResponseReturnValue:
    """Change one's own e-mail address, with the password."""
    form = EmailForm(obj=get_or_not_found(User, current_person().id))
    form.merge_with(lambda: _stored_values("email"))
    if form.save(with_reauthentication(actions.change_email, "current"), by=current_person()):
        return _back_to_profile(_("E-mail address saved."))
    return render_template("staff/own_email.html", form=form), form.status


@pages.route("/profile/phone", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def change_phone() -> ResponseReturnValue:
    """Change one's own mobile phone, with the password."""
    form = PhoneForm(obj=get_or_not_found(User, current_person().id))
    form.merge_with(lambda: _stored_values("phone"))
    if form.save(with_reauthentication(actions.change_phone, "current"), by=current_person()):
        return _back_to_profile(_("Phone saved."))
    return render_template("staff/own_phone.html", form=form), form.status


@pages.route("/profile/password", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def change_password() -> ResponseReturnValue:
    """Change one's own password, with the current one; every other session ends."""
    form = PasswordForm()
    if form.save(with_reauthentication(actions.change_password, "current"), by=current_person()):
        return _back_to_profile(_("Password changed. You were signed out on all other devices."))
    return render_template(
        "staff/own_password.html", form=form, shortest=settings.value("staff.shortest_password")
    ), form.status


@pages.route("/profile/photo", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
@limiter.limit(PICTURES_PER_PERSON, methods=["POST"], key_func=lambda: f"person {current_person().id}")
def change_photo() -> ResponseReturnValue:
    """Add or change one's own picture."""
    form = PhotoForm()
    if form.save(actions.save_photo, by=current_person()):
        return _back_to_profile(_("Picture saved."))
    return render_template(
        "staff/own_photo.html",
        form=form,
        photo=actions.get_photo_mark(current_person().id),
        max_photo_size=images.MAX_BYTES,
        max_pixels=images.MAX_PIXELS,
    ), form.status


@pages.post("/profile/photo/remove")
@requires(Permission.SIGNED_IN)
def drop_photo() -> ResponseReturnValue:
    """Remove one's own picture."""
    actions.remove_photo(by=current_person())
    return _back_to_profile(_("Picture removed."))


def _back_to_profile(message: str) -> ResponseReturnValue:
    flash(message, "success")
    return redirect(url_for(".profile"), 303)


@pages.get("/people/<int:user_id>/photo")
@requires(Permission.SIGNED_IN)
def photo(user_id: int) -> Response:
    """A picture: one's own, or a colleague's for those who may see colleagues."""
    may_see = user_id == current_person().id or current_person().may(Permission.READ_STAFF)
    row = actions.get_photo(user_id) if may_see else None
    if row is None:
        abort(404)
    response = Response(row.image, mimetype="image/jpeg")
    response.set_etag(row.mark)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Disposition"] = 'inline; filename="photo.jpg"'
    return response.make_conditional(request)


@pages.get("/help")
@requires(Permission.SIGNED_IN)
def help_page() -> str:
    """Help: how the daily tasks are done, by desk."""
    return render_template("staff/help.html")
