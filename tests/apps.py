"""Further applications in the process of the test hospital."""

from __future__ import annotations

import weakref

from flask import Flask

from config import Config
from hms import create_app
from hms.core.db.session import db
from hms.core.web.rate_limits import limiter


def app_beside(config: Config) -> Flask:
    """Make another application in this process.

    A process has one limiter, which counts where the application made last has its queue server. It goes on counting
    for the application before, because this one's server may stop, and be gone, long before the process ends.
    """
    counting = vars(limiter).copy()
    app = create_app(config)
    if counting["initialized"]:
        vars(limiter).update(counting)
    with app.app_context():
        weakref.finalize(app, db.engine.dispose)  # its connections are closed when nobody uses it any more
    return app
