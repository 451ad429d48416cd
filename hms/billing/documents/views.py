"""Pages: the status of a bill's invoice, and the file."""

from __future__ import annotations

from flask import Response, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from hms.billing.bills import issuing
from hms.billing.bills import queries as bill_queries
from hms.billing.blueprints import pages
from hms.core.api import read_log
from hms.core.background import redis
from hms.core.errors import Conflict
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.core.web.localisation import translate_error
from hms.patients.records import banner as patients

from . import queries


@pages.get("/bills/<int:bill_id>/invoice.pdf")
@requires(Permission.READ_BILL)
def invoice_pdf(bill_id: int) -> ResponseReturnValue:
    """The stored invoice; while it is being created, 202 and a page that shows the status."""
    bill, patient = bill_queries.bill_with_patient(bill_id)
    read_log.record_read("billing.read_invoice", patient.id, entity="bill", entity_id=bill_id)
    content = queries.invoice_pdf(bill)
    if content is not None:
        return _pdf(content, f"{bill.number or f'draft-{bill.id}'}.pdf")
    if queries.invoice_status(bill).state == "none":
        issuing.ask_for_invoice(bill_id, by=current_person())
    values = {"bill": bill, "invoice": queries.invoice_status(bill), "printer_answers": redis.is_available}
    banner = patients.patient_banner(patient, current_person())
    return render_template("billing/invoice_wait.html", patient=banner, **values), 202


def _pdf(content: bytes, name: str) -> Response:
    response = make_response(content)
    response.mimetype = "application/pdf"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response


@pages.post("/bills/<int:bill_id>/invoice")
@requires(Permission.READ_BILL)
def make_invoice(bill_id: int) -> Response:
    """Create the invoice, or try again."""
    issuing.ask_for_invoice(bill_id, by=current_person())
    return redirect(url_for("billing.bill", bill_id=bill_id, _anchor="papers"), 303)


@pages.post("/bills/<int:bill_id>/invoice/reprint")
@requires(Permission.READ_BILL)
def reprint_invoice(bill_id: int) -> Response:
    """Create the invoice again, marked COPY."""
    try:
        issuing.reprint_invoice(bill_id, by=current_person())
    except Conflict as error:
        flash(translate_error(error), "error")
    return redirect(url_for("billing.bill", bill_id=bill_id, _anchor="papers"), 303)


@pages.get("/bills/<int:bill_id>/invoice")
@requires(Permission.READ_BILL)
def invoice_job(bill_id: int) -> str:
    """The status of the invoice, for its automatic update."""
    bill, patient = bill_queries.bill_with_patient(bill_id)
    read_log.record_read("billing.read_bill", patient.id, entity="bill", entity_id=bill_id, renews=True)
    return render_template(
        "billing/_invoice.html", bill=bill, invoice=queries.invoice_status(bill), printer_answers=redis.is_available
    )
