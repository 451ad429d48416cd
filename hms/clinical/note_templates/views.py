"""Pages: one's own note templates and those of one's department."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.clinical.blueprints import pages
from hms.clinical.forms import TemplateForm
from hms.clinical.models import NoteTemplate
from hms.core.errors import NotFound
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires

from . import actions


@pages.get("/note-templates")
@requires(Permission.WRITE_ENCOUNTER)
def templates() -> str:
    """The templates that the person may use; they may change some of them."""
    who = current_person()
    rows = [
        (
            template,
            actions.KINDS[template.kind],
            actions.SCOPES[actions.get_scope(template)],
            actions.may_change(template, who),
        )
        for template in actions.list_templates(who)
    ]
    return render_template("clinical/note_templates.html", rows=rows)


@pages.get("/note-templates/texts")
@requires(Permission.WRITE_ENCOUNTER)
def template_texts() -> ResponseReturnValue:
    """JSON for the page's script: shortcut, title and text of each template, one's own first."""
    texts = [
        {"id": template.id, "shortcut": template.shortcut, "title": template.title, "content": template.content}
        for template in actions.list_templates(current_person(), actions.NOTE)
    ]
    return jsonify(texts)


@pages.route("/note-templates/new", methods=["GET", "POST"])
@requires(Permission.WRITE_ENCOUNTER)
def new_template() -> ResponseReturnValue:
    """Add a template."""
    return _form_page(None)


@pages.route("/note-templates/<int:template_id>", methods=["GET", "POST"])
@requires(Permission.WRITE_ENCOUNTER)
def template(template_id: int) -> ResponseReturnValue:
    """Change a template of one's own or of one's department."""
    row = actions.get_readable(template_id, current_person())
    if not actions.may_change(row, current_person()):
        raise NotFound(N_("This template does not exist."))
    return _form_page(row)


def _form_page(template: NoteTemplate | None) -> ResponseReturnValue:
    who = current_person()
    form = TemplateForm(data=_stored_values(template) if template else {"belongs_to": actions.OWN})
    if template is not None:
        template_id = template.id
        form.merge_with(lambda: _stored_values(actions.get_readable(template_id, who)))
    form.offer(has_department=who.department_id is not None)
    if form.save(partial(actions.save_template, template.id if template else None), by=who):
        flash(_("Template ;%(shortcut)s saved.", shortcut=form.result.shortcut), "success")
        return redirect(url_for("clinical.templates"), 303)
    return render_template("clinical/note_template.html", form=form, template=template), form.status


def _stored_values(template: NoteTemplate) -> dict[str, Any]:
    return TemplateForm.stored_values(template) | {"belongs_to": actions.get_scope(template)}


@pages.post("/note-templates/<int:template_id>/withdraw")
@requires(Permission.WRITE_ENCOUNTER)
def withdraw_template(template_id: int) -> ResponseReturnValue:
    """Withdraw a template."""
    actions.withdraw_template(template_id, by=current_person())
    flash(_("Template withdrawn."), "success")
    return redirect(url_for("clinical.templates"), 303)
