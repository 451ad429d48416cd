"""Checks before and after each request: sign-in, permission, CSRF, repeated submits, and the headers of the response."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Request, Response, current_app, g, request
from flask_login import LoginManager, current_user
from flask_wtf.csrf import CSRFProtect
from werkzeug.routing import IntegerConverter, ValidationError

from hms.core import after_answer, idempotency
from hms.core.actions import require_permission
from hms.core.db.session import db, discard_request_session, end_request_session
from hms.core.errors import NotAllowed
from hms.core.permissions import Permission
from hms.core.person import Person
from hms.core.settings.decimal_sign import decimal_sign
from hms.core.text import numbers
from hms.core.text.translation import N_

from . import logo, security_headers
from .parameters import check_parameters
from .request_bodies import read_body

login_manager = LoginManager()
csrf = CSRFProtect()

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_ID = 2**63 - 1
V = TypeVar("V", bound=Callable[..., Any])


def requires(permission: Permission, *others: Permission) -> Callable[[V], V]:
    """Let a route be opened with `permission` or one of `others`. A route without this decorator refuses everybody."""

    def mark(view: V) -> V:
        view.needs, view.other_permissions = permission, others  # type: ignore[attr-defined]
        return view

    return mark


def current_person() -> Person:
    """The signed-in person of this request, or Flask-Login's anonymous user."""
    return current_user._get_current_object()


def is_api_request() -> bool:
    return request.path.startswith("/api/")


PersonLoader = Callable[[Request], Person | None]
_loaders: list[PersonLoader] = []


def person_loader(load: PersonLoader) -> PersonLoader:
    """Register the function that loads the person behind a request; None when nobody is signed in."""
    _loaders.append(load)
    return login_manager.request_loader(load)


def check_still_allowed() -> None:
    """Load the person of a long request again. `SignInRequired` when the session has ended or is locked, `NotAllowed` when
    their role or its permissions changed meanwhile."""
    before, now = current_person(), _loaders[-1](request)
    if now is None:
        raise SignInRequired
    if (now.id, now.role, now.grants, now.patient_id) != (before.id, before.role, before.grants, before.patient_id):
        raise NotAllowed(N_("Your role was changed meanwhile. Try again."))


class SignInRequired(Exception):
    """Nobody is signed in and the route is not public."""


def guard() -> Response | None:
    """Before every request: check permission, query parameters and CSRF. Returns the stored response of a repeated submit."""
    if request.endpoint is None:
        return None
    view = current_app.view_functions[request.endpoint]
    permission = getattr(view, "needs", None)
    if permission is None:
        raise NotAllowed(N_("This page is not open to anybody. Tell an administrator."))
    is_read = request.method in SAFE_METHODS
    if permission is Permission.PUBLIC and (is_read or hasattr(view, "from_browsers")):
        g.is_reader_known = True
        return _check_public(view)
    person = current_person()
    g.is_reader_known = True
    if permission is not Permission.PUBLIC:
        _check_permission(person, view)
    if is_read and is_api_request():
        check_parameters(getattr(view, "parameters", None), person)
    return None if is_read else _check_submit(person)


def _check_public(view: Any) -> None:
    """Check the parameters of a public address of the API. Public pages accept any, because caches add their own."""
    if request.args and request.method in SAFE_METHODS and is_api_request():
        check_parameters(getattr(view, "parameters", None), current_person())


def _check_permission(person: Person, view: Any) -> None:
    if not person.is_authenticated:
        raise SignInRequired
    if not any(person.may(other) for other in getattr(view, "other_permissions", ())):
        require_permission(person, view.needs)


def _check_submit(person: Person) -> Response | None:
    """Refuse a submit from another site; return the stored response when it repeats an earlier one."""
    if not _is_api_client(person):
        _reject_cross_site()
        csrf.protect()
    return idempotency.replay_if_repeated(person.id) if person.is_authenticated else None


def _reject_cross_site() -> None:
    """Refuse forms sent from another site, in addition to the CSRF token."""
    if security_headers.is_cross_site():
        raise NotAllowed(N_("This form was sent from another site."))


def _is_api_client(person: Any) -> bool:
    """Whether no CSRF token is needed: for a Bearer token, and for the API's sign-in, which reads no cookie."""
    return getattr(person, "by_token", False) or (is_api_request() and not person.is_authenticated)


def safe_next(target: str | None) -> str | None:
    """`target` when it is a path of this site, else None (OWASP: unvalidated redirects)."""
    if not target or len(target) > 2048 or "\\" in target or any(ord(c) <= 0x20 or ord(c) == 0x7F for c in target):
        return None
    if not target.startswith("/") or target.startswith("//"):
        return None
    parts = security_headers.url_parts(target)
    return None if parts.scheme or parts.netloc else target


class RecordIdConverter(IntegerConverter):
    """Ids in addresses; 404 for an id that no database row can have."""

    regex = "[0-9]+"
    """ASCII digits only: Werkzeug's `\\d` also matches the digits of other scripts."""

    def to_python(self, value: str) -> int:
        number = super().to_python(value) if len(value) < 20 else MAX_ID + 1
        if number > MAX_ID:
            raise ValidationError
        return number


def _start_request() -> None:
    g.started = time.perf_counter()
    g.request_id = secrets.token_hex(8)
    g.steps_after_answer = []
    g.is_reader_known = g.has_committed = g.has_written = g.has_key = False


def finish_response(response: Response) -> Response:
    """After every request: commit its work with the response for repeated submits, and add the headers."""
    try:
        idempotency.store_response(response)
    except Exception as error:  # Flask's error handlers no longer run here
        db.session.rollback()
        response = current_app.make_response(current_app.handle_user_exception(error))
    after_answer.attach_to(response)
    security_headers.add_security_headers(response)
    if "started" in g:
        response.headers["Server-Timing"] = f"app;dur={(time.perf_counter() - g.started) * 1000:.1f}"
    response.headers["X-Request-ID"] = g.get("request_id", "-")
    return response


def _read_numbers_as_typed() -> None:
    """On pages the hospital's decimal sign counts; what programs send never depends on a setting."""
    numbers.read_as_page(None if is_api_request() else decimal_sign)


def _close_session(error: BaseException | None) -> None:
    numbers.read_as_page(None)
    if error is None:
        end_request_session()
    else:
        discard_request_session()


def install(app: Flask) -> None:
    """Register the guard, the headers, sign-in and CSRF protection."""
    app.url_map.converters["int"] = RecordIdConverter
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    login_manager.session_protection = None
    login_manager.init_app(app)
    csrf.init_app(app)
    app.before_request(_start_request)
    app.before_request(_read_numbers_as_typed)
    app.before_request(read_body)
    app.before_request(guard)
    app.after_request(finish_response)
    app.teardown_request(_close_session)
    app.register_blueprint(security_headers.pages)
    app.register_blueprint(logo.pages)
    app.view_functions["static"].needs = Permission.PUBLIC
