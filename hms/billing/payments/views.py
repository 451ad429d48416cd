"""Pages: taking a payment, and its receipt."""

from __future__ import annotations

from flask import Response, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.billing.bills import line_pages
from hms.billing.bills import queries as bill_queries
from hms.billing.bills.rules import Dues
from hms.billing.blueprints import pages
from hms.billing.corrections.queries import list_requests_of_bill
from hms.billing.documents import queries as document_queries
from hms.billing.documents import receipt, receipt_layout
from hms.billing.enums import SELF, Method
from hms.billing.forms import PayForm
from hms.billing.models import Bill
from hms.billing.tills import queries as till_queries
from hms.billing.tills import rules
from hms.core.api import read_log
from hms.core.documents.barcodes import code128
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.patients.records import banner as patients

from . import actions, queries


@pages.route("/bills/<int:bill_id>/pay", methods=["GET", "POST"])
@requires(Permission.TAKE_PAYMENT)
def pay(bill_id: int) -> ResponseReturnValue:
    """Take a payment; the receipt follows."""
    form = PayForm()
    form.payer.choices = []
    if form.save(actions.take_payment, by=current_person(), bill_id=bill_id):
        if request.form.get("do") == "print":
            actions.count_receipt_print(form.result.id, by=current_person())
        prints = 1 if request.form.get("do") == "print" else None
        return redirect(url_for("billing.payment", payment_id=form.result.id, taken=1, prints=prints), 303)
    bill, patient = bill_queries.bill_with_patient(bill_id)
    dues = actions.dues_of(bill)
    if request.method == "GET":
        _fill_in(form, dues, bill)
    form.payer.choices = [(SELF, _("Patient")), (bill.payer, bill.payer)] if dues.payer else []
    due = dues.payer if dues.payer and form.payer.data == bill.payer else dues.patient
    values = {
        "bill": bill,
        "owed": dues.patient + dues.payer,
        "due": due,
        "dues": {SELF: dues.patient, bill.payer: dues.payer} if dues.payer else {},
        "patient": patients.patient_banner(patient, current_person()),
        "lines": line_pages.line_page(bill.id, current_person()),
        "quick": rules.quick_amounts(due, current_app.config["CURRENCY"]),
        "shift": till_queries.open_shift(current_person().id),
        "requests": [row for row in list_requests_of_bill(bill.id) if row.correction.status == "waiting"],
    }
    read_log.record_read("billing.read_bill", patient.id, entity="bill", entity_id=bill_id)
    return render_template("billing/pay.html", form=form, **values), form.status


def _fill_in(form: PayForm, dues: Dues, bill: Bill) -> None:
    """Propose the patient's part, or the other payer's when only theirs is left."""
    form.payer.data = SELF if dues.patient or not dues.payer else bill.payer
    form.amount.data = dues.patient if form.payer.data == SELF else dues.payer
    if form.payer.data != SELF:
        form.method.data = Method.INSURANCE.value


@pages.get("/payments/<int:payment_id>")
@requires(Permission.READ_PAYMENTS)
def payment(payment_id: int) -> str:
    """A payment and its receipt, ready for the roll printer."""
    row, bill, patient = queries.payment_with_bill(payment_id)
    dues = actions.dues_of(bill)
    paper = receipt.receipt_paper()
    slip = receipt.receipt_content(row, bill, max(document_queries.count_copies("receipt", row.id) - 1, 0))
    lines, foot = receipt_layout.lines(slip, paper.columns), receipt_layout.foot(slip, paper.columns)
    read_log.record_read("billing.read_receipt", patient.id, entity="payment", entity_id=payment_id)
    return render_template(
        "billing/receipt.html",
        payment=row,
        bill=bill,
        patient=patients.patient_banner(patient, current_person()),
        dues=dues,
        owed=dues.patient + dues.payer,
        paper=paper,
        height=receipt_layout.height_mm(lines, foot),
        lines=lines,
        foot=foot,
        code=code128(row.number.replace("-", "")),
        is_new="taken" in request.args,
        prints="prints" in request.args,
    )


@pages.post("/payments/<int:payment_id>/print")
@requires(Permission.READ_PAYMENTS)
def print_again(payment_id: int) -> Response:
    """Print the receipt again, marked COPY."""
    actions.count_receipt_print(payment_id, by=current_person())
    return redirect(url_for("billing.payment", payment_id=payment_id, prints=1), 303)
