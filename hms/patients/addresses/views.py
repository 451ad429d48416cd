"""Pages: load the hierarchy of addresses, and the suggestions while one is typed."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField

from hms.core import drafts
from hms.core.errors import Conflict
from hms.core.permissions import Permission
from hms.core.text.cleaning import search_text
from hms.core.text.translation import N_
from hms.core.web.buttons import press
from hms.core.web.forms import ActionForm
from hms.core.web.guard import current_person, requires
from hms.patients.blueprints import pages

from . import actions, queries
from .rules import AreaFile, read_areas

DRAFT = "address_areas"
FIRST_ROWS = 5
MAX_FILE_SIZE = 1_900_000
"""Bytes; with the form the body has at most 2 MiB."""

pages.add_app_template_global(queries.area_path, "area_path")
pages.add_app_template_global(queries.has_areas, "has_areas")


class AreaFileForm(ActionForm):
    """A CSV file with the hierarchy."""

    file = FileField(_l("CSV file"))


@pages.get("/areas")
@requires(Permission.EDIT_PATIENT)
def areas() -> list[dict[str, str]]:
    """The areas with the typed words, for the field that suggests them."""
    found = queries.find_areas(search_text(request.args.get("q")))
    return [{"value": str(row.id), "label": row.path, "detail": row.level_name} for row in found]


@pages.route("/address-areas", methods=["GET", "POST"])
@requires(Permission.MANAGE_SETTINGS)
def address_areas() -> ResponseReturnValue:
    """What is loaded; check a file. A file without faults is kept until it is loaded or another one is checked."""
    form, read, status = AreaFileForm(), None, 200
    if form.is_submitted() and form.validate():
        content = form.file.data.read() if form.file.data else b""
        read = read_areas(content)
        status = 400 if read.errors else 200
        if not read.errors:
            drafts.save_draft(current_person().id, DRAFT, {"csv": content.decode("utf-8-sig")})
    words = {"counts": queries.count_areas(), "first": FIRST_ROWS, "max_size": MAX_FILE_SIZE}
    page = render_template("patients/address_areas.html", form=form, read=read, **words)
    return page, max(status, form.status)


@pages.post("/address-areas/load")
@requires(Permission.MANAGE_SETTINGS)
def load_areas() -> ResponseReturnValue:
    """Load the file that was checked last."""
    if press(lambda *, by: actions.load_areas(_checked_file(), by=by)):
        drafts.discard(current_person().id, DRAFT)
        flash(_("Areas loaded: %(count)s are offered now.", count=sum(queries.count_areas().values())), "success")
    return redirect(url_for(".address_areas"), 303)


def _checked_file() -> AreaFile:
    draft = drafts.get_draft(current_person().id, DRAFT)
    if draft is None:
        raise Conflict(N_("No checked file is left to load. Choose the file, then check it again."), code="no_file")
    return read_areas(draft.content["csv"].encode())
