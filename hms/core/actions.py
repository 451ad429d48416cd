"""Every write is an action: it checks the permission, runs in one transaction, is named in the audit trail, and runs its
notifications only after the commit."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any, TypeVar

from flask import g, has_request_context, request
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import SessionTransaction
from sqlalchemy.orm.exc import StaleDataError

from . import idempotency
from .audit import recording
from .db import session as database
from .db.constraint_messages import domain_error_for
from .db.session import db
from .db.transient_errors import can_be_repeated, is_conflict_of_transactions, is_database_away
from .errors import DomainError, RoleNotAllowed, StaleVersion
from .permissions import Permission
from .person import Person
from .text.translation import N_

log = logging.getLogger(__name__)

Step = TypeVar("S", bound=Callable[[], None])
STALE_MESSAGE = N_("Someone else saved this while you were working. Check the saved version, then save yours again.")


@dataclass
class ActionContext:
    """The running action: its name, who does it, and what runs after its commit."""

    name: str
    by: Person
    has_audit_context: bool = False
    """Whether the database session has the audit context. It is set before the first write, so reads need no extra statement."""
    audits_nested_actions: bool = False
    """Whether nested actions are audited under their own names."""
    request_id: str | None = None
    """What the audit trail names instead of a request, in work that runs without one."""
    after_commit_steps: dict[Hashable, Callable[[], None]] = field(default_factory=dict)


_current_action: ContextVar[ActionContext | None] = ContextVar("current_action", default=None)


def require_permission(person: Person | None, permission: Permission) -> None:
    """Raise `RoleNotAllowed` unless `person` has `permission`."""
    if permission is Permission.PUBLIC or (person is not None and person.is_authenticated and person.may(permission)):
        return
    raise RoleNotAllowed(
        N_("Your role does not allow this. Request another role on your profile, or ask your supervisor.")
    )


def action(permission: Permission, audited_as: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a function an action: it takes `by=` (who acts), needs `permission`, and joins or opens a transaction.

    The audit trail stores the name `audited_as` ("billing.issue"): it stays the same when the function is renamed.
    """

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def perform(*args: Any, by: Person, **kwargs: Any) -> Any:
            require_permission(by, permission)
            with action_context(audited_as, by):
                return function(*args, by=by, **kwargs)

        perform.needs, perform.audited_as = permission, audited_as  # type: ignore[attr-defined]
        return perform

    return mark


@contextmanager
def action_context(name: str, by: Person) -> Iterator[None]:
    """Run the block in one transaction, as the action `name` of `by`. A nested action joins the outer one: both are
    committed or neither."""
    outer = _current_action.get()
    if outer is not None and outer.audits_nested_actions:
        yield from _nested_action(outer, name)
        return
    if outer is not None:
        yield
        return
    context = ActionContext(name, by)
    token = _current_action.set(context)
    try:
        yield from _transaction(context)
    finally:
        _current_action.reset(token)
    _run_or_keep_steps(context)


@contextmanager
def audit_nested_actions() -> Iterator[None]:
    """Audit the actions nested in this block under their own names; `LookupError` outside an action.

    For example, a page that saves the form and then signs writes both names; changes made by signing have the name of
    the signature.
    """
    context = _current_action.get()
    if context is None:
        raise LookupError("no action is running")
    context.audits_nested_actions = True
    try:
        yield
    finally:
        context.audits_nested_actions = False


@contextmanager
def acting_for(person: Person, request_id: str) -> Iterator[None]:
    """Audit this block as the work of `person`, who started it earlier, and its nested actions under their own names.

    For jobs, whose own action is the system's. `request_id` names the work in the audit trail ("import-12"), where the
    work of a page has the id of its request. `LookupError` outside an action.
    """
    context = _current_action.get()
    if context is None:
        raise LookupError("no action is running")
    db.session.flush()
    before = context.by, context.request_id
    context.by, context.request_id, context.has_audit_context = person, request_id, False
    try:
        with audit_nested_actions():
            yield
        db.session.flush()
    finally:
        (context.by, context.request_id), context.has_audit_context = before, False


@contextmanager
def separate_part() -> Iterator[None]:
    """Run the block in a savepoint of the running action. When it raises, what it wrote and its steps after the commit are
    dropped, and the rest of the action stays. The database's refusals become domain errors, with their constraints checked
    at the end of the block."""
    context = _current_action.get()
    if context is None:
        raise LookupError("no action is running")
    steps, savepoint = dict(context.after_commit_steps), db.session.begin_nested()
    try:
        yield
        _check_constraints()
        savepoint.commit()
    except BaseException as error:
        if savepoint.is_active:
            savepoint.rollback()
        context.after_commit_steps = steps
        domain_error = _refusal_of(error)
        if domain_error is None:
            raise
        raise domain_error from error


def _refusal_of(error: BaseException) -> DomainError | None:
    """What a refusal of the database means; None when the whole action must be done again, and for other errors."""
    if not isinstance(error, DBAPIError) or is_conflict_of_transactions(error) or is_database_away(error):
        return None
    return domain_error_for(error)


def _nested_action(outer: ActionContext, name: str) -> Iterator[None]:
    db.session.flush()
    outer_name, outer.name = outer.name, name
    outer.has_audit_context, outer.audits_nested_actions = False, False
    try:
        yield
        db.session.flush()
    finally:
        outer.name, outer.has_audit_context, outer.audits_nested_actions = outer_name, False, True


def _transaction(context: ActionContext) -> Iterator[None]:
    claim = idempotency.open_claim()
    undo = db.session.rollback
    try:
        if claim is not None and claim.has_work:
            undo = _keep_earlier_work  # leaving the savepoint has undone this action
            yield from _savepoint()
        else:
            idempotency.claim_key(context.by)
            yield
            _commit_or_keep_open()
    except StaleDataError as stale:
        undo()
        raise StaleVersion(STALE_MESSAGE) from stale
    except DBAPIError as error:
        undo()
        domain_error = None if can_be_repeated(error) else domain_error_for(error)
        if domain_error is None:
            raise
        raise domain_error from error
    except BaseException:
        undo()
        raise


def _keep_earlier_work() -> None:
    """Do nothing: the earlier actions of this request stay in their open transaction."""


def _commit_or_keep_open() -> None:
    """Commit; with an idempotency key only check everything: the commit follows together with the stored response."""
    claim = idempotency.open_claim()
    if claim is None:
        db.session.commit()  # the only commit of a business write without a key
        return
    _check_constraints()
    claim.has_work = True


def _check_constraints() -> None:
    """Check now what the commit would check, so that a refusal belongs to the action that caused it."""
    db.session.flush()
    connection = db.session.connection()
    connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    connection.execute(text("SET CONSTRAINTS ALL DEFERRED"))  # as the next action of the request may need them


def _savepoint() -> Iterator[None]:
    """A further action of a request whose work waits for its response: when it is refused, the earlier work stays."""
    with db.session.begin_nested():
        yield
        _check_constraints()


def roll_back() -> None:
    """Roll back the running action. An earlier action of the same request, whose work waits for the response, stays."""
    session = db.session()
    (session.get_nested_transaction() or session).rollback()


def _run_or_keep_steps(context: ActionContext) -> None:
    """Run the steps after the commit, or keep them until the request's work is committed."""
    claim = idempotency.open_claim()
    for name, step in context.after_commit_steps.items():
        if claim is None:
            _run_quietly(step)
        else:
            claim.after_commit_steps.setdefault(name, partial(_run_quietly, step))


_SET_CONTEXT = text("SELECT set_config('hms.doing', :doing, true), set_config('hms.ticket', :ticket, true)")


def set_audit_context(name: str, by: Person, request_id: str | None = None) -> None:
    """Set who acts and the signing ticket for the audit triggers, until the transaction ends. `request_id` is for work
    without a request."""
    context = {
        "request": request_id,
        "action": name,
        "actor": by.id,
        "name": by.username,
        "role": by.role,
        "session": by.session_id,
    }
    if has_request_context():
        context |= {"ip": request.remote_addr, "request": g.get("request_id"), "purpose": g.get("purpose")}
    db.session.connection().execute(
        _SET_CONTEXT, {"doing": json.dumps(context), "ticket": recording.create_signing_ticket()}
    )


@event.listens_for(db.session, "after_soft_rollback")
def _reset_audit_context(_session: Any, ended: SessionTransaction) -> None:
    """A rolled-back savepoint also undoes the audit context set inside it: set it again before the next write."""
    context = _current_action.get()
    if context is not None and ended.nested:
        context.has_audit_context = False


def _ensure_audit_context() -> None:
    """Set the audit context before the first statement that may write."""
    context = _current_action.get()
    if context is not None and not context.has_audit_context:
        context.has_audit_context = True
        set_audit_context(context.name, context.by, context.request_id)


database.before_write_hooks.append(_ensure_audit_context)


def current_action() -> ActionContext | None:
    """The running action, or None."""
    return _current_action.get()


def after_commit(step: Step, *, key: Hashable = None) -> Step:
    """Run `step` after the running action commits; immediately when there is none. Returns the step that will run: of
    several steps with the same `key`, only the first runs."""
    context = _current_action.get()
    if context is not None:
        return context.after_commit_steps.setdefault(key or step, step)  # type: ignore[return-value]
    _run_quietly(step)
    return step


def _run_quietly(step: Callable[[], None]) -> None:
    """Run `step`; log an exception. The action is already committed, and the outbox repeats work that failed."""
    try:
        step()
    except Exception:
        log.exception("a step after the commit failed")
