"""What the web server and the command line start."""

import os

if os.environ.get("SOCKETIO_ASYNC") == "gevent":
    from gevent import monkey

    monkey.patch_all()

from hms import create_app

app = create_app()
