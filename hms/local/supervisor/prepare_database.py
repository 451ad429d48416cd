"""Updates the tables and, with `HMS_DEMO=1`, creates the demo data, before the web server starts.

One program runs all commands, because loading the application takes most of the time.
"""

from __future__ import annotations

import os

from flask.cli import FlaskGroup

from wsgi import app


def main() -> None:
    """Runs `flask db upgrade`, `flask install-roles`, then `flask demo`."""
    commands = FlaskGroup(create_app=lambda: app, load_dotenv=False)
    commands.main(["db", "upgrade"], standalone_mode=False)
    commands.main(["install-roles"], standalone_mode=False)
    if os.environ.get("HMS_DEMO") == "1":
        commands.main(["demo"], standalone_mode=False)


if __name__ == "__main__":
    main()
