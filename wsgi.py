"""The application for the web server and the command line."""

import os
import sys

if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
    os.environ.pop("SOCKETIO_ASYNC", None)  # a command in the container of the web server is no web server
if os.environ.get("SOCKETIO_ASYNC") == "gevent":
    from gevent import monkey

    monkey.patch_all()

from config import EXIT_NOT_READY, NotReady
from hms import create_app
from hms.local.servers import servers

if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
    servers.ensure_servers()

try:
    app = create_app()
except NotReady as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(EXIT_NOT_READY)
