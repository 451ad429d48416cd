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
from hms.core.text.cleaning import search_text
from hms.core.text.numbers import parse_record_id
from hms.core.web.forms import ActionForm
from hms.core.web.guard import current_person, requires
from hms.patients import lookup
from hms.patients.models import Patient
from hms.patients.records import banner

from . import actions, frozen_facts, issuing, payers, queries
from .rules import balance

MAX_ID = 2**63 - 1


@pages.get("/")
@requires(Permission.READ_BILL)
def bills() -> str:
    """The pay queue, and every other bill by its state or by what is typed."""
    return render_template("billing/bills.html", **_listed(renews=False))


@pages.get("/rows")
@requires(Permission.READ_BILL)
def bill_rows() -> str:
    """The rows of the list, for the page that renews itself."""
    return render_template("billing/_bill_rows.html", **_listed(renews=True))


def _listed(*, renews: bool) -> dict[str, Any]:
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
        found = {"is_search": bool(filters["q"]), "renews": renews}
        read_log.record_list_read("billing.read_list", len(page.rows), entity="bill", **found)
    return {
        "page": page,
        "asked": filters,
        "whom": banner.patient_banner(patient, current_person()) if patient else None,
    }


def _id(name: str) -> int | None:
    return parse_record_id(request.args.get(name, ""))


@pages.post("/bills")
@requires(Permission.EDIT_BILL)
def new_bill() -> Response:
    """A new draft for a patient."""
    patient_id = parse_record_id(request.form.get("patient_id", "")) or 0
    bill = actions.create_bill(patient_id, by=current_person())
    return redirect(url_for("billing.bill", bill_id=bill.id), 303)


@pages.get("/bills/<int:bill_id>")
@requires(Permission.READ_BILL)
def bill(bill_id: int) -> str:
    """One bill: its lines, totals, payments and papers."""
    return _bill_page(bill_id)[0]


def _bill_page(bill_id: int, **refused: ActionForm) -> tuple[str, int]:
    """The bill's page; with a form that was refused, its errors and their status."""
    one, patient = _noted(bill_id)
    forms: dict[str, Any] = {"line": LineForm(formdata=None), "discount": DiscountForm(formdata=None)}
    forms["payer"] = PayerForm(formdata=None, payer=one.payer, payer_share=_share(one))
    failed = next(iter(refused.values()), None)
    (refused.get("payer") or forms["payer"]).payer.choices = _payers(one)
    shown = render_template(
        "billing/bill.html",
        **_facts(one, patient),
        forms=forms | refused,
        failed=failed,
        choices=_choices(refused.get("line")),
        owed_elsewhere=queries.owed(patient.id, but_not=one.id),
        discount_limit=settings.value("billing.discount_limit_percent"),
    )
    return shown, failed.status if failed else 200


def _noted(bill_id: int, *, renews: bool = False) -> tuple[Bill, Patient]:
    """A bill with its patient; the read is written to the trail."""
    one, patient = queries.bill_with_patient(bill_id)
    read_log.record_read("billing.read_bill", patient.id, entity="bill", entity_id=bill_id, renews=renews)
    return one, patient


def _share(one: Bill) -> str:
    if one.payer == SELF:
        return ""
    return payer_percent(one) or str(one.payer_share)


def _payers(one: Bill) -> list[SelectChoice]:
    known = payers.names()
    others = known if one.payer in (SELF, *known) else [*known, one.payer]
    return [SelectChoice(SELF, _("Self")), *(SelectChoice(name, name) for name in others)]


def _facts(one: Bill, patient: Patient) -> dict[str, Any]:
    lines = frozen_facts.standing_lines(one.id, current_person())
    return {
        "bill": one,
        "whom": banner.patient_banner(patient, current_person()),
        "lines": lines,
        "dues": payment_actions.dues_of(one),
        "to_be_priced": price_queries.to_be_priced({line.price_item_id for line in lines if line.price_item_id}),
        "payments": payment_queries.payments_of(one.id),
        "balance": balance(one.total, one.paid, one.written_off),
        "invoice": document_queries.invoice(one),
        "printer_answers": redis.is_available,
        "asks": correction_queries.of_bill(one.id),
    }


def _choices(line: LineForm | None) -> list[tuple[int, str]]:
    """What the words typed without JavaScript may mean."""
    if line is None or not line.item.data or line.price_item_id.data:
        return []
    from hms.billing.bills.rules import counted_entry

    return [(item.id, item.name) for item in price_queries.price_items(counted_entry(line.item.data)[1])]


@pages.get("/bills/<int:bill_id>/lines")
@requires(Permission.READ_BILL)
def bill_lines(bill_id: int) -> str:
    """Lines and totals, for the page that renews itself."""
    return render_template("billing/_lines.html", **_facts(*_noted(bill_id, renews=True)))


@pages.get("/bills/<int:bill_id>/head")
@requires(Permission.READ_BILL)
def bill_head(bill_id: int) -> str:
    """Number, state and what can be done next, for the page that renews itself."""
    return render_template("billing/_bill_head.html", **_facts(*_noted(bill_id, renews=True)))


@pages.get("/bills/<int:bill_id>/side")
@requires(Permission.READ_BILL)
def bill_side(bill_id: int) -> str:
    """Payments and what is asked about the bill, for the page that renews itself."""
    return render_template("billing/_bill_side.html", **_facts(*_noted(bill_id, renews=True)))


@pages.post("/bills/<int:bill_id>/lines")
@requires(Permission.EDIT_BILL)
def add_line(bill_id: int) -> ResponseReturnValue:
    """Add a line to a draft."""
    form = LineForm()
    if form.save(actions.add_line, by=current_person(), bill_id=bill_id):
        return _back(bill_id)
    return _bill_page(bill_id, line=form)


@pages.post("/bills/<int:bill_id>/lines/<int:line_id>/withdraw")
@requires(Permission.EDIT_BILL)
def withdraw_line(bill_id: int, line_id: int) -> Response:
    """Take a line off a draft; the message offers it back."""
    words = {line.id: line.description for line in frozen_facts.standing_lines(bill_id, current_person())}
    actions.withdraw_line(bill_id, line_id, by=current_person())
    undo = url_for("billing.restore_line", bill_id=bill_id, line_id=line_id)
    flash({"text": _("%(item)s removed", item=words.get(line_id, _("Line"))), "undo": undo, "values": {}}, "undo")
    return _back(bill_id)


@pages.post("/bills/<int:bill_id>/lines/<int:line_id>/restore")
@requires(Permission.EDIT_BILL)
def restore_line(bill_id: int, line_id: int) -> Response:
    """Put a line back."""
    actions.restore_line(bill_id, line_id, by=current_person())
    return _back(bill_id)


@pages.post("/bills/<int:bill_id>/discount")
@requires(Permission.EDIT_BILL)
def discount(bill_id: int) -> ResponseReturnValue:
    """Give a discount on a draft; above the limit it is asked for."""
    form = DiscountForm()
    if form.save(correction_actions.ask_discount, by=current_person(), bill_id=bill_id):
        if form.result is not None:
            flash(_("Request sent. This discount needs approval"), "success")
        return _back(bill_id)
    return _bill_page(bill_id, discount=form)


@pages.post("/bills/<int:bill_id>/payer")
@requires(Permission.EDIT_BILL)
def share_bill(bill_id: int) -> ResponseReturnValue:
    """Set who else pays a draft."""
    form = PayerForm()
    form.payer.choices = []
    if form.save(actions.share_bill, by=current_person(), bill_id=bill_id):
        return _back(bill_id)
    return _bill_page(bill_id, payer=form)


@pages.post("/bills/<int:bill_id>/payer/refused")
@requires(Permission.ISSUE_BILL)
def payer_refused(bill_id: int) -> Response:
    """The other payer pays no more."""
    payment_actions.payer_refused(bill_id, by=current_person())
    flash(_("The payer's remaining share was moved to the patient"), "success")
    return _back(bill_id)


@pages.post("/bills/<int:bill_id>/issue")
@requires(Permission.ISSUE_BILL)
def issue(bill_id: int) -> Response:
    """Give the draft its number."""
    one = issuing.issue(bill_id, by=current_person())
    flash(_("Bill %(number)s issued", number=one.number), "success")
    return _back(bill_id)


def _back(bill_id: int) -> Response:
    return redirect(url_for("billing.bill", bill_id=bill_id), 303)
