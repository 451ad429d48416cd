"""Requests for an account. The account cannot sign in until an administrator approves it.

The response never says whether a username or e-mail address is taken. The request is then stored under the next free
username, without the e-mail address, with a note for the administrator.
"""

from __future__ import annotations

from typing import Any

from flask import has_request_context
from sqlalchemy import func, literal, select

from hms.core.actions import action
from hms.core.db import advisory_locks
from hms.core.db.advisory_locks import AdvisoryLock
from hms.core.db.folding import lowered
from hms.core.db.session import db
from hms.core.errors import Conflict, NotAllowed, RuleBroken
from hms.core.permissions import Permission
from hms.core.person import SYSTEM, Person
from hms.core.settings import store as settings
from hms.core.text.cleaning import clean_field
from hms.core.text.translation import N_, Sentence
from hms.core.web.rate_limits import limiter
from hms.staff import rules
from hms.staff.login_security import concurrent_attempts, password_rules, passwords
from hms.staff.models import RoleChangeRequest, User
from hms.staff.notifier import notify
from hms.staff.roles.assignment import get_active_role, list_reviewer_ids

MAX_PENDING = 200
MAX_NAME_LENGTH = 150
REQUESTS_PER_ADDRESS = "60/hour"
REQUESTED = N_("Requested an account.")
EMAIL_TAKEN = N_("Entered an e-mail address that belongs to another account. It was not saved.")


@concurrent_attempts.limit_concurrency()
def register(
    *,
    username: str,
    password: str,
    email: str = "",
    first_name: str = "",
    last_name: str = "",
    role_id: int | None = None,
    reason: str = "",
    by: Person,
) -> None:
    """Store a request for an account, and a role request when `role_id` is given. A repeated request is stored once.

    Raises `RuleBroken` on a wrong field, `NotAllowed` while registration is closed, `Conflict` when too many requests are
    pending; 429 when too many came from this address.
    """
    check_registration_open()
    person = User(username=rules.username(username), email=rules.email(email), is_active=False, awaits_approval=True)
    person.first_name, person.last_name = _clean_name(first_name, "first_name"), _clean_name(last_name, "last_name")
    role = get_active_role(role_id)
    own_words = [person.username, person.email.partition("@")[0], person.first_name, person.last_name]
    password_rules.check_length(password, shortest=settings.value("staff.shortest_password"))
    request_reason = (
        (clean_field(reason, "reason", longest=MAX_NAME_LENGTH, multiline=True) or REQUESTED)
        if role is not None
        else ""
    )
    request = RoleChangeRequest(requested_role_id=role.id, reason=request_reason) if role is not None else None
    if has_request_context():
        _count_request()
    password_rules.check_strength(password, own_words)
    person.password_hash = passwords.hash_secret(password)
    is_saved = False
    while not is_saved:
        pending_hash = _pending_password_hash(person.username)
        is_saved = passwords.is_correct(pending_hash, password) or _save_request(person, request, pending_hash, by=by)


@limiter.shared_limit(lambda: REQUESTS_PER_ADDRESS, scope="requests for an account")
def _count_request() -> None:
    """Count a request after its fields are checked and before a password is hashed; raises 429 above the limit."""


@action(Permission.PUBLIC, "staff.register")
def _save_request(person: User, request: RoleChangeRequest | None, compared_with: str | None, *, by: Person) -> bool:
    """Store the request; return False when another request with this username came meanwhile and must be compared first."""
    advisory_locks.acquire(AdvisoryLock.REGISTER)
    check_registration_open()
    if _pending_password_hash(person.username) != compared_with:
        return False
    _avoid_taken_names(person)
    db.session.add(person)
    db.session.flush()
    if request is not None:
        request.user_id = person.id
        db.session.add(request)
        db.session.flush()
    for reviewer in list_reviewer_ids():
        notify(reviewer, title=N_("New account request."), url="/admin/users?state=asked", by=SYSTEM)
    return True


def check_registration_open() -> None:
    """Raise `NotAllowed` while registration is closed, and `Conflict` when too many requests are pending."""
    if not settings.value("staff.registration_open"):
        raise NotAllowed(N_("Only an administrator can create accounts. Ask an administrator."))
    pending = select(func.count()).select_from(User).where(User.awaits_approval)
    if db.session.execute(pending).scalar_one() >= MAX_PENDING:
        raise Conflict(N_("Too many account requests are waiting. Ask an administrator."), code="too_many_waiting")


def _clean_name(text: str, field: str) -> str:
    name = clean_field(text, field, longest=MAX_NAME_LENGTH, multiline=True)
    if "\n" in name:
        raise RuleBroken(N_("Enter the name on one line."), field)
    return name


def _pending_password_hash(username: str) -> str | None:
    """The password hash of the pending request with this username; None when there is none."""
    query = select(User.password_hash).where(User.awaits_approval, func.lower(User.username) == username.lower())
    return db.session.scalars(query).first()


def _avoid_taken_names(person: User) -> None:
    """Replace a username that is taken by the next free one, remove an e-mail address that is taken, and add notes."""
    wanted, notes = person.username, [REQUESTED]
    taken = set(db.session.scalars(select(func.lower(User.username)).where(_username_starts_with(wanted))))
    number = 2
    while person.username.lower() in taken:
        person.username, number = f"{wanted[: rules.MAX_USERNAME_LENGTH - 4]}{number}", number + 1
    if person.username != wanted:
        note = N_("Requested an account with the username %(name)s, which another person already has.")
        notes = [str(Sentence(note, name=wanted))]
    same_address = select(User.id).where(lowered(User.email) == lowered(literal(person.email)))
    if person.email and db.session.scalars(same_address).first() is not None:
        person.email = ""
        notes.append(EMAIL_TAKEN)
    person.inactive_reason = " ".join(notes)


def _username_starts_with(username: str) -> Any:
    return func.lower(User.username).startswith(username[: rules.MAX_USERNAME_LENGTH - 4].lower(), autoescape=True)
