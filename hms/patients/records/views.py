"""Pages: search and list patients, correct a record, print its printed. The chart is in the `chart` desk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import flash, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hms.core.api import read_log
from hms.core.documents.printers import Printer
from hms.core.permissions import Permission
from hms.core.text.cleaning import search_text
from hms.core.text.numbers import parse_record_id
from hms.core.web import navigation
from hms.core.web.guard import current_person, requires
from hms.core.web.printer_choice import chosen_printer, printer_links, remember_printer
from hms.patients import forms, lookup
from hms.patients.access import policy
from hms.patients.blueprints import pages, redirect_after_save
from hms.patients.registration import drafts
from hms.patients.search import queries as search_queries
from hms.patients.search.number_words import describe_number_problem

from . import actions as record_actions
from . import banner as record_banner
from . import printed
from . import queries as record_queries
from .printed import PrintedDocument

navigation.add_entry(
    _l("Patients"), "patients.index", Permission.EDIT_PATIENT, order=30, also=("/encounters/", "/vitals/")
)

PRINTER_COOKIE = "hms_printer"

pages.add_app_template_global(describe_number_problem, "number_problem")


@pages.get("/")
@requires(Permission.FIND_PATIENT)
def index() -> str:
    """Search patients, or page through the list by family name."""
    typed = search_text(request.args.get("q"))
    if typed:
        hits = search_queries.search_patients(typed, limit=record_queries.PAGE, who=current_person())
        read_log.record_list_read("patients.read_list", len(hits), entity="patient", is_search=True)
        return render_template("patients/index.html", typed=typed, hits=hits, listing=None)
    listing = record_queries.patients_by_name(after=_id("after"), before=_id("before"))
    read_log.record_list_read("patients.read_list", len(listing.rows), entity="patient")
    return render_template("patients/index.html", typed="", hits=_hits(listing), listing=listing)


def _hits(listing: record_queries.NamePage) -> list[search_queries.SearchResult]:
    return [search_queries.build_result(row, who=current_person()) for row in listing.rows]


def _id(name: str) -> int | None:
    return parse_record_id(request.args.get(name, ""))


@pages.route("/<int:patient_id>/edit", methods=["GET", "POST"])
@requires(Permission.EDIT_PATIENT)
def edit(patient_id: int) -> ResponseReturnValue:
    """Correct a patient's details."""
    patient = lookup.patient(patient_id)
    policy.check_team(patient, current_person())
    form = forms.CorrectionForm(data=forms.recorded_values(patient))
    form.merge_with(lambda: forms.recorded_values(lookup.patient(patient_id)))
    if form.save(record_actions.update_patient, by=current_person(), patient_id=patient_id):
        flash(_("Details saved."), "success")
        return redirect_after_save(patient_id)
    return _correction(patient_id, form)


def _correction(patient_id: int, form: forms.CorrectionForm, proposed: list[str] | None = None) -> ResponseReturnValue:
    """The form; `proposed` are the labels of fields with a value that is not recorded yet."""
    patient = lookup.patient(patient_id)
    page = render_template(
        "patients/edit.html",
        form=form,
        patient=patient,
        banner=record_banner.patient_banner(patient, current_person()),
        proposed=proposed or [],
    )
    _note("patients.read", patient_id)
    return page, form.status


def _note(action: str, patient_id: int) -> None:
    read_log.record_read(action, patient_id, entity="patient", entity_id=patient_id)


@pages.post("/<int:patient_id>/use")
@requires(Permission.EDIT_PATIENT)
def use(patient_id: int) -> ResponseReturnValue:
    """Use an existing patient instead of registering: propose the typed phone and address as changes."""
    patient, typed = lookup.patient(patient_id), forms.RegistrationForm()
    policy.check_team(patient, current_person())
    drafts.discard(current_person(), typed.draft.data or "")
    recorded = forms.recorded_values(patient)
    proposed = [name for name in ("contact_info", "address") if typed[name].data and typed[name].data != recorded[name]]
    if not proposed:
        return redirect_after_save(patient_id)
    form = forms.CorrectionForm(formdata=None, data=recorded | {name: typed[name].data for name in proposed})
    form.merge_with(lambda: forms.recorded_values(lookup.patient(patient_id)))
    form.conflict = None
    return _correction(patient_id, form, [str(form[name].label.text) for name in proposed])


@pages.get("/<int:patient_id>/card", defaults={"document": PrintedDocument.CARD})
@pages.get("/<int:patient_id>/wrist-band", defaults={"document": PrintedDocument.WRIST_BAND})
@pages.get("/<int:patient_id>/folder-label", defaults={"document": PrintedDocument.FOLDER_LABEL})
@requires(Permission.REGISTER_PATIENT)
def print_document(patient_id: int, document: PrintedDocument) -> ResponseReturnValue:
    """A document that names the patient, for printing. `printer` is one of `Printer`; this computer remembers the last one."""
    patient = lookup.patient(patient_id)
    printer = chosen_printer(PRINTER_COOKIE, Printer.A4)
    page = render_template(
        "patients/printed.html",
        patient=patient,
        banner=record_banner.patient_banner(patient, current_person()),
        codes=printed.build_codes(patient.hospital_number),
        document=document,
        printer=printer,
        size=printed.PAGE_SIZES[document, printer],
        title=printed.DOCUMENT_NAMES[document],
        document_links=_links(printed.DOCUMENT_NAMES, document, lambda one: _print_url(patient_id, one)),
        printer_links=printer_links(printer, lambda one: _print_url(patient_id, document, one)),
    )
    _note("patients.read_card", patient_id)
    return remember_printer(make_response(page), PRINTER_COOKIE)


def _print_url(patient_id: int, document: PrintedDocument, printer: Printer | None = None) -> str:
    return url_for("patients.print_document", patient_id=patient_id, document=document, printer=printer)


def _links(names: Mapping[Any, object], current: str, address: Callable[[Any], str]) -> list[dict[str, Any]]:
    return [{"label": label, "url": address(one), "is_current": one == current} for one, label in names.items()]
