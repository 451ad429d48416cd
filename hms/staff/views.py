"""Pages: one's own page, help; those of signing in stand in files of their own."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.people import Person
from hms.core.permissions import Action
from hms.core.web import needs, person

from . import actions, lock_pages, queries, second_factor_pages, security_pages, sign_in_pages  # noqa: F401 - their pages
from .desk import pages
from .forms import PreferencesForm

__all__ = ("pages",)


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
