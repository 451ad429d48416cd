"""Pages: requesting a refund, a void or a write-off, and deciding requests of others."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.billing.bills import issuing, line_pages
from hms.billing.bills import queries as bill_queries
from hms.billing.blueprints import pages
from hms.billing.enums import SELF, BillState, CorrectionStatus
from hms.billing.forms import OWED_AGAIN, CreditForm, ReasonForm, RefundForm, WriteOffForm
from hms.billing.models import Bill
from hms.billing.payments import actions as payment_actions
from hms.billing.payments import queries as payment_queries
from hms.core.api import read_log
from hms.core.permissions import Permission
from hms.core.web.guard import current_person, requires
from hms.patients import lookup
from hms.patients.models import Patient
from hms.patients.records import banner as record_banner
from hms.patients.records.banner import Banner
from hms.staff.forms import ProofForm
from hms.staff.sign_in.reauthentication import is_recent, with_recent_authentication

from . import actions, credits, queries
from .rules import check_creditable


@pages.get("/approvals")
@requires(Permission.PROPOSE_CORRECTION)
def approvals() -> str:
    """Requests to decide, own requests, and decided ones."""
    return render_template("billing/approvals.html", **_list())


@pages.get("/approvals/rows")
@requires(Permission.PROPOSE_CORRECTION)
def approval_rows() -> str:
    """The rows of the list, for its automatic update."""
    return render_template("billing/_approval_rows.html", **_list())


def _list() -> dict[str, Any]:
    show = request.args.get("show", "waiting")
    lists = {"own": lambda: queries.list_own_requests(current_person()), "decided": queries.list_decided_requests}
    requests = lists.get(show, lambda: queries.list_waiting_requests(current_person()))()
    read_log.record_list_read("billing.read_list", len(requests), entity="correction", renews=True)
    show = show if show in lists else "waiting"
    return {"show": show, "requests": requests, "export_filters": _export_filters(show)}


def _export_filters(show: str) -> dict[str, object]:
    """The filters of the API's list for the tab."""
    tabs: dict[str, dict[str, object]] = {
        "own": {"proposed_by": current_person().id},
        "decided": {"is_decided": "true", "ordering": "-decided_at"},
    }
    return tabs.get(show, {"status": CorrectionStatus.WAITING.value, "ordering": "id"})


@pages.route("/approvals/<int:correction_id>/approve", methods=["GET", "POST"])
@requires(Permission.APPROVE_CORRECTION)
def approve(correction_id: int) -> ResponseReturnValue:
    """Approve a request after re-authentication; it takes effect at once."""
    form, who = ProofForm(), current_person()
    if form.save(with_recent_authentication(actions.approve, who), by=who, correction_id=correction_id):
        flash(_("Request approved"), "success")
        return redirect(url_for("billing.bill", bill_id=form.result.bill_id), 303)
    return render_template(
        "billing/approve.html", form=form, is_fresh=is_recent(who), **_request_page(correction_id)
    ), form.status


@pages.route("/approvals/<int:correction_id>/decline", methods=["GET", "POST"])
@requires(Permission.APPROVE_CORRECTION)
def decline(correction_id: int) -> ResponseReturnValue:
    """Decline a request, with a reason."""
    form = ReasonForm()
    if form.save(actions.decline, by=current_person(), correction_id=correction_id):
        flash(_("Request declined"), "success")
        return redirect(url_for("billing.approvals"), 303)
    return render_template("billing/decline.html", form=form, **_request_page(correction_id)), form.status


def _request_page(correction_id: int) -> dict[str, Any]:
    row = queries.get_request(correction_id)
    read_log.record_read("billing.read_bill", row.who.id, entity="bill", entity_id=row.correction.bill_id)
    return {"row": row, "patient": record_banner.patient_banner(lookup.patient(row.who.id), current_person())}


@pages.post("/approvals/<int:correction_id>/take-back", endpoint="take_back")
@requires(Permission.PROPOSE_CORRECTION)
def withdraw(correction_id: int) -> Response:
    """Withdraw one's own request."""
    withdrawn = actions.withdraw_request(correction_id, by=current_person())
    flash(_("Request withdrawn"), "success")
    return redirect(url_for("billing.bill", bill_id=withdrawn.bill_id), 303)


@pages.route("/bills/<int:bill_id>/void", methods=["GET", "POST"])
@requires(Permission.PROPOSE_CORRECTION)
def void(bill_id: int) -> ResponseReturnValue:
    """Request that a bill is voided. A person who may void drafts voids a draft at once."""
    form = ReasonForm()
    bill, patient = bill_queries.bill_with_patient(bill_id)
    is_alone = bill.status == BillState.DRAFT and current_person().may(Permission.WITHDRAW_BILL)
    if form.save(issuing.discard_draft if is_alone else actions.request_void, by=current_person(), bill_id=bill_id):
        return _back(bill_id, is_requested=not is_alone)
    banner = _banner(bill, patient)
    return render_template("billing/void.html", form=form, bill=bill, patient=banner, is_alone=is_alone), form.status


@pages.route("/bills/<int:bill_id>/write-off", methods=["GET", "POST"])
@requires(Permission.PROPOSE_CORRECTION)
def write_off(bill_id: int) -> ResponseReturnValue:
    """Request the write-off of all that is owed, or of a part of it."""
    form = WriteOffForm()
    if form.save(actions.request_write_off, by=current_person(), bill_id=bill_id):
        return _back(bill_id)
    bill, patient = bill_queries.bill_with_patient(bill_id)
    owed = payment_actions.dues_of(bill).patient
    if request.method == "GET":
        form.amount.data = owed
    banner = _banner(bill, patient)
    return render_template("billing/write_off.html", form=form, bill=bill, owed=owed, patient=banner), form.status


@pages.route("/bills/<int:bill_id>/lines/<int:line_id>/credit", methods=["GET", "POST"])
@requires(Permission.PROPOSE_CORRECTION)
def credit(bill_id: int, line_id: int) -> ResponseReturnValue:
    """Request the credit of units of a line of an issued bill."""
    form = CreditForm()
    if form.save(credits.request_credit, by=current_person(), bill_id=bill_id, line_id=line_id):
        return _back(bill_id)
    bill, patient = bill_queries.bill_with_patient(bill_id)
    check_creditable(BillState(bill.status))
    line = line_pages.get_line(bill_id, line_id, current_person())
    left = queries.sum_of_credits(line).left
    if request.method == "GET":
        form.quantity.data = left
    values = {"bill": bill, "line": line, "left": left, "patient": _banner(bill, patient)}
    return render_template("billing/credit.html", form=form, **values), form.status


@pages.route("/payments/<int:payment_id>/refund", methods=["GET", "POST"])
@requires(Permission.PROPOSE_CORRECTION)
def refund(payment_id: int) -> ResponseReturnValue:
    """Request the refund of a payment, or of a part of it."""
    payment, bill, patient = payment_queries.payment_with_bill(payment_id)
    form = RefundForm()
    if payment.payer != SELF:
        form.is_credit.process_data(OWED_AGAIN)
    if form.save(actions.request_refund, by=current_person(), payment_id=payment_id):
        return _back(bill.id)
    if request.method == "GET":
        form.amount.data, form.method.data = payment_queries.left_to_refund(payment), payment.method
    banner = _banner(bill, patient)
    return render_template("billing/refund.html", form=form, payment=payment, bill=bill, patient=banner), form.status


def _banner(bill: Bill, patient: Patient) -> Banner:
    """The banner of the bill's patient; writes the read to the audit trail."""
    banner = record_banner.patient_banner(patient, current_person())
    read_log.record_read("billing.read_bill", patient.id, entity="bill", entity_id=bill.id)
    return banner


def _back(bill_id: int, *, is_requested: bool = True) -> Response:
    if is_requested:
        flash(_("Request sent. A colleague with approval rights decides."), "success")
    return redirect(url_for("billing.bill", bill_id=bill_id), 303)
