"""HMS, a hospital management system. `create_app` sets up the core, then loads the desks in order."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from pkgutil import walk_packages

import click
from flask import Blueprint, Flask
from flask.cli import with_appcontext

from config import Config

# Lower desks first. A desk imports only desks named before it; the import contract in `pyproject.toml` checks the order.
DESKS = (
    "staff",
    "messages",
    "patients",
    "escalations",
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
PARTS = ("models", "blueprints", "jobs", "views", "api", "sockets", "section", "alerts")
"""The modules of a desk and of its subjects that are imported at the start, also `*_views` and `*_api`. Importing one
registers its tables, routes, jobs and so on."""


def create_app(config: Config | None = None) -> Flask:
    """The Flask application. Raises `config.NotReady` when the environment lacks a secret or an address."""
    from hms.core import startup

    app = Flask(__name__, template_folder="../templates", static_folder="../static")
    startup.prepare(app, config or Config.from_environment())
    with_commands = startup.has_commands(app)
    for desk in (*DESKS, "demo"):
        _load_desk(app, desk, with_commands=with_commands)
    startup.finish_startup(app)
    app.cli.add_command(run_scheduler)
    return app


@click.command("schedule")
@with_appcontext
def run_scheduler() -> None:
    """Run the periodic tasks of `hms/schedule.py`."""
    from hms.core.background.scheduler import Scheduler
    from hms.schedule import PERIODIC_TASKS

    Scheduler(PERIODIC_TASKS).run()


def _load_desk(app: Flask, desk: str, *, with_commands: bool) -> None:
    """Import a desk's modules, then register its pages, endpoints and commands."""
    modules = [import_module(name) for name in _modules(desk)]
    if with_commands and find_spec(f"hms.{desk}.commands"):
        for command in import_module(f"hms.{desk}.commands").commands:
            app.cli.add_command(command)
    for module in modules:
        if "pages" in vars(module) and module.pages.name not in app.blueprints:
            app.register_blueprint(module.pages)
    for module in modules:
        if "api" in vars(module) and isinstance(module.api, Blueprint) and module.api.name not in app.blueprints:
            app.extensions["hms_api"].register_blueprint(module.api)


def _modules(desk: str) -> list[str]:
    """The dotted names of the modules of `PARTS`, models first, in the order of their names."""
    package = find_spec(f"hms.{desk}")
    names = [module.name for module in walk_packages(package.submodule_search_locations, f"hms.{desk}.")]
    return [name for part in PARTS for name in names if re.fullmatch(rf"(\w+_)?{part}", name.rpartition(".")[2])]
