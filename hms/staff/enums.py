"""The states of a role request."""

from __future__ import annotations

from enum import StrEnum


class RequestStatus(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


REQUEST_TRANSITIONS = {
    RequestStatus.PENDING: frozenset(RequestStatus) - {RequestStatus.PENDING},
    RequestStatus.APPROVED: frozenset[RequestStatus](),
    RequestStatus.REJECTED: frozenset[RequestStatus](),
    RequestStatus.WITHDRAWN: frozenset[RequestStatus](),
}
"""The states that may follow each one. A decision is final."""
