"""Labels of the figures, on the page and in the file."""

from __future__ import annotations

from typing import NamedTuple

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l


class PartLabel(NamedTuple):
    """The title of a part of the page, and what stands for a row without a name."""

    title: LazyString
    unnamed: LazyString | str = ""


FIGURE_LABELS = {
    "visits": _l("Visits"),
    "new_patients": _l("New patients"),
    "wait": _l("Median wait"),
    "billed": _l("Billed"),
    "received": _l("Received"),
}
PART_LABELS = {
    "by_doctor": PartLabel(_l("Appointments by doctor")),
    "by_department": PartLabel(_l("Visits by department"), _l("No department")),
    "medicines": PartLabel(_l("Most prescribed medicines")),
    "diagnoses": PartLabel(_l("Most frequent diagnoses")),
    "by_method": PartLabel(_l("Received by method")),
    "by_payer": PartLabel(_l("Billed by payer"), _l("Patients")),
    "by_service": PartLabel(_l("Billed by service, before discounts"), _l("Other charges")),
}
