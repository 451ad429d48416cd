"""Pages: the documents and the photo of a patient."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core.actions import require_permission
from hms.core.api import read_log
from hms.core.errors import NotFound
from hms.core.permissions import Permission
from hms.core.settings import store as settings
from hms.core.text.numbers import parse_record_id
from hms.core.text.translation import N_
from hms.core.web.guard import current_person, requires
from hms.patients import lookup
from hms.patients.access import policy
from hms.patients.blueprints import pages
from hms.patients.enums import DOCUMENT_CATEGORY_LABELS
from hms.patients.models import RecordDocument
from hms.patients.records.banner import patient_banner
from hms.staff import directory as staff
from hms.staff.profile import images

from . import actions, pdf_pages, queries, rules
from .forms import DocumentForm, ErrorForm, PhotoForm
from .responses import file_response, picture_response


def _render(template: str, patient_id: int, **values: Any) -> str:
    patient, who = lookup.patient(patient_id), current_person()
    policy.check(patient, who)
    read_log.record_read("patients.read_documents", patient_id, entity="patient", entity_id=patient_id)
    return render_template(
        f"patients/{template}.html",
        patient=patient,
        banner=patient_banner(patient, who),
        categories=DOCUMENT_CATEGORY_LABELS,
        **values,
    )


def _render_files(patient_id: int, form: DocumentForm, photo_form: PhotoForm) -> str:
    rows = queries.list_documents(patient_id, current_person())
    return _render(
        "files",
        patient_id,
        form=form,
        photo_form=photo_form,
        rows=rows,
        names=_names(rows),
        photo_id=queries.photo_id(patient_id),
        max_size=settings.value("documents.max_size_kb") * 1000,
        max_photo_size=images.MAX_BYTES,
        max_pixels=images.MAX_PIXELS,
    )


def _names(rows: list[RecordDocument]) -> dict[int, str]:
    return staff.display_names({who for row in rows for who in (row.added_by_id, row.ended_by_id) if who})


@pages.route("/<int:patient_id>/files", methods=["GET", "POST"])
@requires(Permission.EDIT_PATIENT, Permission.OPEN_CHART)
def files(patient_id: int) -> ResponseReturnValue:
    """The documents of the patient; add one."""
    if request.method == "POST":
        require_permission(current_person(), Permission.EDIT_PATIENT)
    policy.check(lookup.patient(patient_id), current_person())
    form = DocumentForm()
    if form.save(actions.add_document, by=current_person(), patient_id=patient_id):
        flash(_("Document added: %(title)s.", title=form.result.title), "success")
        return redirect(url_for(".files", patient_id=patient_id), 303)
    return _render_files(patient_id, form, PhotoForm(formdata=None)), form.status


@pages.route("/<int:patient_id>/files/<int:document_id>", methods=["GET", "POST"])
@requires(Permission.EDIT_PATIENT, Permission.OPEN_CHART)
def file(patient_id: int, document_id: int) -> ResponseReturnValue:
    """One document, shown; mark it as entered in error."""
    if request.method == "POST":
        require_permission(current_person(), Permission.EDIT_PATIENT)
    policy.check(lookup.patient(patient_id), current_person())
    row, form = queries.get_document(patient_id, document_id, current_person()), ErrorForm()
    if form.save(actions.mark_as_error, by=current_person(), patient_id=patient_id, document_id=document_id):
        flash(_("Document marked as entered in error."), "success")
        return redirect(url_for(".files", patient_id=patient_id), 303)
    names = _names([row])
    shown = _pdf_pages(patient_id, document_id) if row.mimetype == rules.PDF else {}
    return _render("file", patient_id, row=row, form=form, names=names, **shown), form.status


def _pdf_pages(patient_id: int, document_id: int) -> dict[str, Any]:
    """Values of the template that shows one page of a PDF: its number, and how many there are (None: it cannot be shown)."""
    row = queries.get_document(patient_id, document_id, current_person(), with_content=True)
    count = pdf_pages.count_pages(row.content)
    number = parse_record_id(request.args.get("page", "")) or 1
    return {"page_count": count, "page_number": min(number, count or 1)}


@pages.get("/<int:patient_id>/files/<int:document_id>/page")
@requires(Permission.EDIT_PATIENT, Permission.OPEN_CHART)
def file_page(patient_id: int, document_id: int) -> Response:
    """The picture of a page of a PDF (`?number=2`); `NotFound` without one."""
    policy.check(lookup.patient(patient_id), current_person())
    row = queries.get_document(patient_id, document_id, current_person(), with_content=True)
    read_log.record_read("patients.read_documents", patient_id, entity="record_document", entity_id=row.id)
    if row.mimetype != rules.PDF:
        raise NotFound(N_("This page cannot be shown."))
    return picture_response(pdf_pages.render_page(row.content, parse_record_id(request.args.get("number", "")) or 1))


@pages.get("/<int:patient_id>/files/<int:document_id>/content")
@requires(Permission.EDIT_PATIENT, Permission.OPEN_CHART)
def file_content(patient_id: int, document_id: int) -> Response:
    """The file itself; `?download=1` to save it."""
    policy.check(lookup.patient(patient_id), current_person())
    row = queries.get_document(patient_id, document_id, current_person(), with_content=True)
    read_log.record_read("patients.read_documents", patient_id, entity="record_document", entity_id=row.id)
    return file_response(row, is_download="download" in request.args)


@pages.get("/<int:patient_id>/photo")
@requires(Permission.FIND_PATIENT)
def photo(patient_id: int) -> Response:
    """The present photo; `NotFound` without one."""
    policy.check(lookup.patient(patient_id), current_person())
    row = queries.get_photo(patient_id)
    read_log.record_read("patients.read", patient_id, entity="patient", entity_id=patient_id)
    if row is None:
        raise NotFound(N_("This patient has no photo."))
    return file_response(row)


@pages.post("/<int:patient_id>/photo")
@requires(Permission.EDIT_PATIENT)
def set_photo(patient_id: int) -> ResponseReturnValue:
    """Set the photo."""
    policy.check(lookup.patient(patient_id), current_person())
    form = PhotoForm()
    if form.save(actions.set_photo, by=current_person(), patient_id=patient_id):
        flash(_("Photo saved."), "success")
        return redirect(url_for(".files", patient_id=patient_id), 303)
    return _render_files(patient_id, DocumentForm(formdata=None), form), form.status


@pages.route("/<int:patient_id>/photo/error", methods=["GET", "POST"])
@requires(Permission.EDIT_PATIENT)
def remove_photo(patient_id: int) -> ResponseReturnValue:
    """Mark the photo as entered in error."""
    form = ErrorForm()
    if form.save(actions.remove_photo, by=current_person(), patient_id=patient_id):
        flash(_("Photo marked as entered in error."), "success")
        return redirect(url_for(".files", patient_id=patient_id), 303)
    return _render("photo_error", patient_id, form=form, photo_id=queries.photo_id(patient_id)), form.status
