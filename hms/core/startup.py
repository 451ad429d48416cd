"""Sets up the core in the Flask application: configuration, database, JSON, sign-in, languages, rate limits, sockets, API."""

from __future__ import annotations

import logging
import os

from flask import Flask
from flask.helpers import get_debug_flag
from flask_compress import Compress
from flask_smorest import Api
from werkzeug.middleware.proxy_fix import ProxyFix

from config import Config

from . import clock, commands, events, money
from .api import preconditions
from .background.redis import SHORT_TIMEOUTS
from .db.connections import engine_options
from .db.query_counter import watch_queries
from .db.session import db
from .exports import registry as exports
from .web import (
    component_gallery,
    error_handlers,
    guard,
    localisation,
    rate_limits,
    template_context,
    template_filters,
)
from .web.json_provider import ExactJSON
from .web.request_bodies import MAX_BODY
from .web.request_repeats import RequestRepeater
from .web.session_cookie import EncryptedSessionInterface

log = logging.getLogger(__name__)


def has_commands(app: Flask) -> bool:
    """Whether this process may run commands; a web server process does not load them, to use less memory."""
    return app.testing or os.environ.get("SOCKETIO_ASYNC") != "gevent"


def prepare(app: Flask, config: Config) -> None:
    """Set up everything that desks need before they are imported."""
    _restrict_debug_to_demo(app, config)
    app.config.from_mapping(_flask_configuration(config))
    app.json = ExactJSON(app)
    app.session_interface = EncryptedSessionInterface(config.secret_key)
    clock.set_zone(config.timezone)
    money.set_currency(config.currency)
    app.wsgi_app = RequestRepeater(app.wsgi_app)  # type: ignore[method-assign]
    if config.trusted_proxies:
        count = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=0)  # type: ignore[method-assign]
    db.init_app(app)
    _add_migration_commands(app)
    localisation.install(app)
    Compress(app)
    rate_limits.install(app)
    template_filters.install(app)
    template_context.install(app)
    guard.install(app)
    watch_queries(app)
    app.extensions["hms_api"] = Api(app)
    preconditions.install(app)
    error_handlers.install(app)
    if app.debug or app.testing:
        app.register_blueprint(component_gallery.pages)


def _restrict_debug_to_demo(app: Flask, config: Config) -> None:
    """Allow debugging (FLASK_DEBUG) only with demo data, because it shows code and variables."""
    is_requested = get_debug_flag()
    app.debug = is_requested and config.demo
    if is_requested and not config.demo:
        os.environ["FLASK_DEBUG"] = "0"  # Flask's command line reads the variable again later
        log.warning("FLASK_DEBUG is ignored: debugging is for HMS_DEMO=1 only")


def _add_migration_commands(app: Flask) -> None:
    if has_commands(app):
        from flask_migrate import Migrate  # large; a web process does not need it

        Migrate(app, db, compare_type=True)


def finish_startup(app: Flask) -> None:
    """Set up what needs the desks: the exports of their lists, commands, then the sockets, whose handlers check permissions
    of the desks."""
    exports.install(app)
    for command in commands.commands:
        app.cli.add_command(command)
    is_local = app.testing and not app.config["SOCKETS_OVER_REDIS"]
    events.use_broker(None if is_local else app.config["REDIS_URL"])
    events.socketio.init_app(
        app,
        message_queue=None if is_local else app.config["REDIS_URL"],
        channel=events.CHANNEL,
        async_mode=app.config["SOCKETIO_ASYNC"],
        max_http_buffer_size=16_384,
        cors_allowed_origins=None,
    )


def _flask_configuration(config: Config) -> dict[str, object]:
    return {
        "SECRET_KEY": config.secret_key,
        "JWT_SECRET_KEY": config.jwt_secret_key,
        "AUDIT_KEY": config.audit_key,
        "TOTP_KEYS": config.totp_keys,
        "REDIS_URL": config.redis_url,
        "DATA_DIR": config.data_dir,
        "DEMO": config.demo,
        "SMTP_URL": config.smtp_url,
        "MAIL_FROM": config.mail_from,
        "SMS_TOKEN": config.sms_token,
        "SMS_REPORT_TOKEN": config.sms_report_token,
        "TESTING": config.testing,
        "TRUSTED_HOSTS": list(config.hosts) or None,
        "HTTPS": config.https,
        "CURRENCY": config.currency,
        "COUNTRY": config.country,
        "SOCKETIO_ASYNC": os.environ.get("SOCKETIO_ASYNC", "threading"),
        "SOCKETS_OVER_REDIS": False,
        "SQLALCHEMY_DATABASE_URI": config.database_url,
        "DATABASE_OWNER_URL": config.database_owner_url or config.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(config),
        "SESSION_COOKIE_NAME": "__Host-hms" if config.https else "hms",
        "SESSION_COOKIE_SECURE": config.https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "MAX_CONTENT_LENGTH": MAX_BODY,
        "MAX_FORM_MEMORY_SIZE": MAX_BODY,
        "RATELIMIT_STORAGE_URI": config.redis_url,
        "RATELIMIT_STORAGE_OPTIONS": SHORT_TIMEOUTS,
        "COMPRESS_MIMETYPES": ["text/html", "text/css", "text/javascript", "application/json", "image/svg+xml"],
        "COMPRESS_ALGORITHM": ["gzip"],
        "COMPRESS_LEVEL": 2,  # needs less CPU than 4, and pages stay small enough
        "COMPRESS_MIN_SIZE": 1000,
        "SEND_FILE_MAX_AGE_DEFAULT": 31_536_000,
        "API_TITLE": "HMS",
        "API_VERSION": "1",
        "OPENAPI_VERSION": "3.0.3",
        "BABEL_DEFAULT_LOCALE": "en",
        "BABEL_TRANSLATION_DIRECTORIES": "../translations",
    }
