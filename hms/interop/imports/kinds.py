"""The kinds of records that can be imported."""

from __future__ import annotations

from hms.core.errors import RuleBroken
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.text.translation import N_

from .appointment_rows import APPOINTMENTS
from .kind import ImportKind
from .medicine_rows import MEDICINES
from .patient_rows import PATIENTS
from .price_rows import PRICES
from .staff_rows import STAFF

KINDS: dict[str, ImportKind] = {kind.name: kind for kind in (PATIENTS, PRICES, MEDICINES, STAFF, APPOINTMENTS)}

IMPORTERS = (Permission.IMPORT_RECORDS, Permission.MANAGE_PRICES, Permission.IMPORT_APPOINTMENTS)
"""Who may import something: each kind needs more."""


def get_kind(name: str, by: Person) -> ImportKind:
    """The kind with this name; raises `RuleBroken` when there is none, and `RoleNotAllowed` when `by` may not import it."""
    kind = KINDS.get(name)
    if kind is None:
        raise RuleBroken(N_("Choose what the file contains."), "kind")
    kind.check(by)
    return kind


def open_kinds(person: Person) -> list[ImportKind]:
    """The kinds that this person may import."""
    return [kind for kind in KINDS.values() if kind.is_open_to(person)]
