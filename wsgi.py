"""What the web server and the command line start."""

import os

if os.environ.get("SOCKETIO_ASYNC") == "gevent":
    from gevent import monkey

    monkey.patch_all()

from hms import create_app
from hms.local import servers

if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
    servers.ensure()

app = create_app()
