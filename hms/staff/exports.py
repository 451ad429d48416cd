"""The lists of this desk as files."""

from __future__ import annotations

from typing import Any

from hms.core.exports.columns import Column, ExportTable, instant
from hms.core.text.translation import N_

from .directory import display_names


def _role_name(role: dict[str, Any] | None) -> str | None:
    return None if role is None else role["name"]


def _person_name(person: dict[str, Any]) -> str:
    return person["display_name"]


_NAME, _ROLE = Column("display_name", N_("Name")), Column("role", N_("Role"), read=_role_name)
_ACCOUNT = (
    Column("username", N_("Username")),
    Column("email", N_("E-mail")),
    Column("phone", N_("Mobile phone")),
    Column("two_factor_enabled", N_("Second factor")),
    Column("is_active", N_("Active")),
)
USERS = ExportTable("staff", N_("People"), (_NAME, _ROLE, *_ACCOUNT))
ACCOUNTS = ExportTable(
    "accounts",
    N_("Accounts"),
    (
        _NAME,
        _ROLE,
        *_ACCOUNT,
        Column("awaits_approval", N_("Waiting for approval")),
        Column("is_locked", N_("Locked")),
        instant("last_sign_in", N_("Last sign-in")),
    ),
)
ROLES = ExportTable(
    "roles",
    N_("Roles"),
    (
        Column("name", N_("Name")),
        Column("description", N_("Description")),
        Column("is_built_in", N_("Built in")),
        Column("permissions", N_("Permissions")),
    ),
)
REQUESTS = ExportTable(
    "role-requests",
    N_("Role requests"),
    (
        Column("user", N_("Person"), read=_person_name),
        Column("requested_role", N_("Requested role"), read=_role_name),
        Column("reason", N_("Reason")),
        Column(
            "status",
            N_("Status"),
            words={
                "pending": N_("Waiting for approval"),
                "approved": N_("Approved"),
                "rejected": N_("Rejected"),
                "withdrawn": N_("Withdrawn"),
            },
        ),
        Column("admin_response", N_("Answer")),
        instant("created_at", N_("Requested")),
        Column("reviewed_by", N_("Decided by"), names=display_names),
        instant("reviewed_at", N_("Decided")),
    ),
)
DEPARTMENTS = ExportTable(
    "departments",
    N_("Departments"),
    (
        Column("name", N_("Name")),
        Column("people", N_("People")),
        Column("is_active", N_("Open")),
    ),
)
