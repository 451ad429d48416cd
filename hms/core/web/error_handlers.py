"""Turns errors into responses: a page that says what to do next, or the API's JSON. No client input causes a 5xx."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

import psycopg
from flask import Flask, Response, current_app, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from markupsafe import escape
from sqlalchemy.exc import DBAPIError, PendingRollbackError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from werkzeug.exceptions import HTTPException, SecurityError

from hms.core import disk_space, idempotency
from hms.core.audit import denials
from hms.core.db.constraint_messages import domain_error_for
from hms.core.db.session import db
from hms.core.db.transient_errors import can_be_repeated
from hms.core.errors import DISK_FULL, DomainError, RoleNotAllowed, Unavailable
from hms.core.text.translation import Sentence

from .guard import SignInRequired, current_person, is_api_request
from .localisation import current_language, translate, translate_error
from .parameters import ParametersRefused
from .unavailable import database_unavailable, forget_reader, unavailable_response
from .unavailable import install as install_seldom_logging

BARE_PAGE = """<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>{title} – HMS</title>
<main><h1>{title}</h1></main></html>"""
SECRET_FIELDS = re.compile(r"csrf_token|otp|pin|proof|.*password.*")
TEMPORARY_FAILURES = (429, 500, 503)
"""Errors that may be gone at the next try: the page shows the typed values again, to be sent again."""


def error_response(
    status: int, message: str, *, code: str | None = None, field: str | None = None, **extra: Any
) -> Response:
    """The error as JSON under /api/, as a page elsewhere. `details` are further fields of the JSON, other `extra` further
    variables of the page's template."""
    details = extra.pop("details", {})
    if is_api_request():
        return _json(status, message, code, field, details)
    return Response(_page(status, message, extra | {"code": code or ""}), status)


def _page(status: int, message: str, extra: dict[str, Any]) -> str:
    """The error page; a page with only the message when the database is not available or busy."""
    names = [extra.pop("template", f"errors/{status}.html"), "errors/refused.html"]
    try:
        signed_in = current_person().is_authenticated
        shell = "base.html" if signed_in else "plain.html"
        if signed_in and status in TEMPORARY_FAILURES and resubmittable_fields():
            names, extra = ["errors/resend.html"], extra | {"kept": resubmittable_fields()}
        context = {"shell": shell, "signed_in": signed_in, "status": status, "message": message, "next_step": None}
        return render_template(names, **context | extra)
    except SQLAlchemyError:
        db.session.rollback()
        return BARE_PAGE.format(title=escape(message), lang=current_language())


def _json(status: int, message: str, code: str | None, field: str | None, details: dict[str, Any]) -> Response:
    if status == 400:
        body: dict[str, Any] = {field or "non_field_errors": [message]} | details
    else:
        body = {"detail": message} | details
    if code and code != "invalid":
        body["code"] = code
    response = jsonify(body)
    response.status_code = status
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="api"'
    return response


def _domain_error(error: DomainError) -> Response:
    if error.is_denial:
        patient_id = getattr(error, "patient_id", None)
        denials.record_denial(
            current_person(), request.endpoint or request.path, patient_id=patient_id, because=error.code
        )
    response = error_response(
        error.status,
        translate_error(error),
        code=error.code,
        field=error.field,
        next_step=error.next_step,
        details=_translated(error.details),
        may_ask_for_role=isinstance(error, RoleNotAllowed),
    )
    if hasattr(error, "retry_after"):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _translated(value: Any) -> Any:
    """`value` with the sentences in it in the reader's language."""
    if isinstance(value, dict):
        return {name: _translated(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_translated(part) for part in value]
    return translate(value) if isinstance(value, Sentence) else value


def _repeated(repeat: idempotency.DuplicateRequest) -> Response:
    """The stored response of the first submit; a 409 when it has none."""
    try:
        return idempotency.replay(idempotency.wait_for_response(repeat.answer))
    except DomainError as error:
        return _domain_error(error)


def _parameters_refused(error: ParametersRefused) -> Response:
    """A 400 with a message for each refused parameter, under its name."""
    if error.is_denial:
        denials.record_denial(current_person(), request.endpoint or request.path, because=error.code)
    return _field_errors({"query": {name: [translate(text)] for name, text in error.messages.items()}})


def sign_in_needed(_error: SignInRequired) -> Response:
    """The API's 401: no token, or one that is not valid. For pages the staff desk registers its own handler."""
    if g.get("token_fault"):
        body = {
            "detail": "Given token not valid for any token type",
            "code": "token_not_valid",
            "messages": [{"token_class": "AccessToken", "token_type": "access", "message": g.token_fault}],
        }
        response = jsonify(body)
        response.status_code = 401
        response.headers["WWW-Authenticate"] = 'Bearer realm="api", error="invalid_token"'
        return response
    return error_response(401, _("Authentication credentials were not provided."))


def resubmittable_fields() -> list[tuple[str, str]]:
    """The names and values of the submitted form, without tokens, passwords and codes."""
    return [(name, text) for name, text in request.form.items(multi=True) if not SECRET_FIELDS.fullmatch(name)]


def _expired_form(_error: CSRFError) -> Response:
    """The form is older than the session: show the typed values again, to be sent again."""
    if is_api_request():
        return error_response(400, _("The CSRF token is missing or wrong. Send it in X-CSRFToken."), code="csrf")
    extra = {"kept": resubmittable_fields(), "template": "errors/resend.html"}
    return Response(_page(400, _("This form was open too long. Send it again."), extra), 400)


HTTP_MESSAGES = {
    400: _l("The request could not be read. Send it again."),
    404: _l("Page not found."),
    405: _l("This address does not accept that method."),
    408: _l("It took too long to send this. Try again."),
    411: _l("Send the body with Content-Length, not in chunks."),
    413: _l("This is too large. Send less."),
    415: _l("Send JSON (Content-Type: application/json)."),
    429: _l("Too many attempts. Wait a minute, then try again."),
}
PAGE_MESSAGES = {
    404: _l("Check the address, or find the patient by name, phone, number or date of birth."),
    429: _l("Wait a minute, then go back and try again. What you typed is still on the previous page."),
}
"""For pages whose heading already says what `HTTP_MESSAGES` says."""


def _unknown_host(_error: SecurityError) -> Response:
    """The request's host is not in `HMS_HOSTS`. The page has no links, because no address can be built for that host."""
    return Response(BARE_PAGE.format(title="This is not the hospital's address.", lang="en"), 400)


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if error.response is not None:
        return error.response
    messages = getattr(error, "data", {}).get("messages") if hasattr(error, "data") else None
    if is_api_request() and messages:
        return _field_errors(messages)
    if not is_api_request():
        _load_reader()
    response = error_response(
        status, _api_message_for(error, status) if is_api_request() else _message_for(error, status)
    )
    if status in (405, 429):
        response.headers.extend(h for h in error.get_headers() if h[0] in ("Allow", "Retry-After"))
    return response


def _load_reader() -> None:
    """Load the person of the request, for the page's language, when the guard has not (unknown address, too large body).

    When the database is not available, the page has the browser's language.
    """
    try:
        if current_person() is not None:
            g.is_reader_known = True
    except SQLAlchemyError:
        db.session.rollback()


def _api_message_for(error: HTTPException, status: int) -> str:
    if status == 405:
        return f'Method "{request.method}" not allowed.'
    return str(HTTP_MESSAGES.get(status, error.name))


def _message_for(error: HTTPException, status: int) -> str:
    """What the page says under its heading, which names the error: not the same again."""
    return str(PAGE_MESSAGES.get(status) or HTTP_MESSAGES.get(status, error.name))


def _field_errors(messages: dict[str, Any]) -> Response:
    """A 400 with the schema's messages, without their location: {"field": ["…"]}."""
    flat: dict[str, Any] = {}
    for of_location in messages.values():
        flat.update(of_location if isinstance(of_location, dict) else {"non_field_errors": of_location})
    if "_schema" in flat:
        flat["non_field_errors"] = flat.pop("_schema")
    response = jsonify(flat)
    response.status_code = 400
    return response


def _database_error(error: DBAPIError) -> Response:
    """A database error outside an action. Its text may hold patient data and is not logged."""
    if can_be_repeated(error):
        return database_unavailable(error)
    domain_error = domain_error_for(error)
    if domain_error is not None:
        return _domain_error(domain_error)
    if isinstance(error.orig, psycopg.OperationalError) or error.connection_invalidated:
        return database_unavailable(error, resubmittable_fields())
    return _unexpected_error(error)


def _all_connections_in_use(_error: NoConnectionFree) -> Response:
    """The response when no database connection became free."""
    db.session.rollback()
    forget_reader()
    return unavailable_response(_("The system is busy. Wait a moment, then try again."), resubmittable_fields())


def _system_error(error: OSError) -> Response:
    """An error of the operating system: a full disk is said in words."""
    if not disk_space.is_disk_full_error(error):
        return _unexpected_error(error)
    disk_space.note_disk_full()
    return _domain_error(Unavailable(DISK_FULL, code="disk_full"))


def _unexpected_error(error: Exception) -> Response:
    cause = error.orig if isinstance(error, DBAPIError) else error
    current_app.logger.error(
        "request %s failed: %s", g.get("request_id"), type(cause).__name__, exc_info=_loggable_traceback(error)
    )
    if current_app.config.get("PROPAGATE_FAULTS"):
        raise error
    return error_response(500, _("Sorry, there is a problem on our side."), reference=g.get("request_id"))


def _loggable_traceback(error: Exception) -> Any:
    """The error to log with its traceback; None for a database error, whose text may hold patient data."""
    return None if isinstance(error, DBAPIError) else error


def answering_without_database(handler: Callable[[Any], ResponseReturnValue]) -> Callable[[Any], ResponseReturnValue]:
    """`handler`, whose own use of the database (for example an entry of a denial) may fail: Flask would answer 500."""

    @wraps(handler)
    def answer(error: Any) -> ResponseReturnValue:
        try:
            return handler(error)
        except NoConnectionFree as no_connection:
            return _all_connections_in_use(no_connection)
        except DBAPIError as database_error:
            return _database_error(database_error)

    return answer


def install(app: Flask) -> None:
    """Register every handler."""
    install_seldom_logging()
    app.register_error_handler(DomainError, answering_without_database(_domain_error))
    app.register_error_handler(ParametersRefused, answering_without_database(_parameters_refused))
    app.register_error_handler(SignInRequired, answering_without_database(sign_in_needed))
    app.register_error_handler(CSRFError, answering_without_database(_expired_form))
    app.register_error_handler(idempotency.DuplicateRequest, answering_without_database(_repeated))
    app.register_error_handler(SecurityError, _unknown_host)
    app.register_error_handler(HTTPException, answering_without_database(_http_error))
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(NoConnectionFree, _all_connections_in_use)
    app.register_error_handler(PendingRollbackError, lambda _error: database_unavailable(None, resubmittable_fields()))
    app.register_error_handler(OSError, _system_error)
    app.register_error_handler(Exception, _unexpected_error)
