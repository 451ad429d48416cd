"""Pages: wall screens, and the administrators' page of their links."""

from __future__ import annotations

import json
from typing import Any

from flask import flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import Row
from wtforms.fields.choices import SelectChoice

from hms.appointments.blueprints import pages
from hms.appointments.forms import ScreenForm
from hms.appointments.lines import tokens
from hms.appointments.points.queries import list_points
from hms.appointments.view_helpers import list_doctor_choices
from hms.core.permissions import Permission
from hms.core.web.buttons import press
from hms.core.web.guard import current_person, requires
from hms.core.web.localisation import language, offered_languages

from . import actions, queries


@pages.get("/wall/<secret>")
@requires(Permission.PUBLIC)
def wall(secret: str) -> str:
    """A wall screen: called numbers with rooms, and the next numbers with their waits. No names of patients."""
    return render_template("appointments/wall.html", secret=secret, **_load_wall(queries.get_screen(secret)))


@pages.get("/wall/<secret>/rows")
@requires(Permission.PUBLIC)
def wall_rows(secret: str) -> str:
    """The part of a wall screen that it fetches again every few seconds."""
    return render_template("appointments/_wall.html", **_load_wall(queries.get_screen(secret)))


def _load_wall(screen: Row) -> dict[str, Any]:
    calls = tokens.list_last_calls(doctor_id=screen.doctor_id, point_id=screen.point_id)
    return {
        "screen": screen,
        "calls": calls,
        "next_tokens": tokens.list_next_tokens(doctor_id=screen.doctor_id, point_id=screen.point_id),
        "waits": tokens.load_waits(doctor_id=screen.doctor_id, point_id=screen.point_id),
        "sentences": {row.id: json.dumps(_sentences(row, screen.spoken)) for row in calls},
    }


def _sentences(call: Row, languages: list[str]) -> list[tuple[str, str]]:
    """What is spoken for a call: (language, sentence) for each language of the screen."""
    spoken = []
    for code in languages:
        with language(code):
            place = call.room or _("Ask at the desk")
            spoken.append((code, _("Number %(token)s, %(place)s", token=call.token, place=place)))
    return spoken


@pages.route("/admin/wall-screens", methods=["GET", "POST"])
@requires(Permission.MANAGE_SETTINGS)
def wall_screens() -> ResponseReturnValue:
    """The wall screens in use; a form makes one. Its link is shown once: the encrypted session cookie carries the secret."""
    form = ScreenForm()
    form.doctor_id.choices = [SelectChoice("", _("All doctors")), *list_doctor_choices()]
    points = list_points(is_open=True)
    form.point_id.choices = [
        SelectChoice("", _("No service point")),
        *(SelectChoice(row.id, row.name) for row in points),
    ]
    form.spoken.choices = list(offered_languages().items())
    if form.save(actions.make_screen, by=current_person()):
        screen, session["screen"] = form.result
        flash(_("Wall screen %(name)s made.", name=screen.name), "success")
        return redirect(url_for(".wall_screens"), 303)
    secret = session.pop("screen", None)
    link = url_for(".wall", secret=secret, _external=True) if secret else None
    page = render_template("appointments/wall_screens.html", form=form, link=link, screens=queries.list_screens())
    return page, form.status


@pages.post("/admin/wall-screens/<int:screen_id>/switch-off")
@requires(Permission.MANAGE_SETTINGS)
def switch_off_screen(screen_id: int) -> ResponseReturnValue:
    """End the link of a wall screen."""
    if press(actions.switch_off_screen, screen_id=screen_id):
        flash(_("Wall screen switched off."), "success")
    return redirect(url_for(".wall_screens"), 303)
