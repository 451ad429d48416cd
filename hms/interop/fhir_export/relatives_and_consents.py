"""Builds the FHIR resources of the next of kin and of consents."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from hms.interop.fhir.relations import RECORD, relationship
from hms.interop.own_ids import CONSENT, RELATIVE
from hms.patients.enums import RELATION_LABELS, Relation

from .resources import Resource, ref

_STATUSES = {"given": "active", "refused": "rejected", "withdrawn": "inactive"}
_SCOPES = "http://terminology.hl7.org/CodeSystem/consentscope"


def related_person(row: Any, code: str) -> Iterator[Resource]:
    """One of the next of kin, with a link to the own record where there is one."""
    yield {
        "id": f"hms-{code}-{RELATIVE}{row.id}",
        "extension": [{"url": RECORD, "valueReference": ref(row.record)}] if row.record else [],
        "active": True,
        "patient": ref(row.patient),
        "relationship": [relationship(row.relation, str(RELATION_LABELS[Relation(row.relation)]))],
        "name": [{"text": row.name}],
        "telecom": [{"system": "phone", "value": row.phone}] if row.phone else [],
    }


def consent(row: Any, code: str) -> Iterator[Resource]:
    """A decision about a consent, with the words that were decided about. One that was refused is `rejected`."""
    is_permitted = row.status != "refused"
    performer = {"display": f"{row.guardian_name} ({row.guardian_relation})"} if row.guardian_name else ref(row.patient)
    yield {
        "id": f"hms-{code}-{CONSENT}{row.id}",
        "status": _STATUSES[row.status],
        "scope": {"coding": [{"system": _SCOPES, "code": "patient-privacy"}], "text": row.kind_name},
        "category": [{"text": row.kind_name}],
        "patient": ref(row.patient),
        "dateTime": row.decided_on,
        "performer": [performer],
        "policyRule": {"text": row.title},
        "sourceAttachment": {
            "contentType": "text/plain; charset=utf-8",
            "language": row.language,
            "data": base64.b64encode(row.body.encode()).decode(),
            "title": row.title,
        },
        "provision": {
            "type": "permit" if is_permitted else "deny",
            "period": {"start": row.decided_on, "end": row.ended_on},
        },
    }
