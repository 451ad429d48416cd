"""Creates drafts and changes their lines, notes and payer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, literal, select

from hms.billing import enums
from hms.billing.models import Bill, BillLine, PriceItem
from hms.billing.prices import queries
from hms.core import clock
from hms.core.actions import STALE_MESSAGE, action
from hms.core.db.locking import get_for_update
from hms.core.db.session import db, get_or_not_found
from hms.core.errors import Conflict, NotFound, RuleBroken, StaleVersion
from hms.core.events import Event, publish
from hms.core.money import ZERO, Money
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.same_patient import check_same_patient
from hms.core.text.translation import N_
from hms.patients.merging import references
from hms.patients.merging.actions import merge_guards
from hms.patients.records.actions import withdrawal_guards

from . import payers, rules
from . import queries as bill_queries
from .charges import build_line, recalculate_total


def get_draft_for_update(bill_id: int, version: int | None = None) -> Bill:
    """The draft, locked. Raises `RuleBroken` for an issued or void bill, `StaleVersion` when it changed since `version`."""
    bill = get_for_update(Bill, bill_id)
    rules.check_editable(enums.BillState(bill.status))
    if version is not None and version != bill.version:
        raise StaleVersion(STALE_MESSAGE)
    return bill


@action(Permission.EDIT_BILL, "billing.add_line")
def add_line(
    bill_id: int,
    *,
    item: str = "",
    price_item_id: int | None = None,
    quantity: int | None = None,
    unit_price: Money | None = None,
    by: Person,
) -> BillLine:
    """Add a line as the cashier types it: `item` is a code or name of the price list, `3*dres` for three of it, or any
    description together with a `unit_price`. Raises `RuleBroken` with the field.

    Only people who manage prices may change the price of an item of the price list.
    """
    bill = get_draft_for_update(bill_id)
    count, description = rules.parse_entry(item)
    listed = get_or_not_found(PriceItem, price_item_id) if price_item_id else _find_item(description, unit_price)
    if listed and unit_price is not None and unit_price != listed.unit_price and not by.may(Permission.MANAGE_PRICES):
        raise RuleBroken(N_("This item has a fixed price. Leave the price blank."), "unit_price")
    line = BillLine(
        bill_id=bill.id, added_by_id=by.id, **build_line(listed, description, quantity or count, unit_price)
    )
    db.session.add(line)
    recalculate_total(bill)
    return line


def _find_item(text: str, unit_price: Money | None) -> PriceItem | None:
    """The one item of the price list that `text` names; None when none does and there is a price."""
    if not text:
        raise RuleBroken(N_("Enter the item or its code, or scan it."), "item")
    by_code = queries.find_item(text)
    if by_code is not None:
        return by_code
    matches = queries.search_items(text, limit=2)
    if len(matches) == 1 and unit_price is None:
        return matches[0]
    if matches and unit_price is None:
        raise RuleBroken(N_("Several items match. Choose one from the list."), "item")
    if unit_price is None:
        raise RuleBroken(N_("This item is not on the price list. Choose one from the list, or enter a price."), "item")
    return None


@action(Permission.EDIT_BILL, "billing.withdraw_line")
def withdraw_line(bill_id: int, line_id: int, *, reason: str = "", by: Person) -> BillLine:
    """Remove a line from a draft. The row stays, marked as withdrawn; its event of care may be charged again."""
    bill = get_draft_for_update(bill_id)
    line = db.session.scalars(select(BillLine).filter_by(id=line_id, bill_id=bill.id)).one_or_none()
    if line is None:
        raise NotFound(N_("This line is not on the bill."))
    if line.withdrawn_at is None:
        line.withdrawn_at, line.withdrawn_reason = clock.now(), reason
        recalculate_total(bill)
    return line


@action(Permission.EDIT_BILL, "billing.restore_line")
def restore_line(bill_id: int, line_id: int, *, by: Person) -> BillLine:
    """Undo `withdraw_line`."""
    bill = get_draft_for_update(bill_id)
    line = db.session.scalars(select(BillLine).filter_by(id=line_id, bill_id=bill.id)).one_or_none()
    if line is None:
        raise NotFound(N_("This line is not on the bill."))
    line.withdrawn_at, line.withdrawn_reason = None, ""
    recalculate_total(bill)
    return line


@action(Permission.EDIT_BILL, "billing.create_bill")
def create_bill(
    patient_id: int,
    *,
    items: Iterable[dict[str, Any]] = (),
    notes: str = "",
    encounter_id: int | None = None,
    payer: str = "",
    payer_share: str = "",
    by: Person,
) -> Bill:
    """Create a draft with `items` (description or price_item_id, unit_price, quantity) and the `payer_share` of another
    `payer`: "150.00" or "80%". Charges of care are not added to it. The bill that is returned has its `lines`."""
    check_same_patient(patient_id, encounter=encounter_id)
    lines = [_line_columns(item) for item in items]
    bill = Bill(patient_id=patient_id, encounter_id=encounter_id, notes=notes, payer=enums.SELF)
    bill.lines = [BillLine(added_by_id=by.id, **line) for line in lines]
    bill.total = rules.check_total(Money.total(line["amount"] for line in lines))
    payers.merge_payer(bill, payer, payer_share)
    db.session.add(bill)
    db.session.flush()
    publish(Event.BILL_CHANGED)
    return bill


@action(Permission.EDIT_BILL, "billing.share_bill")
def share_bill(bill_id: int, *, payer: str, payer_share: str = "", by: Person) -> Bill:
    """Set the other payer of a draft and their share: "150.00", or "80%" which follows the total. "self" removes the payer."""
    bill = get_draft_for_update(bill_id)
    payers.set_payer(bill, payer, payer_share)
    recalculate_total(bill)
    return bill


@action(Permission.EDIT_BILL, "billing.add_item")
def add_item(bill_id: int, item: dict[str, Any], *, by: Person) -> BillLine:
    """Add one item (description or price_item_id, unit_price, quantity) to a draft."""
    bill = get_draft_for_update(bill_id)
    line = _write_line(bill, item, by)
    recalculate_total(bill)
    return line


def _write_line(bill: Bill, item: dict[str, Any], by: Person) -> BillLine:
    line = BillLine(bill_id=bill.id, added_by_id=by.id, **_line_columns(item))
    db.session.add(line)
    return line


def _line_columns(item: dict[str, Any]) -> dict[str, Any]:
    """The columns of a line for an item; a description in the item replaces the one of the price list. Raises `RuleBroken`."""
    listed = _get_item(item.get("price_item_id"))
    line = build_line(listed, item.get("description", ""), item.get("quantity", 1), item.get("unit_price"))
    return line | ({"description": item["description"]} if item.get("description") else {})


def _get_item(price_item_id: int | None) -> PriceItem | None:
    if price_item_id is None:
        return None
    listed = db.session.get(PriceItem, price_item_id)
    if listed is None:
        raise RuleBroken(N_("This item is not on the price list."), "service")
    return listed


@action(Permission.EDIT_BILL, "billing.change_bill")
def change_bill(
    bill_id: int,
    *,
    items: Iterable[dict[str, Any]] | None = None,
    notes: str | None = None,
    payer: str = "",
    payer_share: str = "",
    version: int | None = None,
    by: Person,
) -> Bill:
    """Change a draft: its notes, its other payer or that payer's share, and with `items` all its lines at once.

    Raises `StaleVersion` when the draft changed since `version`.
    """
    bill = get_draft_for_update(bill_id, version)
    if notes is not None:
        bill.notes = notes
    if items is not None:
        for line in db.session.scalars(select(BillLine).filter_by(bill_id=bill.id, withdrawn_at=None)):
            line.withdrawn_at = clock.now()
        for item in items:
            _write_line(bill, item, by)
    recalculate_total(bill)
    payers.merge_payer(bill, payer, payer_share)
    return bill


def _check_nothing_owed(patient_id: int) -> None:
    if bill_queries.owed(patient_id) > ZERO:
        message = N_("This patient has bills to pay. Settle or void them first.")
        raise Conflict(message, code="bills_to_pay")


withdrawal_guards.append(_check_nothing_owed)


def _check_no_draft(patient_id: int) -> None:
    if db.session.scalars(select(Bill.id).filter_by(patient_id=patient_id, status=enums.BillState.DRAFT.value)).first():
        message = N_("One of these records has a bill that is a draft. Issue or void it first.")
        raise Conflict(message, code="draft_bill")


merge_guards.append(_check_no_draft)


def _charged_events(patient_id: int) -> Select:
    """The bills of a patient with the events of care that they charge: both are one patient's."""
    charged = select(literal("bill"), BillLine.bill_id, BillLine.source, BillLine.source_id).join(Bill)
    return charged.where(
        Bill.patient_id == patient_id, BillLine.source_id.is_not(None), BillLine.withdrawn_at.is_(None)
    )


references.more_links.append(_charged_events)
