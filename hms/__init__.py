"""HMS: one hospital on its own network. `create_app` starts the core, then opens the desks in order."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import click
from flask import Flask
from flask.cli import with_appcontext

from config import Config

# Lower desks first. A desk imports only desks named before it; `pyproject.toml` holds the same order as law.
DESKS = (
    "staff",
    "messages",
    "patients",
    "billing",
    "appointments",
    "formulary",
    "clinical",
    "lab",
    "pharmacy",
    "chart",
    "reports",
    "interop",
    "admin",
    "home",
)
PARTS = ("models", "jobs", "views", "api", "sockets")


def create_app(config: Config | None = None) -> Flask:
    """The application. Raises `config.NotReady` when the environment lacks a secret or an address."""
    from hms.core import start

    app = Flask(__name__, template_folder="../templates", static_folder="../static")
    start.prepare(app, config or Config.from_environment())
    parts = (*PARTS, "commands") if start.has_commands(app) else PARTS
    for desk in (*DESKS, "demo"):
        _open(app, desk, parts)
    start.ready(app)
    app.cli.add_command(keep_time)
    return app


@click.command("schedule")
@with_appcontext
def keep_time() -> None:
    """Run the hospital's one clock: what is due by time (`hms/schedule.py`)."""
    from hms.core.running import Clock
    from hms.schedule import DUTIES

    Clock(DUTIES).run()


def _open(app: Flask, desk: str, parts: tuple[str, ...]) -> None:
    """Import a desk's parts and register its pages, endpoints and commands."""
    for part in parts:
        name = f"hms.{desk}.{part}"
        if find_spec(name) is None:
            continue
        module = import_module(name)
        if hasattr(module, "pages"):
            app.register_blueprint(module.pages)
        if hasattr(module, "api"):
            app.extensions["hms_api"].register_blueprint(module.api)
        for command in getattr(module, "commands", ()):
            app.cli.add_command(command)
