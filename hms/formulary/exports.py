"""The lists of this desk as files."""

from __future__ import annotations

from hms.core.exports.columns import Column, ExportTable, find_by_id
from hms.core.text.translation import N_

from .models import Medication

medicine_names = find_by_id(Medication.id, Medication.name)
_COLUMNS = (
    Column("name", N_("Name")),
    Column("generic_name", N_("Generic name")),
    Column("brand_name", N_("Brand")),
    Column("formulation", N_("Form")),
    Column("strength", N_("Strength")),
    Column("manufacturer", N_("Manufacturer")),
    Column("unit", N_("Unit")),
    Column("current_stock", N_("In stock")),
    Column("reorder_level", N_("Reorder at")),
    Column("is_controlled_substance", N_("Controlled")),
    Column("is_active", N_("Offered")),
    Column("description", N_("Description")),
)
MEDICINES = ExportTable("medicines", N_("Medicines"), _COLUMNS)
BELOW_REORDER_LEVEL = ExportTable("below-reorder-level", N_("Below reorder level"), _COLUMNS)
