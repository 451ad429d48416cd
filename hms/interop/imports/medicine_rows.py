"""Medicines of the formulary from the rows of a file."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from hms.core.db.folding import lowered
from hms.core.db.session import db
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_
from hms.formulary.medicines.actions import add_medication, withdraw_medication
from hms.formulary.models import Medication

from .fields import Field, choice, identity, line, whole, yes_or_no
from .kind import AlreadyThere, ImportKind

PRODUCT = ("generic_name", "brand_name", "form", "strength")
"""What makes a product another one."""
FORMULATIONS = {"tablet": "Tablet", "comprime": "Tablet", "syrup": "Syrup", "sirop": "Syrup"} | {
    "injection": "Injection",
    "capsule": "Capsule",
    "gelule": "Capsule",
    "other": "Other",
    "autre": "Other",
}


def _save(values: dict[str, Any], by: Person, _other_than: int | None) -> int:
    product = [lowered(getattr(Medication, name)) == func.lower(values.get(name, "")) for name in PRODUCT]
    if (row := db.session.scalars(select(Medication).where(*product)).first()) is not None:
        raise AlreadyThere(N_("This medicine is on the list already: %(name)s."), name=row.name)
    return add_medication(**values, by=by).id


def _undo(record_id: int, by: Person) -> None:
    withdraw_medication(record_id, by=by)


def _identities(values: dict[str, Any]) -> list[str]:
    return [identity("product", "\n".join(values.get(name, "").lower() for name in PRODUCT))]


MEDICINES = ImportKind(
    name="medicines",
    label=_l("Medicines"),
    needs=(Permission.IMPORT_RECORDS, Permission.MANAGE_FORMULARY),
    model=Medication,
    save=_save,
    undo=_undo,
    identities=_identities,
    note=_l(
        "Medicines come without stock and without prices: receive goods at the pharmacy, and import the price list. A medicine "
        "whose import is undone is withdrawn from the list."
    ),
    fields=(
        Field(
            "generic_name",
            _l("Generic name"),
            ("medicine", "drug", "generic", "inn", "dci", "medicament", "nom generique", "name"),
            line(255),
            is_required=True,
            example="Amoxicillin",
        ),
        Field("brand_name", _l("Brand name"), ("brand", "marque", "nom commercial"), line(255)),
        Field("strength", _l("Strength"), ("dosage", "dose"), line(100), example="500 mg"),
        Field("form", _l("Form"), ("dosage form", "forme", "presentation"), line(100), example="capsule"),
        Field(
            "formulation",
            _l("Formulation"),
            ("forme galenique", "type"),
            choice(FORMULATIONS, N_("Enter tablet, syrup, injection, capsule or other.")),
            example="capsule",
        ),
        Field("unit", _l("Unit"), ("unite", "unit of measure"), line(50), example="capsule"),
        Field("route", _l("Route"), ("voie", "voie d administration"), line(50), example="oral"),
        Field("manufacturer", _l("Manufacturer"), ("fabricant", "laboratoire"), line(255)),
        Field(
            "reorder_level",
            _l("Reorder level"),
            ("reorder at", "minimum stock", "seuil", "stock minimum"),
            whole,
            example="100",
            is_number=True,
        ),
        Field("is_controlled_substance", _l("Controlled substance"), ("controlled", "stupefiant"), yes_or_no),
        Field("description", _l("Description"), ("notes", "remarques"), line(2000)),
    ),
)
