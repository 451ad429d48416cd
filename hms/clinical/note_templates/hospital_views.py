"""Pages: the note templates of the whole hospital, for those who keep them."""

from __future__ import annotations

from functools import partial

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.clinical.blueprints import pages
from hms.clinical.forms import HospitalTemplateForm
from hms.clinical.models import NoteTemplate
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires

from . import actions


@pages.get("/note-templates/hospital")
@requires(Permission.MANAGE_TEMPLATES)
def hospital_templates() -> str:
    """The templates that everybody who writes notes is offered."""
    return render_template("clinical/hospital_templates.html", rows=actions.list_hospital_templates())


@pages.route("/note-templates/hospital/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_TEMPLATES)
def new_hospital_template() -> ResponseReturnValue:
    """One more for everybody."""
    return _form_page(None)


@pages.route("/note-templates/hospital/<int:hospital_template_id>", methods=["GET", "POST"])
@requires(Permission.MANAGE_TEMPLATES)
def hospital_template(hospital_template_id: int) -> ResponseReturnValue:
    """Change one; notes that were written with it stay as they are."""
    return _form_page(actions.get_hospital_template(hospital_template_id))


def _form_page(one: NoteTemplate | None) -> ResponseReturnValue:
    start = {name: getattr(one, name) for name in ("title", "shortcut", "content", "version")} if one else {}
    form = HospitalTemplateForm(data=start)
    if form.save(partial(actions.save_hospital_template, one.id if one else None), by=current_person()):
        flash(_("Template ;%(shortcut)s saved.", shortcut=form.result.shortcut), "success")
        return redirect(url_for("clinical.hospital_templates"), 303)
    list_url = url_for("clinical.hospital_templates")
    return render_template("clinical/note_template.html", form=form, template=one, list_url=list_url), form.status


@pages.post("/note-templates/hospital/<int:hospital_template_id>/withdraw")
@requires(Permission.MANAGE_TEMPLATES)
def withdraw_hospital_template(hospital_template_id: int) -> ResponseReturnValue:
    """Offer it to nobody any more."""
    actions.withdraw_hospital_template(hospital_template_id, by=current_person())
    flash(_("Template withdrawn."), "success")
    return redirect(url_for("clinical.hospital_templates"), 303)
