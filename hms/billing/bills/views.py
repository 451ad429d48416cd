"""Pages: bills to pay, one bill, its invoice."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from hms.billing.blueprints import pages, payer_percent
from hms.billing.corrections import actions as correction_actions
from hms.billing.corrections import queries as correction_queries
from hms.billing.corrections.rules import CREDITABLE
from hms.billing.documents import queries as document_queries
from hms.billing.enums import SELF
from hms.billing.forms import DiscountForm, LineForm, PayerForm
from hms.billing.models import Bill
from hms.billing.payments import actions as payment_actions
from hms.billing.payments import queries as payment_queries
from hms.billing.prices import queries as price_queries
from hms.core.api import read_log
from hms.core.background import redis
from hms.core.permissions import Permission
from hms.core.settings import store as settings
from hms.core.settings.payers import payer_names
from hms.core.text.cleaning import search_text
from hms.core.text.numbers import parse_record_id, show
from hms.core.web.buttons import flash_with_undo
from hms.core.web.forms import ActionForm
from hms.core.web.guard import current_person, requires
from hms.patients import lookup
from hms.patients.models import Patient
from hms.patients.records import banner

from . import actions, issuing, line_pages, queries
from .rules import balance

MAX_ID = 2**63 - 1


@pages.get("/")
@requires(Permission.READ_BILL)
def bills() -> str:
    """The bills to pay, and all bills by state, number or patient."""
    return render_template("billing/bills.html", **_list(renews=False))


@pages.get("/rows")
@requires(Permission.READ_BILL)
def bill_rows() -> str:
    """The rows of the list, for its automatic update."""
    return render_template("billing/_bill_rows.html", **_list(renews=True))


def _list(*, renews: bool) -> dict[str, Any]:
    state = request.args.get("state", "to_pay")
    filters = {
        "state": state if state in queries.STATES else "to_pay",
        "q": search_text(request.args.get("q")),
        "patient_id": _id("patient_id"),
    }
    page = queries.bills(**filters, before=_id("before"), after=_id("after"), who=current_person())
    patient = lookup.patient(filters["patient_id"]) if filters["patient_id"] else None
    if patient is not None:
        read_log.record_read("billing.read_bill", patient.id, entity="patient", entity_id=patient.id, renews=True)
    else:
        read_log.record_list_read(
            "billing.read_list", len(page.rows), entity="bill", is_search=bool(filters["q"]), renews=renews
        )
    return {
        "page": page,
        "filters": filters,
        "patient": banner.patient_banner(patient, current_person()) if patient else None,
    }


def _id(name: str) -> int | None:
    return parse_record_id(request.args.get(name, ""))


@pages.post("/bills")
@requires(Permission.EDIT_BILL)
def new_bill() -> Response:
    """Create a draft for a patient."""
    patient_id = parse_record_id(request.form.get("patient_id", "")) or 0
    bill = actions.create_bill(patient_id, by=current_person())
    return redirect(url_for("billing.bill", bill_id=bill.id), 303)


@pages.get("/bills/<int:bill_id>")
@requires(Permission.READ_BILL)
def bill(bill_id: int) -> str:
    """One bill: its lines, totals, payments and documents."""
    return _bill_page(bill_id)[0]


def _bill_page(bill_id: int, **refused: ActionForm) -> tuple[str, int]:
    """The page of a bill and its HTTP status. A `refused` form is shown with its errors."""
    bill, patient = _read_bill(bill_id)
    forms: dict[str, Any] = {"line": LineForm(formdata=None), "discount": DiscountForm(formdata=None)}
    forms["payer"] = PayerForm(formdata=None, data=_stored_payer(bill))
    forms["payer"].merge_with(lambda: _stored_payer(bill))
    forms["discount"].merge_with(lambda: _stored_discount(bill))
    failed = next(iter(refused.values()), None)
    (refused.get("payer") or forms["payer"]).payer.choices = _payer_choices(bill)
    html = render_template(
        "billing/bill.html",
        **_page_values(bill, patient),
        forms=forms | refused,
        failed=failed,
        choices=_item_choices(refused.get("line")),
        owed_elsewhere=queries.owed(patient.id, except_bill_id=bill.id),
        discount_limit=settings.value("billing.discount_limit_percent"),
    )
    return html, failed.status if failed else 200


def _read_bill(bill_id: int, *, renews: bool = False) -> tuple[Bill, Patient]:
    """A bill with its patient; writes the read to the audit trail."""
    bill, patient = queries.bill_with_patient(bill_id)
    read_log.record_read("billing.read_bill", patient.id, entity="bill", entity_id=bill_id, renews=renews)
    return bill, patient


def _share_text(bill: Bill) -> str:
    if bill.payer == SELF:
        return ""
    return show(payer_percent(bill) or bill.payer_share)


def _stored_payer(bill: Bill) -> dict[str, Any]:
    return {"payer": bill.payer, "payer_share": _share_text(bill)}


def _stored_discount(bill: Bill) -> dict[str, Any]:
    return {"discount": str(bill.discount) if bill.discount else "", "reason": bill.discount_reason}


def _payer_choices(bill: Bill) -> list[SelectChoice]:
    names = payer_names()
    if bill.payer not in (SELF, *names):
        names.append(bill.payer)
    return [SelectChoice(SELF, _("Self")), *(SelectChoice(name, name) for name in names)]


def _page_values(bill: Bill, patient: Patient) -> dict[str, Any]:
    lines = line_pages.line_page(bill.id, current_person(), **_line_edges())
    requests = correction_queries.list_requests_of_bill(bill.id)
    return {
        "bill": bill,
        "patient": banner.patient_banner(patient, current_person()),
        "lines": lines,
        "line_edges": _line_edges(),
        "dues": payment_actions.dues_of(bill),
        "without_price": price_queries.items_without_price(
            {line.price_item_id for line in lines.rows if line.price_item_id}
        ),
        "payments": payment_queries.payments_of(bill.id),
        "balance": balance(bill.total, bill.paid, bill.written_off),
        "invoice": document_queries.invoice_status(bill),
        "printer_answers": redis.is_available,
        "requests": requests,
        "credited": correction_queries.count_credited(bill.id, requests),
        "may_credit": bill.status in CREDITABLE and current_person().may(Permission.PROPOSE_CORRECTION),
        "is_refunded": any(row.is_refund_with_credit for row in requests),
    }


def _line_edges() -> dict[str, int | None]:
    """Which page of the lines is shown, as `line_pages.line_page` takes it."""
    return {"after": _id("after"), "before": _id("before")}


def _item_choices(line: LineForm | None) -> list[tuple[int, str]]:
    """The items that the typed text may name, for browsers without JavaScript."""
    if line is None or not line.item.data or line.price_item_id.data:
        return []
    from hms.billing.bills.rules import parse_entry

    return [(item.id, item.name) for item in price_queries.search_items(parse_entry(line.item.data)[1])]


@pages.get("/bills/<int:bill_id>/lines")
@requires(Permission.READ_BILL)
def bill_lines(bill_id: int) -> str:
    """Lines and totals, for their automatic update."""
    return render_template("billing/_lines.html", **_page_values(*_read_bill(bill_id, renews=True)))


@pages.get("/bills/<int:bill_id>/head")
@requires(Permission.READ_BILL)
def bill_head(bill_id: int) -> str:
    """Number, state and buttons, for their automatic update."""
    return render_template("billing/_bill_head.html", **_page_values(*_read_bill(bill_id, renews=True)))


@pages.get("/bills/<int:bill_id>/side")
@requires(Permission.READ_BILL)
def bill_side(bill_id: int) -> str:
    """Payments and correction requests, for their automatic update."""
    return render_template("billing/_bill_side.html", **_page_values(*_read_bill(bill_id, renews=True)))


@pages.post("/bills/<int:bill_id>/lines")
@requires(Permission.EDIT_BILL)
def add_line(bill_id: int) -> ResponseReturnValue:
    """Add a line to a draft."""
    form = LineForm()
    if form.save(actions.add_line, by=current_person(), bill_id=bill_id):
        is_long = not line_pages.line_page(bill_id, current_person()).is_whole
        return _back(bill_id, before=form.result.id + 1 if is_long else None)
    return _bill_page(bill_id, line=form)


@pages.post("/bills/<int:bill_id>/lines/<int:line_id>/withdraw")
@requires(Permission.EDIT_BILL)
def withdraw_line(bill_id: int, line_id: int) -> Response:
    """Remove a line from a draft; the message has an undo button."""
    description = line_pages.line_description(bill_id, line_id, current_person()) or _("Line")
    actions.withdraw_line(bill_id, line_id, by=current_person())
    undo = url_for("billing.restore_line", bill_id=bill_id, line_id=line_id, **_line_edges())
    flash_with_undo(_("%(item)s removed", item=description), undo)
    return _back(bill_id, **_line_edges())


@pages.post("/bills/<int:bill_id>/lines/<int:line_id>/restore")
@requires(Permission.EDIT_BILL)
def restore_line(bill_id: int, line_id: int) -> Response:
    """Undo the removal of a line."""
    line = actions.restore_line(bill_id, line_id, by=current_person())
    flash(_("%(item)s restored", item=line.description), "success")
    return _back(bill_id, **_line_edges())


@pages.post("/bills/<int:bill_id>/discount")
@requires(Permission.EDIT_BILL)
def discount(bill_id: int) -> ResponseReturnValue:
    """Give a discount on a draft; above the limit, request its approval."""
    form = DiscountForm()
    form.merge_with(lambda: _stored_discount(queries.bill_with_patient(bill_id)[0]))
    if form.save(correction_actions.give_or_request_discount, by=current_person(), bill_id=bill_id):
        if form.result is not None:
            flash(_("Request sent. This discount needs approval"), "success")
        return _back(bill_id)
    return _bill_page(bill_id, discount=form)


@pages.post("/bills/<int:bill_id>/payer")
@requires(Permission.EDIT_BILL)
def share_bill(bill_id: int) -> ResponseReturnValue:
    """Set the other payer of a draft."""
    form = PayerForm()
    form.payer.choices = []
    form.merge_with(lambda: _stored_payer(queries.bill_with_patient(bill_id)[0]))
    if form.save(actions.share_bill, by=current_person(), bill_id=bill_id):
        return _back(bill_id)
    return _bill_page(bill_id, payer=form)


@pages.post("/bills/<int:bill_id>/payer/refused")
@requires(Permission.ISSUE_BILL)
def payer_refused(bill_id: int) -> Response:
    """Move the other payer's remaining share to the patient."""
    payment_actions.move_share_to_patient(bill_id, by=current_person())
    flash(_("The payer's remaining share was moved to the patient"), "success")
    return _back(bill_id)


@pages.post("/bills/<int:bill_id>/issue")
@requires(Permission.ISSUE_BILL)
def issue(bill_id: int) -> Response:
    """Issue a draft."""
    bill = issuing.issue(bill_id, by=current_person())
    flash(_("Bill %(number)s issued", number=bill.number), "success")
    return _back(bill_id)


def _back(bill_id: int, **line_edges: int | None) -> Response:
    return redirect(url_for("billing.bill", bill_id=bill_id, **line_edges), 303)
