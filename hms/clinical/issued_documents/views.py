"""Pages: issue a document after a visit, print it, and check a code that somebody asks about."""

from __future__ import annotations

from typing import Any

from flask import flash, get_template_attribute, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.clinical.blueprints import pages
from hms.clinical.encounter_page import page_data
from hms.clinical.encounters import queries as encounters
from hms.clinical.enums import IssuedKind
from hms.clinical.models import IssuedDocument
from hms.core.api import read_log
from hms.core.errors import NotFound
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.localisation import language, offered_languages
from hms.patients.records import banner

from . import actions, queries, rules
from .forms import DocumentCodeForm, IssueForm


@pages.get("/encounters/<int:encounter_id>/documents")
@requires(Permission.OPEN_CHART)
def documents(encounter_id: int) -> ResponseReturnValue:
    """The documents of a visit, and what can be issued."""
    return _list_page(encounter_id, IssueForm(formdata=None))


@pages.post("/encounters/<int:encounter_id>/documents/<kind>")
@requires(Permission.WRITE_ENCOUNTER)
def issue_document(encounter_id: int, kind: str) -> ResponseReturnValue:
    """Issue a document; its page follows, to print it."""
    if kind not in tuple(IssuedKind):
        raise NotFound(queries.NOT_THERE)
    form = IssueForm()
    if form.save(actions.issue_document, by=current_person(), encounter_id=encounter_id, kind=kind):
        return redirect(url_for("clinical.document", issued_id=form.result.id), 303)
    return _list_page(encounter_id, form)


def _list_page(encounter_id: int, form: IssueForm) -> ResponseReturnValue:
    encounter, patient = encounters.get_encounter_with_patient(encounter_id, current_person())
    read_log.record_read("clinical.read_encounter", patient.id, entity="encounter", entity_id=encounter_id)
    offered = offered_languages()
    form.language.choices = list(offered.items())
    if form.language.data is None:
        form.language.data = patient.language if patient.language in offered else "en"
    page = render_template(
        "clinical/documents.html",
        form=form,
        encounter=encounter,
        patient=patient,
        banner=banner.patient_banner(patient, current_person()),
        documents=queries.list_documents(encounter_id),
    )
    return page, form.status


@pages.get("/issued-documents/<int:issued_id>")
@requires(Permission.OPEN_CHART)
def document(issued_id: int) -> str:
    """The document as it is printed, in its own language."""
    row = queries.get_document(issued_id, current_person())
    page = page_data.load_page(row.encounter_id, current_person())
    return render_template("clinical/document.html", document=row, page=page, article=_article(row, page))


def _article(document: IssuedDocument, page: page_data.EncounterPage) -> Any:
    """The printed part: a macro of the kind's name, which Jinja escapes as it does a page."""
    macro = get_template_attribute("clinical/_documents.html", document.kind)
    with language(document.language):
        return macro(page, document)


@pages.post("/issued-documents/<int:issued_id>/withdraw")
@requires(Permission.WRITE_ENCOUNTER)
def withdraw_document(issued_id: int) -> ResponseReturnValue:
    """Say that a document was entered in error."""
    row = actions.withdraw_document(issued_id, by=current_person())
    flash(_("The document was withdrawn. Its code is not valid any more."), "success")
    return redirect(url_for("clinical.documents", encounter_id=row.encounter_id), 303)


@pages.route("/issued-documents/check", methods=["GET", "POST"])
@requires(Permission.FIND_PATIENT)
def check_code() -> ResponseReturnValue:
    """Say whether a document with this code was issued here, for whom, and whether it still counts."""
    form = DocumentCodeForm()
    document, patient = None, None
    if form.validate_on_submit():
        document, patient = queries.find_by_code(rules.read_code(form.code.data or ""), current_person()) or (
            None,
            None,
        )
        if document is None or patient is None:
            form.code.errors = [*form.code.errors, _("No document has this code. Compare it with the document again.")]
        else:
            read_log.record_read("clinical.check_document", patient.id, entity="issued_document", entity_id=document.id)
    page = render_template(
        "clinical/check_document.html",
        form=form,
        document=document,
        patient=patient,
        is_valid=document is not None and queries.counts(document),
    )
    return page, form.status
