"""Pages: the cashier's till and the closing report."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hms.billing.blueprints import pages
from hms.billing.enums import Method
from hms.billing.forms import CloseForm, CountForm, FloatForm, count_form
from hms.billing.models import CashShift
from hms.core.audit import chain
from hms.core.db.session import get_or_not_found
from hms.core.errors import NotFound
from hms.core.money import Money
from hms.core.permissions import Permission
from hms.core.text.translation import N_
from hms.core.web.forms import ActionForm
from hms.core.web.guard import current_person, requires
from hms.core.web.localisation import translate_error
from hms.staff.models import User

from . import actions, closing_report, queries, rules


@pages.get("/till")
@requires(Permission.WORK_TILL)
def till() -> str:
    """The till with its next step: open, count or close."""
    return _till_page()[0]


def _till_page(refused: ActionForm | None = None) -> tuple[str, int]:
    shift = queries.open_shift(current_person().id)
    is_counted = shift is not None and shift.counted is not None
    form, recount = refused, None
    if is_counted and shift.counted["tries"] < actions.MAX_COUNTS:
        recount = refused if isinstance(refused, CountForm) else count_form()
    if not isinstance(refused, _next_step(shift)):
        form = FloatForm(formdata=None) if shift is None else CloseForm(formdata=None) if is_counted else count_form()
    html = render_template(
        "billing/till.html",
        shift=shift,
        form=form,
        recount=recount,
        differences=actions.differences(shift) if is_counted else [],
        sums=closing_report.sums(shift) if is_counted else None,
        payment_counts=closing_report.payment_counts(shift) if shift else {},
        closed=queries.closed_shifts(current_person().id),
    )
    return html, form.status if refused else 200


def _next_step(shift: CashShift | None) -> type[ActionForm]:
    """The form of the till's next step: open, count or close."""
    if shift is None:
        return FloatForm
    return CountForm if shift.counted is None else CloseForm


def _is_expected(form: ActionForm) -> bool:
    """Whether the till accepts this form in its present state. An open till also accepts another count."""
    shift = queries.open_shift(current_person().id)
    return isinstance(form, _next_step(shift)) or (isinstance(form, CountForm) and shift is not None)


@pages.post("/till/open")
@requires(Permission.WORK_TILL)
def open_till() -> ResponseReturnValue:
    """Open the till."""
    form = FloatForm()
    return _answer(form, form.save(actions.open_till, by=current_person()))


@pages.post("/till/count")
@requires(Permission.WORK_TILL)
def count_till() -> ResponseReturnValue:
    """Submit the count; from then on the expected amounts are shown."""
    form = count_form()
    return _answer(form, form.save(actions.count_till, by=current_person()))


@pages.post("/till/close")
@requires(Permission.WORK_TILL)
def close_till() -> ResponseReturnValue:
    """Close the counted till and show its closing report."""
    form = CloseForm()
    if form.save(actions.close_till, by=current_person()):
        return redirect(url_for("billing.closing", shift_id=form.result.id), 303)
    return _answer(form, False)


def _answer(form: ActionForm, is_done: bool) -> ResponseReturnValue:
    """Show the form with its errors, or go to the till page. When another window changed the till, say so."""
    if not is_done and form.conflict is None:
        if _is_expected(form):
            return _till_page(form)
        flash(_("The till was changed in another window. This page shows the latest state."), "error")
    if form.conflict is not None:
        flash(translate_error(form.conflict), "error")
    return redirect(url_for("billing.till"), 303)


@pages.get("/till/<int:shift_id>")
@requires(Permission.WORK_TILL)
def closing(shift_id: int) -> str:
    """The closing report (Z) of a till: one's own, or any for people who may void bills."""
    shift = get_or_not_found(CashShift, shift_id)
    if shift.closed_at is None or (
        shift.cashier_id != current_person().id and not current_person().may(Permission.WITHDRAW_BILL)
    ):
        raise NotFound(N_("This closing report does not exist."))
    cashier, counted = get_or_not_found(User, shift.cashier_id), shift.counted or {}
    notes = rules.counted_notes(counted.get("pieces", {}))
    cash = Money(counted.get("methods", {}).get(Method.CASH.value, "0"))
    return render_template(
        "billing/closing.html",
        shift=shift,
        cashier=cashier,
        differences=actions.differences(shift),
        sums=closing_report.sums(shift),
        receipts=closing_report.document_ranges(shift.id),
        notes=notes,
        cash_counted=cash,
        other_cash=cash - Money.total(note.amount for note in notes),
        seal=chain.find_seal("billing.close_till", "cash_shift", shift.id),
    )
