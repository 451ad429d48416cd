"""The JSON of bills, their items and payments. Some fields that come in have aliases."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, pre_load
from sqlalchemy import Row

from hms.core.api.blueprint import ApiSchema
from hms.core.money import Money
from hms.core.web.fields import REQUIRED, Amount, Pk, Text, WholeNumber

from .bills.rules import MAX_UNITS, Dues, amounts_due
from .models import Bill, BillLine


class AliasedSchema(ApiSchema):
    """A schema whose fields have aliases. When several are sent, the name of the field counts, then its first alias."""

    aliases: dict[str, tuple[str, ...]] = {}

    @pre_load
    def _replace_aliases(self, data: Any, **_kwargs: Any) -> Any:
        if not isinstance(data, dict):
            return data
        named = dict(data)
        for name, aliases in self.aliases.items():
            for alias in aliases:
                if name not in named and alias in named:
                    named[name] = named[alias]
        return named


class ItemIn(AliasedSchema):
    """One line. `amount` is the unit price. With `service`, the name and price of the price list are used when left out."""

    aliases = {
        "amount": ("unit_price",),
        "description": ("service_name",),
        "service": ("service_id", "service_item_id"),
    }
    description = Text(255, load_default="")
    amount = Amount(allow_none=True, load_default=None)
    quantity = WholeNumber(-MAX_UNITS, MAX_UNITS * 10, load_default=1)
    service = Pk(allow_none=True, load_default=None)


class BillItemIn(ItemIn):
    aliases = ItemIn.aliases | {"bill": ("bill_id",)}
    bill = Pk(required=True)


class BillIn(AliasedSchema):
    aliases = {"patient": ("patient_id",), "encounter": ("encounter_id",)}
    patient = Pk(required=True)
    encounter = Pk(allow_none=True, load_default=None)
    items = fields.List(fields.Nested(ItemIn), load_default=list, error_messages=REQUIRED)
    notes = Text(2000, multiline=True, load_default="")
    payer = Text(60, load_default="")
    payer_share = Text(20, load_default="", metadata={"description": "150.00, or 80% which follows the total"})


class BillChange(AliasedSchema):
    """New notes and payer of a draft. `items`, when sent, replace all its lines. The patient does not change."""

    aliases = {"patient": ("patient_id",)}
    patient = Pk()
    items = fields.List(fields.Nested(ItemIn), error_messages=REQUIRED)
    notes = Text(2000, multiline=True)
    payer = Text(60)
    payer_share = Text(20, load_default="")


class PaymentIn(AliasedSchema):
    aliases = {
        "bill": ("bill_id",),
        "amount": ("amount_paid",),
        "method": ("payment_method",),
        "reference": ("reference_number",),
    }
    bill = Pk(required=True)
    amount = Amount(required=True)
    method = Text(30, required=True)
    reference = Text(100, load_default="")
    tendered = Amount(allow_none=True, load_default=None)
    payer = Text(60, load_default="", metadata={"description": "self, or the bill's other payer"})


class BillPaymentIn(PaymentIn):
    """A payment sent to the address of its bill; `bill` may be left out."""

    bill = Pk()


class PaymentChange(AliasedSchema):
    aliases = PaymentIn.aliases
    bill = Pk()
    amount = Amount()
    method = Text(30)
    reference = Text(100)


class ItemOut(ApiSchema):
    id = fields.Integer()
    description = fields.String()
    amount = fields.String(metadata={"description": "unit price"})
    quantity = fields.Integer()
    bill = fields.Integer()
    service = fields.Integer(allow_none=True)


class BillOut(ApiSchema):
    """Doctors, nurses, pharmacists and the laboratory get `id`, `patient` and `is_paid`."""

    id = fields.Integer()
    patient = fields.Integer()
    is_paid = fields.Boolean()
    items = fields.List(fields.Nested(ItemOut))
    payments = fields.List(fields.Integer())
    date_issued = fields.DateTime()
    total_amount = fields.String()
    encounter = fields.Integer(allow_none=True)
    insurance = fields.Integer(allow_none=True)
    number = fields.String(allow_none=True)
    status = fields.String()
    discount = fields.String()
    paid_amount = fields.String()
    payer = fields.String()
    payer_share = fields.String()
    payer_due = fields.String()
    patient_due = fields.String()
    written_off = fields.String()
    balance = fields.String()
    notes = fields.String()
    patient_name = fields.String()


class PaymentOut(ApiSchema):
    id = fields.Integer()
    amount = fields.String()
    payment_date = fields.DateTime()
    method = fields.String()
    reference = fields.String()
    bill = fields.Integer()
    received_by = fields.Integer(allow_none=True)
    number = fields.String()
    kind = fields.String()
    payer = fields.String()
    change = fields.String()


class ServiceOut(ApiSchema):
    id = fields.Integer()
    name = fields.String()
    description = fields.String()
    price = fields.String()
    is_active = fields.Boolean()
    code = fields.String()
    category = fields.String()
    is_priced = fields.Boolean(metadata={"description": "false: an item of the starter list without a price yet"})


def item_values(item: dict[str, Any]) -> dict[str, Any]:
    """An item as `bills.actions` take it."""
    return {
        "description": item["description"],
        "unit_price": item["amount"],
        "quantity": item["quantity"],
        "price_item_id": item["service"],
    }


def status_json(row: Row | Bill) -> dict[str, Any]:
    return {"id": row.id, "patient": row.patient_id, "is_paid": row.status == "paid"}


def bill_json(row: Row) -> dict[str, Any]:
    """A bill with all its fields, for people who may read amounts."""
    return _bill_json(row, row.items, row.payments, row)


def new_bill_json(bill: Bill, patient: Any) -> dict[str, Any]:
    """`bill_json` of a bill that was just created; `patient` has the patient's names."""
    return _bill_json(bill, [item_json(line) for line in bill.lines], [], patient)


def _bill_json(row: Any, items: Any, payments: Any, patient: Any) -> dict[str, Any]:
    dues = amounts_due(row.total, row.paid, row.written_off, row.payer_share, row.payer_paid)
    left = Dues(Money("0"), Money("0")) if row.status == "void" else dues
    return {
        "id": row.id,
        "items": items,
        "payments": payments,
        "date_issued": row.issued_at or row.created_at,
        "total_amount": row.total,
        "is_paid": row.status == "paid",
        "patient": row.patient_id,
        "encounter": row.encounter_id,
        "insurance": None,
        "number": row.number,
        "status": row.status,
        "discount": row.discount,
        "paid_amount": row.paid,
        "written_off": row.written_off,
        "balance": left.patient + left.payer,
        "payer": row.payer,
        "payer_share": row.payer_share,
        "payer_due": left.payer,
        "patient_due": left.patient,
        "notes": row.notes,
        "patient_name": " ".join(filter(None, (patient.given_names, patient.family_name))),
    }


def payment_json(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "amount": row.amount,
        "payment_date": row.received_at,
        "method": row.method,
        "reference": row.reference,
        "bill": row.bill_id,
        "received_by": row.received_by_id,
        "number": row.number,
        "kind": row.kind,
        "payer": row.payer,
        "change": row.tendered - row.amount if row.tendered is not None else Money("0"),
    }


def item_json(row: Row | BillLine) -> dict[str, Any]:
    return {
        "id": row.id,
        "description": row.description,
        "amount": row.unit_price,
        "quantity": row.quantity,
        "bill": row.bill_id,
        "service": row.price_item_id,
    }


def service_json(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "description": row.billing_label,
        "price": row.unit_price,
        "is_active": row.is_active,
        "code": row.code,
        "category": row.category,
        "is_priced": row.is_priced,
    }
