"""Imported resource types, in order of their references: a type comes after the types it refers to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from hms.clinical.models import Condition, Encounter, Immunization, Observation, Prescription
from hms.interop.fhir.references import identifiers
from hms.patients.models import Allergy, Patient
from hms.staff.models import User

from . import (
    allergy_intolerance,
    condition,
    encounter,
    immunization,
    medication_request,
    observation,
    patient,
    practitioner,
)
from .allergy_status import refresh_allergy_status
from .contacts import store_contacts
from .items import ImportItem

Values = dict[str, Any]
MEDICATION = "Medication"
"""The resource type that is only read for the names of medicines."""


@dataclass(frozen=True)
class ResourceType:
    """One FHIR resource type and the table it is stored in.

    `read` makes column values of a resource; its second argument is the names of medicines by id. `read_identifiers` makes
    the "system|value" texts by which other resources may refer to it. Of an `is_final` record only the status changes.
    `after_store` gets the ids of the patients whose records were written, `after_items` the items whose resource is new or
    another than before.
    """

    name: str
    table: Table
    read: Callable[[Values, dict[str, str]], Values]
    read_identifiers: Callable[[Values], list[str]] = lambda resource: []
    is_final: bool = False
    after_store: Callable[[set[int]], None] | None = None
    after_items: Callable[[list[ImportItem]], None] | None = None

    @property
    def patient_field(self) -> str:
        """The field of the resource that refers to its patient."""
        return "patient" if self.name in ("AllergyIntolerance", "Immunization") else "subject"

    @property
    def has_status(self) -> bool:
        """Whether a record has a status that says "entered in error"; other records are deleted."""
        return "patient_id" in self.table.c and "status" in self.table.c


def _ignoring_names(read: Callable[[Values], Values]) -> Callable[[Values, dict[str, str]], Values]:
    return lambda resource, names: read(resource)


RESOURCE_TYPES = (
    ResourceType(
        "Patient",
        Patient.__table__,
        _ignoring_names(patient.values),
        identifiers,
        after_items=store_contacts,
    ),
    ResourceType("Practitioner", User.__table__, _ignoring_names(practitioner.values), identifiers),
    ResourceType("Encounter", Encounter.__table__, _ignoring_names(encounter.values), is_final=True),
    ResourceType("Condition", Condition.__table__, _ignoring_names(condition.values)),
    ResourceType(
        "AllergyIntolerance",
        Allergy.__table__,
        _ignoring_names(allergy_intolerance.values),
        after_store=refresh_allergy_status,
    ),
    ResourceType("MedicationRequest", Prescription.__table__, medication_request.values),
    ResourceType("Immunization", Immunization.__table__, _ignoring_names(immunization.values)),
    ResourceType("Observation", Observation.__table__, _ignoring_names(observation.values)),
)
BY_NAME = {kind.name: kind for kind in RESOURCE_TYPES}


def entered_in_error(resource: Values) -> bool:
    """Whether the source marked the resource as entered in error."""
    status = resource.get("verificationStatus")
    codings = status.get("coding") if isinstance(status, dict) else None
    codes = [coding.get("code") for coding in codings if isinstance(coding, dict)] if isinstance(codings, list) else []
    return "entered-in-error" in (resource.get("status"), *codes)
