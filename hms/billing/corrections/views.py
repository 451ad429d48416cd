"""Pages: asking a second person for a refund, a void bill or a write-off, and deciding what others ask."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.billing.bills import issuing
from hms.billing.bills import queries as bill_queries
from hms.billing.bills.rules import balance
from hms.billing.blueprints import pages
from hms.billing.enums import BillState
from hms.billing.forms import ReasonForm, RefundForm, WriteOffForm
from hms.billing.models import Bill
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

from . import actions, queries


@pages.get("/approvals")
@requires(Permission.PROPOSE_CORRECTION)
def approvals() -> str:
    """What waits for a second person, what one asked for oneself, and what was decided."""
    return render_template("billing/approvals.html", **_shown())


@pages.get("/approvals/rows")
@requires(Permission.PROPOSE_CORRECTION)
def approval_rows() -> str:
    """The rows of the list, for the page that renews itself."""
    return render_template("billing/_approval_rows.html", **_shown())


def _shown() -> dict[str, Any]:
    show = request.args.get("show", "waiting")
    lists = {"own": lambda: queries.own(current_person()), "decided": queries.decided}
    asks = lists.get(show, lambda: queries.waiting(current_person()))()
    read_log.record_list_read("billing.read_list", len(asks), entity="correction", renews=True)
    return {"show": show if show in lists else "waiting", "asks": asks}


@pages.route("/approvals/<int:correction_id>/approve", methods=["GET", "POST"])
@requires(Permission.APPROVE_CORRECTION)
def approve(correction_id: int) -> ResponseReturnValue:
    """Say yes, with a proof of who says it; it is done at once."""
    form, who = ProofForm(), current_person()
    if form.save(with_recent_authentication(actions.approve, who), by=who, correction_id=correction_id):
        flash(_("Request approved"), "success")
        return redirect(url_for("billing.bill", bill_id=form.result.bill_id), 303)
    return render_template(
        "billing/approve.html", form=form, is_fresh=is_recent(who), **_ask(correction_id)
    ), form.status


@pages.route("/approvals/<int:correction_id>/decline", methods=["GET", "POST"])
@requires(Permission.APPROVE_CORRECTION)
def decline(correction_id: int) -> ResponseReturnValue:
    """Say no, with a reason."""
    form = ReasonForm()
    if form.save(actions.decline, by=current_person(), correction_id=correction_id):
        flash(_("Request declined"), "success")
        return redirect(url_for("billing.approvals"), 303)
    return render_template("billing/decline.html", form=form, **_ask(correction_id)), form.status


def _ask(correction_id: int) -> dict[str, Any]:
    ask = queries.one(correction_id)
    read_log.record_read("billing.read_bill", ask.who.id, entity="bill", entity_id=ask.correction.bill_id)
    return {"ask": ask, "whom": record_banner.patient_banner(lookup.patient(ask.who.id), current_person())}


@pages.post("/approvals/<int:correction_id>/take-back")
@requires(Permission.PROPOSE_CORRECTION)
def take_back(correction_id: int) -> Response:
    """Withdraw one's own ask."""
    withdrawn = actions.take_back(correction_id, by=current_person())
    flash(_("Withdrawn"), "success")
    return redirect(url_for("billing.bill", bill_id=withdrawn.bill_id), 303)


@pages.route("/bills/<int:bill_id>/void", methods=["GET", "POST"])
@requires(Permission.PROPOSE_CORRECTION)
def void(bill_id: int) -> ResponseReturnValue:
    """Ask for a bill to be made void; a draft is given up at once by who may."""
    form = ReasonForm()
    bill, patient = bill_queries.bill_with_patient(bill_id)
    is_alone = bill.status == BillState.DRAFT and current_person().may(Permission.WITHDRAW_BILL)
    if form.save(issuing.discard_draft if is_alone else actions.propose_void, by=current_person(), bill_id=bill_id):
        return _back(bill_id, is_asked=not is_alone)
    banner = _banner(bill, patient)
    return render_template("billing/void.html", form=form, bill=bill, whom=banner, is_alone=is_alone), form.status


@pages.route("/bills/<int:bill_id>/write-off", methods=["GET", "POST"])
@requires(Permission.PROPOSE_CORRECTION)
def write_off(bill_id: int) -> ResponseReturnValue:
    """Ask that what is owed be given up, or a part of it."""
    form = WriteOffForm()
    if form.save(actions.propose_write_off, by=current_person(), bill_id=bill_id):
        return _back(bill_id)
    bill, patient = bill_queries.bill_with_patient(bill_id)
    owed = balance(bill.total, bill.paid, bill.written_off)
    if request.method == "GET":
        form.amount.data = owed
    banner = _banner(bill, patient)
    return render_template("billing/write_off.html", form=form, bill=bill, owed=owed, whom=banner), form.status


@pages.route("/payments/<int:payment_id>/refund", methods=["GET", "POST"])
@requires(Permission.PROPOSE_CORRECTION)
def refund(payment_id: int) -> ResponseReturnValue:
    """Ask for a payment to be given back, or a part of it."""
    one, bill, patient = payment_queries.payment_with_bill(payment_id)
    form = RefundForm()
    if form.save(actions.propose_refund, by=current_person(), payment_id=payment_id):
        return _back(bill.id)
    if request.method == "GET":
        form.amount.data, form.method.data = payment_queries.left_of(one), one.method
    banner = _banner(bill, patient)
    return render_template("billing/refund.html", form=form, payment=one, bill=bill, whom=banner), form.status


def _banner(bill: Bill, patient: Patient) -> Banner:
    """The patient of a bill; the read is written to the trail."""
    banner = record_banner.patient_banner(patient, current_person())
    read_log.record_read("billing.read_bill", patient.id, entity="bill", entity_id=bill.id)
    return banner


def _back(bill_id: int, *, is_asked: bool = True) -> Response:
    if is_asked:
        flash(_("Request sent. It needs approval"), "success")
    return redirect(url_for("billing.bill", bill_id=bill_id), 303)
