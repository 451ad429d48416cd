"""User messages for constraint violations, declared beside each constraint in the models."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError

from hms.core import disk_space
from hms.core.errors import DISK_FULL, Conflict, DomainError, RuleBroken, Unavailable
from hms.core.text.translation import N_

from .session import db
from .status import ILLEGAL_CHANGE
from .transient_errors import is_read

_BUSY = N_("Someone else is saving the same record. Try again.")

_TRIGGER_MESSAGES = {
    "permanent": N_("This cannot be changed. Correct it with a new entry."),
    "needs_approval": N_("This needs approval. Send a request; a colleague with approval rights decides."),
    "not_acting": N_("This is recorded in your name. Sign in yourself, then try again."),
    "till_closed": N_("Your till is closed. Open it with a counted float first."),
    "lines_add_up": N_("The bill's total is not the sum of its lines. Open the bill again, check it, then issue it."),
    "payments_add_up": N_("You cannot change the paid amount of a bill. Take a payment or refund one."),
    "till_begins_open": N_(
        "A new till must be open and not counted. Open it first, then count and close it at the end."
    ),
    "till_adds_up": N_("The expected cash must be the float plus the payments. Count the till again, then close it."),
    "opened_lately": N_(
        "One of these two people opened the other's account or made a link for it in the last 30 "
        "days, so someone else must approve."
    ),
    "same_bill": N_("The payment belongs to another bill. Choose a payment of this bill."),
    "credit_possible": N_(
        "A credit is for a line of this bill, and for at most what was charged. Open the bill again and check its requests."
    ),
    "issued_after_signing": N_("The encounter is not signed. Sign it first, then print the document."),
    "status_change": ILLEGAL_CHANGE,
    "patient_withdrawn": N_(
        "This patient's record was withdrawn. Choose the right patient, or have the record restored."
    ),
    "patient_merged": N_("This patient's record was merged into another one. Use that record."),
    "same_patient": N_("This belongs to another patient. Choose a record of this patient."),
    "last_administrator": N_(
        "This would leave nobody who can manage people and roles. Give another person the administrator role first."
    ),
}
"""By the constraint name that the trigger raises; the name is also the error's code."""


def domain_error_for(error: DBAPIError) -> DomainError | None:
    """The domain error for a database error that a user can cause; None when it is a program fault."""
    if isinstance(cause := error.orig, psycopg.IntegrityError):
        return _constraint_error(cause)
    if isinstance(cause, pg.DiskFull):
        disk_space.note_disk_full()
        return Unavailable(DISK_FULL, code="disk_full")
    if isinstance(cause, pg.LockNotAvailable) and is_read():
        return Unavailable(
            N_("Someone else is changing what this page shows. Wait a moment, then try again."), code="busy"
        )
    if isinstance(cause, (pg.DeadlockDetected, pg.SerializationFailure, pg.LockNotAvailable)):
        return Conflict(_BUSY, code="busy")
    if isinstance(cause, pg.QueryCanceled):
        return Unavailable(N_("This took too long and nothing was saved. Try again, or search for less."))
    if isinstance(cause, pg.RaiseException) and cause.diag.constraint_name in _TRIGGER_MESSAGES:
        return Conflict(_TRIGGER_MESSAGES[cause.diag.constraint_name], code=cause.diag.constraint_name)
    if isinstance(cause, psycopg.DataError):
        return RuleBroken(N_("A value is too large or has the wrong format."))
    return None


def _constraint_error(cause: Any) -> DomainError:
    info = constraint_messages().get(cause.diag.constraint_name or "", {})
    message, field = info.get("message"), info.get("field")
    if isinstance(cause, (pg.UniqueViolation, pg.ExclusionViolation)):
        return Conflict(message or N_("This is already recorded."), field, code=info.get("code", "conflict"))
    if isinstance(cause, pg.ForeignKeyViolation):
        return RuleBroken(
            message or N_("This refers to a record that does not exist, or that other records still use."), field
        )
    return RuleBroken(message or N_("A value is not allowed here."), field)


def constraint_messages() -> dict[str, dict[str, str]]:
    """The `info` of every named constraint, by its name in the database.

    `info` is {"message": message, "field": form field, "code": API code}; only unique and exclusion constraints have a
    code of their own.
    """
    messages: dict[str, dict[str, str]] = {}
    for table in db.metadata.tables.values():
        for constraint in (*table.constraints, *table.indexes):
            info = constraint_info(constraint)
            if info.get("message") and constraint.name:
                messages[_database_name(constraint, table.name)] = info
    return messages


def constraint_info(constraint: Any) -> dict[str, str]:
    """The `info` of a constraint or an index; for a foreign key that of its `ForeignKey` element."""
    of_element = next((element.info for element in getattr(constraint, "elements", ())), {})
    return constraint.info or of_element


def _database_name(constraint: Any, table: str) -> str:
    name = str(constraint.name)
    prefix = f"ck_{table}_"
    is_check = constraint.__visit_name__ == "check_constraint"
    return name if not is_check or name.startswith(prefix) else prefix + name
