"""JSON: the formulary."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields, post_load, validate
from sqlalchemy import Select

from hms.core.api.blueprint import ApiBlueprint, ApiSchema
from hms.core.api.pagination import paginated_response
from hms.core.api.preconditions import if_match, resource_response
from hms.core.db.keyset import OrderedSelect
from hms.core.errors import NotFound
from hms.core.exports.registry import offer_export
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.core.web.fields import Text, WholeNumber
from hms.core.web.guard import current_person, requires
from hms.core.web.parameters import PAGING, Ordering, Search, ordered, parameters
from hms.formulary import exports
from hms.formulary.models import Medication

from . import actions, queries

api = ApiBlueprint("formulary_api", __name__, description="Medicines")

FORMULATIONS = ("Tablet", "Syrup", "Injection", "Capsule", "Other")


class MedicationIn(ApiSchema):
    """`name` or `generic_name` is needed. `current_stock` (or `total_quantity`) opens the ledger on POST and is not
    written by PUT. `is_active` is written by PUT only: true restores a withdrawn medicine."""

    name = Text(255)
    generic_name = Text(255)
    brand_name = Text(255)
    description = Text(2000, multiline=True)
    unit = Text(50)
    unit_of_measure = Text(50)
    formulation = fields.String(
        validate=validate.OneOf(FORMULATIONS, error='"{input}" is not a valid choice.'), allow_none=False
    )
    strength = Text(100)
    manufacturer = Text(255)
    reorder_level = WholeNumber(0, 1_000_000)
    is_controlled_substance = fields.Boolean()
    is_active = fields.Boolean()
    current_stock = WholeNumber(0, actions.MAX_STOCK)
    total_quantity = WholeNumber(0, actions.MAX_STOCK)

    @post_load
    def merge_aliases(self, payload: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        """Accept `unit_of_measure` for `unit` and `total_quantity` for `current_stock`."""
        unit, stock = payload.pop("unit_of_measure", None), payload.pop("total_quantity", None)
        if unit is not None:
            payload.setdefault("unit", unit)
        if stock is not None:
            payload.setdefault("current_stock", stock)
        return payload


class MedicationOut(ApiSchema):
    id = fields.Integer()
    name = fields.String()
    generic_name = fields.String()
    description = fields.String()
    unit = fields.String()
    current_stock = fields.Integer()
    reorder_level = fields.Integer()
    brand_name = fields.String()
    formulation = fields.String()
    strength = fields.String()
    manufacturer = fields.String()
    unit_of_measure = fields.String()
    total_quantity = fields.Integer()
    is_controlled_substance = fields.Boolean()
    is_active = fields.Boolean()


def medication_json(row: Any, who: Person) -> dict[str, Any]:
    """A medicine as `who` may see it; without permission to see stock only id, name and unit."""
    if not who.may(Permission.READ_STOCK_LEVEL):
        return {"id": row.id, "name": row.name, "unit": row.unit}
    return {
        "id": row.id,
        "name": row.name,
        "generic_name": row.generic_name,
        "description": row.description,
        "unit": row.unit,
        "current_stock": row.current_stock,
        "reorder_level": row.reorder_level,
        "brand_name": row.brand_name,
        "formulation": row.formulation,
        "strength": row.strength,
        "manufacturer": row.manufacturer,
        "unit_of_measure": row.unit,
        "total_quantity": row.current_stock,
        "is_controlled_substance": row.is_controlled_substance,
        "is_active": row.is_active,
    }


def _medication_response(row: Any, status: int = 200) -> Response:
    return resource_response(medication_json(row, current_person()), row.version, status)


def _sees_stock(who: Person) -> bool:
    return who.may(Permission.READ_STOCK_LEVEL)


STOCK_COLUMNS = ("generic_name", "current_stock", "reorder_level")
MEDICATIONS = parameters(
    **PAGING,
    search=Search(),
    ordering=Ordering(("name", "id", *STOCK_COLUMNS), hidden=dict.fromkeys(STOCK_COLUMNS, _sees_stock)),
)


def in_order(rows: Select, arguments: dict[str, Any]) -> OrderedSelect:
    """Medicines sorted by the argument `ordering` of `MEDICATIONS`, by name without one."""
    columns = {name: getattr(Medication, name) for name in ("name", *STOCK_COLUMNS)}
    return ordered(rows, {"ordering": "name"} | arguments, Medication.id, **columns)


@api.get("/medications/")
@requires(Permission.READ_FORMULARY, Permission.READ_OWN_RECORD)
@api.arguments(MEDICATIONS, location="query")
@api.response(200, MedicationOut(many=True))
def medications(arguments: dict[str, Any]) -> Response:
    """Active medicines by name. `search=` matches parts of names and strengths, or only of the name for roles that see
    nothing else."""
    who = current_person()
    rows = queries.select_medications(
        arguments.get("search", ""), by_name_only=not who.may(Permission.READ_STOCK_LEVEL)
    )
    return paginated_response(in_order(rows, arguments), lambda row: medication_json(row, who))


offer_export(api, medications, exports.MEDICINES, at="/medications/export/")


@api.get("/medications/<int:medication_id>/")
@requires(Permission.READ_FORMULARY, Permission.READ_OWN_RECORD)
@api.response(200, MedicationOut)
def medication(medication_id: int) -> Response:
    """One medicine, active or withdrawn."""
    row = queries.get_medication(medication_id)
    if row is None:
        raise NotFound(N_("This medicine does not exist."))
    return _medication_response(row)


@api.post("/medications/")
@requires(Permission.MANAGE_FORMULARY)
@api.arguments(MedicationIn)
@api.response(201, MedicationOut)
def add(payload: dict[str, Any]) -> Response:
    """Add a medicine. Its stock becomes the first stock movement."""
    stock = payload.pop("current_stock", 0)
    payload.pop("is_active", None)
    return _medication_response(actions.add_medication(opening_stock=stock, **payload, by=current_person()), 201)


@api.put("/medications/<int:medication_id>/")
@requires(Permission.MANAGE_FORMULARY)
@api.arguments(MedicationIn)
@api.response(200, MedicationOut)
def change(payload: dict[str, Any], medication_id: int) -> Response:
    """Change a medicine. A stock in the body is ignored: it changes only by goods receipts, dispensing and adjustments."""
    payload.pop("current_stock", None)
    with if_match(
        lambda: actions.get_medication(medication_id), lambda row: medication_json(row, current_person())
    ) as version:
        row = actions.change_medication(medication_id, version=version, **payload, by=current_person())
    return _medication_response(row)


@api.delete("/medications/<int:medication_id>/")
@requires(Permission.MANAGE_FORMULARY)
@api.response(204)
def withdraw(medication_id: int) -> None:
    """Withdraw a medicine from the list; records that refer to it stay."""
    actions.withdraw_medication(medication_id, by=current_person())
