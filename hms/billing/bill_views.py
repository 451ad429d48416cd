"""Pages: bills to pay, one bill, its invoice."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.core import broker, settings
from hms.core.forms import DeskForm
from hms.core.permissions import Action
from hms.core.web import needs, person
from hms.patients import queries as patients
from hms.patients.models import Patient

from . import actions, asked, papers, prices, queries
from .desk import pages
from .forms import DiscountForm, LineForm
from .models import Bill
from .rules import balance

LARGEST_ID = 2**63 - 1


@pages.get("/")
@needs(Action.READ_BILL)
def bills() -> str:
    """The pay queue, and every other bill by its state or by what is typed."""
    return render_template("billing/bills.html", **_listed())


@pages.get("/rows")
@needs(Action.READ_BILL)
def bill_rows() -> str:
    """The rows of the list, for the page that renews itself."""
    return render_template("billing/_bill_rows.html", **_listed())


def _listed() -> dict[str, Any]:
    state = request.args.get("state", "to_pay")
    asked = {
        "state": state if state in queries.STATES else "to_pay",
        "q": request.args.get("q", "").replace("\0", "").strip()[:100],
        "patient_id": _id("patient_id"),
    }
    page = queries.bills(**asked, before=_id("before"), after=_id("after"), who=person())
    whom = patients.patient(asked["patient_id"]) if asked["patient_id"] else None
    return {"page": page, "asked": asked, "whom": patients.patient_banner(whom, person()) if whom else None}


def _id(name: str) -> int | None:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


@pages.post("/bills")
@needs(Action.EDIT_BILL)
def new_bill() -> Response:
    """A new draft for a patient."""
    text = request.form.get("patient_id", "")
    bill = actions.create_bill(int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0, by=person())
    return redirect(url_for("billing.bill", bill_id=bill.id), 303)


@pages.get("/bills/<int:bill_id>")
@needs(Action.READ_BILL)
def bill(bill_id: int) -> str:
    """One bill: its lines, totals, payments and papers."""
    return _bill_page(bill_id)[0]


def _bill_page(bill_id: int, **refused: DeskForm) -> tuple[str, int]:
    """The bill's page; with a form that was refused, its errors and their status."""
    one, patient = queries.bill_with_patient(bill_id)
    forms: dict[str, Any] = {"line": LineForm(formdata=None), "discount": DiscountForm(formdata=None)}
    failed = next(iter(refused.values()), None)
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


def _facts(one: Bill, patient: Patient) -> dict[str, Any]:
    lines = papers.standing_lines(one.id)
    return {
        "bill": one,
        "whom": patients.patient_banner(patient, person()),
        "lines": lines,
        "to_be_priced": prices.to_be_priced({line.price_item_id for line in lines if line.price_item_id}),
        "payments": queries.payments_of(one.id),
        "balance": balance(one.total, one.paid, one.written_off),
        "invoice": queries.invoice(one),
        "printer_answers": broker.answers,
        "asks": asked.of_bill(one.id),
    }


def _choices(line: LineForm | None) -> list[tuple[int, str]]:
    """What the words typed without JavaScript may mean."""
    if line is None or not line.item.data or line.price_item_id.data:
        return []
    from .rules import counted_entry

    return [(item.id, item.name) for item in prices.price_items(counted_entry(line.item.data)[1])]


@pages.get("/bills/<int:bill_id>/lines")
@needs(Action.READ_BILL)
def bill_lines(bill_id: int) -> str:
    """Lines and totals, for the page that renews itself."""
    return render_template("billing/_lines.html", **_facts(*queries.bill_with_patient(bill_id)))


@pages.get("/bills/<int:bill_id>/head")
@needs(Action.READ_BILL)
def bill_head(bill_id: int) -> str:
    """Number, state and what can be done next, for the page that renews itself."""
    return render_template("billing/_bill_head.html", **_facts(*queries.bill_with_patient(bill_id)))


@pages.get("/bills/<int:bill_id>/side")
@needs(Action.READ_BILL)
def bill_side(bill_id: int) -> str:
    """Payments and what is asked about the bill, for the page that renews itself."""
    return render_template("billing/_bill_side.html", **_facts(*queries.bill_with_patient(bill_id)))


@pages.post("/bills/<int:bill_id>/lines")
@needs(Action.EDIT_BILL)
def add_line(bill_id: int) -> ResponseReturnValue:
    """Add a line to a draft."""
    form = LineForm()
    if form.save(actions.add_line, by=person(), bill_id=bill_id):
        return _back(bill_id)
    return _bill_page(bill_id, line=form)


@pages.post("/bills/<int:bill_id>/lines/<int:line_id>/withdraw")
@needs(Action.EDIT_BILL)
def withdraw_line(bill_id: int, line_id: int) -> Response:
    """Take a line off a draft; the message offers it back."""
    line = actions.withdraw_line(bill_id, line_id, by=person())
    undo = url_for("billing.restore_line", bill_id=bill_id, line_id=line_id)
    flash({"text": _("%(item)s removed", item=line.description), "undo": undo, "values": {}}, "undo")
    return _back(bill_id)


@pages.post("/bills/<int:bill_id>/lines/<int:line_id>/restore")
@needs(Action.EDIT_BILL)
def restore_line(bill_id: int, line_id: int) -> Response:
    """Put a line back."""
    actions.restore_line(bill_id, line_id, by=person())
    return _back(bill_id)


@pages.post("/bills/<int:bill_id>/discount")
@needs(Action.EDIT_BILL)
def discount(bill_id: int) -> ResponseReturnValue:
    """Give a discount on a draft; above the limit it is asked for."""
    form = DiscountForm()
    if form.save(actions.ask_discount, by=person(), bill_id=bill_id):
        if form.result is not None:
            flash(_("This is above the limit: it waits for a second person"), "success")
        return _back(bill_id)
    return _bill_page(bill_id, discount=form)


@pages.post("/bills/<int:bill_id>/issue")
@needs(Action.ISSUE_BILL)
def issue(bill_id: int) -> Response:
    """Give the draft its number."""
    one = actions.issue(bill_id, by=person())
    flash(_("Bill %(number)s issued", number=one.number), "success")
    return _back(bill_id)


def _back(bill_id: int) -> Response:
    return redirect(url_for("billing.bill", bill_id=bill_id), 303)


@pages.get("/bills/<int:bill_id>/invoice.pdf")
@needs(Action.READ_BILL)
def invoice_pdf(bill_id: int) -> ResponseReturnValue:
    """The stored invoice; 202 and a page that shows the progress while it is being made."""
    one, patient = queries.bill_with_patient(bill_id)
    content = queries.invoice_pdf(one)
    if content is not None:
        return _pdf(content, f"{one.number or f'draft-{one.id}'}.pdf")
    if queries.invoice(one).state == "none":
        actions.ask_for_invoice(bill_id, by=person())
    shown = {"bill": one, "invoice": queries.invoice(one), "printer_answers": broker.answers}
    whom = patients.patient_banner(patient, person())
    return render_template("billing/invoice_wait.html", whom=whom, **shown), 202


def _pdf(content: bytes, name: str) -> Response:
    response = make_response(content)
    response.mimetype = "application/pdf"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response


@pages.post("/bills/<int:bill_id>/invoice")
@needs(Action.READ_BILL)
def make_invoice(bill_id: int) -> Response:
    """Have the invoice made (again)."""
    actions.ask_for_invoice(bill_id, by=person())
    return redirect(url_for("billing.bill", bill_id=bill_id, _anchor="papers"), 303)


@pages.get("/bills/<int:bill_id>/invoice")
@needs(Action.READ_BILL)
def invoice_job(bill_id: int) -> str:
    """How the invoice comes along, for the page that renews itself."""
    one, _patient = queries.bill_with_patient(bill_id)
    return render_template(
        "billing/_invoice.html", bill=one, invoice=queries.invoice(one), printer_answers=broker.answers
    )
