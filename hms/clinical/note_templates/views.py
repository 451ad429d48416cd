"""Pages: the templates of notes."""

from __future__ import annotations

from functools import partial

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
    """The templates one may use, and which of them one may change."""
    who = current_person()
    rows = [(one, actions.SCOPES[actions.get_scope(one)], actions.may_change(one, who)) for one in actions.list_templates(who)]
    return render_template("clinical/note_templates.html", rows=rows)


@pages.get("/note-templates/texts")
@requires(Permission.WRITE_ENCOUNTER)
def template_texts() -> ResponseReturnValue:
    """Shortcut, title and text of each, one's own first, for the page's script."""
    texts = [
        {"id": one.id, "shortcut": one.shortcut, "title": one.title, "content": one.content}
        for one in actions.list_templates(current_person())
    ]
    return jsonify(texts)


@pages.route("/note-templates/new", methods=["GET", "POST"])
@requires(Permission.WRITE_ENCOUNTER)
def new_template() -> ResponseReturnValue:
    """A new template."""
    return _form_page(None)


@pages.route("/note-templates/<int:template_id>", methods=["GET", "POST"])
@requires(Permission.WRITE_ENCOUNTER)
def template(template_id: int) -> ResponseReturnValue:
    """Change a template of one's own or of one's department."""
    one = actions.get_readable(template_id, current_person())
    if not actions.may_change(one, current_person()):
        raise NotFound(N_("This template does not exist."))
    return _form_page(one)


def _form_page(one: NoteTemplate | None) -> ResponseReturnValue:
    who = current_person()
    start = {"belongs_to": actions.OWN}
    if one is not None:
        start = {name: getattr(one, name) for name in ("title", "shortcut", "content", "version")}
        start["belongs_to"] = actions.get_scope(one)
    form = TemplateForm(data=start)
    form.offer(has_department=who.department_id is not None)
    if form.save(partial(actions.save_template, one.id if one else None), by=who):
        flash(_("Template ;%(shortcut)s saved.", shortcut=form.result.shortcut), "success")
        return redirect(url_for("clinical.templates"), 303)
    return render_template("clinical/note_template.html", form=form, template=one), form.status


@pages.post("/note-templates/<int:template_id>/withdraw")
@requires(Permission.WRITE_ENCOUNTER)
def withdraw_template(template_id: int) -> ResponseReturnValue:
    """Offer it no more."""
    actions.withdraw_template(template_id, by=current_person())
    flash(_("Template withdrawn."), "success")
    return redirect(url_for("clinical.templates"), 303)
