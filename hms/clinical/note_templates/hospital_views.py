"""Pages: the note templates of the hospital."""

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
    """The templates of the hospital."""
    return render_template("clinical/hospital_templates.html", rows=actions.list_hospital_templates())


@pages.route("/note-templates/hospital/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_TEMPLATES)
def new_hospital_template() -> ResponseReturnValue:
    """Add a template of the hospital."""
    return _form_page(None)


@pages.route("/note-templates/hospital/<int:hospital_template_id>", methods=["GET", "POST"])
@requires(Permission.MANAGE_TEMPLATES)
def hospital_template(hospital_template_id: int) -> ResponseReturnValue:
    """Change a template of the hospital; notes with its text do not change."""
    return _form_page(actions.get_hospital_template(hospital_template_id))


def _form_page(template: NoteTemplate | None) -> ResponseReturnValue:
    form = HospitalTemplateForm(data=HospitalTemplateForm.stored_values(template) if template else {})
    if template is not None:
        template_id = template.id
        form.merge_with(lambda: form.stored_values(actions.get_hospital_template(template_id)))
    if form.save(partial(actions.save_hospital_template, template.id if template else None), by=current_person()):
        flash(_("Template ;%(shortcut)s saved.", shortcut=form.result.shortcut), "success")
        return redirect(url_for("clinical.hospital_templates"), 303)
    list_url = url_for("clinical.hospital_templates")
    return render_template("clinical/note_template.html", form=form, template=template, list_url=list_url), form.status


@pages.post("/note-templates/hospital/<int:hospital_template_id>/withdraw")
@requires(Permission.MANAGE_TEMPLATES)
def withdraw_hospital_template(hospital_template_id: int) -> ResponseReturnValue:
    """Withdraw a template of the hospital."""
    actions.withdraw_hospital_template(hospital_template_id, by=current_person())
    flash(_("Template withdrawn."), "success")
    return redirect(url_for("clinical.hospital_templates"), 303)
